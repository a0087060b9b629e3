import type { Refusal } from './refusal-reason.js';

/*
 * What OpenSSL and Node.js call the ways in which TLS fails, as sentences for the operator of the server. What the sources
 * themselves see is explained by the forwarder.
 */

const OLD_TLS: Refusal = {
  reason: 'tls_version',
  sentence: 'it knows no TLS newer than 1.1, and this server accepts 1.2 and 1.3: upgrade it',
};
const NOT_TRUSTED: Refusal = {
  reason: 'tls_distrusted',
  sentence:
    "it does not accept this server's certificate (tls.cert): give its servers.tls.ca the authority that has signed it",
};
const NO_TLS: Refusal = {
  reason: 'tls_missing',
  sentence: 'it does not speak TLS, and this port is wss://: write wss:// in its servers.urls',
};

/** By `code` of the error that ends a handshake. */
const HANDSHAKE_FAILURES: Readonly<Record<string, Refusal>> = {
  ERR_SSL_UNSUPPORTED_PROTOCOL: OLD_TLS,
  ERR_SSL_VERSION_TOO_LOW: OLD_TLS,
  ERR_SSL_UNKNOWN_PROTOCOL: OLD_TLS,
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: OLD_TLS,
  ERR_SSL_INAPPROPRIATE_FALLBACK: {
    reason: 'tls_version',
    sentence: 'it fell back to an older TLS than both sides know: something on the way may be forcing it to',
  },
  ERR_SSL_NO_SHARED_CIPHER: {
    reason: 'tls_cipher',
    sentence: 'it knows no cipher that this server accepts: upgrade it',
  },
  ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM: {
    reason: 'tls_cipher',
    sentence: "it knows no way to check this server's kind of key (tls.key): use RSA or ECDSA with P-256",
  },
  ERR_SSL_HTTP_REQUEST: NO_TLS,
  ERR_SSL_HTTPS_PROXY_REQUEST: NO_TLS,
  ERR_SSL_WRONG_VERSION_NUMBER: NO_TLS,
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: NOT_TRUSTED,
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: NOT_TRUSTED,
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: NOT_TRUSTED,
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: {
    reason: 'tls_distrusted',
    sentence: "it says that this server's certificate (tls.cert) has expired: renew it",
  },
  ERR_SSL_UNEXPECTED_EOF_WHILE_READING: {
    reason: 'tls_ended',
    sentence: 'it ended the connection during the TLS handshake',
  },
  ERR_TLS_HANDSHAKE_TIMEOUT: { reason: 'handshake_timeout', sentence: 'its TLS handshake took too long' },
  ECONNRESET: {
    reason: 'tls_ended',
    sentence: 'it ended the connection during the TLS handshake; its own log may say why',
  },
};

/** By what the check of the certificate gives that a source has shown. */
const CERTIFICATE_FAILURES: Readonly<Record<string, Refusal>> = {
  CERT_HAS_EXPIRED: {
    reason: 'certificate_expired',
    sentence: 'its certificate has expired: give it a new one (servers.tls.cert)',
  },
  CERT_NOT_YET_VALID: {
    reason: 'certificate_not_yet_valid',
    sentence:
      'its certificate is not valid yet: set the clocks of both hosts, or give it another one (servers.tls.cert)',
  },
  CERT_REVOKED: {
    reason: 'certificate_other',
    sentence: 'its certificate was revoked: give it a new one (servers.tls.cert)',
  },
  CERT_SIGNATURE_FAILURE: {
    reason: 'certificate_other',
    sentence: 'its certificate is damaged or forged (servers.tls.cert)',
  },
  INVALID_PURPOSE: {
    reason: 'certificate_other',
    sentence:
      'its certificate is not meant for clients: give it one with the extended key usage clientAuth (servers.tls.cert)',
  },
};

const WRONG_AUTHORITY: Refusal = {
  reason: 'certificate_authority',
  sentence:
    'its certificate was signed by another authority than those of tls.client_ca: give it one of theirs (servers.tls.cert)',
};

const NO_CERTIFICATE: Refusal = {
  reason: 'certificate_missing',
  sentence:
    'it shows no certificate, and tls.client_ca asks for one: give it servers.tls.cert and servers.tls.key',
};

/** Why a handshake has failed. */
export function explainHandshake(code: string | undefined, message: string): Refusal {
  return (
    HANDSHAKE_FAILURES[code ?? ''] ?? {
      reason: 'tls_other',
      sentence: `the TLS handshake failed: ${message}`,
    }
  );
}

/** Why a source's certificate is not accepted; `code` is undefined when it has shown none. */
export function explainCertificate(code: string | undefined): Refusal {
  if (code === undefined) return NO_CERTIFICATE;
  const known = CERTIFICATE_FAILURES[code];
  if (known !== undefined) return known;
  const isAboutTheChain = /ISSUER|VERIFY_LEAF|SELF_SIGNED|UNTRUSTED|INVALID_CA/.test(code);
  if (isAboutTheChain) return WRONG_AUTHORITY;
  return { reason: 'certificate_other', sentence: `its certificate cannot be accepted (${code})` };
}

/** First byte of a TLS record that begins a handshake. */
const TLS_HANDSHAKE = 0x16;

/** Why bytes are no HTTP request. */
export function explainRequest(code: string | undefined, bytes: Buffer | undefined): Refusal {
  if (bytes?.[0] === TLS_HANDSHAKE)
    return {
      reason: 'tls_unexpected',
      sentence:
        'it speaks TLS, and this port is ws://: write ws:// in its servers.urls, or listen on wss:// here',
    };
  if (code === 'HPE_HEADER_OVERFLOW')
    return { reason: 'too_large', sentence: 'the header of its request is too long' };
  return { reason: 'request', sentence: 'it sends something that is no WebSocket request' };
}
