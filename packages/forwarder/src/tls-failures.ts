/*
 * What OpenSSL and Node.js call the ways in which a connection fails, as sentences for the operator of the source. What
 * the server itself sees is explained by the server.
 */

const OTHER_AUTHORITY =
  "the server's certificate was signed by an authority that is not trusted here: set servers.tls.ca to the authority's certificate, if this is your server";

const OWN_CERTIFICATE =
  'the server does not accept the certificate of this host: give servers.tls.cert and servers.tls.key one that its tls.client_ca has signed';

const NO_TLS =
  'the server does not speak TLS on this port: write ws:// in servers.urls, or let the server listen on wss://';

const OLD_TLS = 'the server knows no TLS newer than 1.1, which is not safe: upgrade it';

/** By `code` of the error. */
const FAILURES: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: "the server's certificate has expired: renew it on the server (tls.cert)",
  CERT_NOT_YET_VALID: "the server's certificate is not valid yet: set the clocks of both hosts",
  CERT_REVOKED: "the server's certificate was revoked: give the server a new one (tls.cert)",
  CERT_SIGNATURE_FAILURE: "the server's certificate is damaged or forged",
  INVALID_PURPOSE:
    "the server's certificate is not meant for servers: it needs the extended key usage serverAuth",
  DEPTH_ZERO_SELF_SIGNED_CERT: OTHER_AUTHORITY,
  SELF_SIGNED_CERT_IN_CHAIN: OTHER_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT: OTHER_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: OTHER_AUTHORITY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: OTHER_AUTHORITY,
  CERT_UNTRUSTED: OTHER_AUTHORITY,
  INVALID_CA: OTHER_AUTHORITY,
  ERR_SSL_WRONG_VERSION_NUMBER: NO_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NO_TLS,
  ERR_SSL_UNSUPPORTED_PROTOCOL: OLD_TLS,
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: OLD_TLS,
  ERR_SSL_INAPPROPRIATE_FALLBACK:
    'the connection fell back to an older TLS than both sides know: something on the way may be forcing it to',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: OWN_CERTIFICATE,
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: OWN_CERTIFICATE,
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: OWN_CERTIFICATE,
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: OWN_CERTIFICATE,
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: OWN_CERTIFICATE,
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE:
    'the server ended the TLS handshake: both sides know no common cipher, or it wants a certificate (servers.tls.cert)',
  ERR_OSSL_X509_KEY_VALUES_MISMATCH: 'servers.tls.key does not belong to servers.tls.cert',
  ERR_OSSL_PEM_NO_START_LINE: 'servers.tls.cert or servers.tls.key is no file in PEM (-----BEGIN ...)',
  ERR_MISSING_PASSPHRASE:
    'servers.tls.key is protected by a passphrase: store it without one, readable by this user only',
};

/** Why no connection came about, where the system's own words would not help; undefined: they do. */
export function explainFailure(error: unknown, url: string): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined;
  const isTls = url.startsWith('wss:');
  if (error.code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const { hostname } = new URL(url);
    return `the server's certificate is for another name than ${hostname}: write a name of the certificate in servers.urls, or give the server one for this name`;
  }
  if (error.code === 'ECONNRESET' && /hang up|before secure TLS/.test(error.message)) {
    return isTls
      ? 'the server ended the connection during the TLS handshake: it may be ws:// there, or its log says why'
      : 'the server ended the connection before it answered: if it listens on wss://, write wss:// in servers.urls; or its log says why';
  }
  return FAILURES[error.code === 'EPROTO' ? codeInside(error.message) : error.code];
}

/** While data is being written, OpenSSL's reason is only in the text: `…:SSL routines:function:wrong version number:…`. */
function codeInside(message: string): string {
  const reason = /:SSL routines:[^:]*:([^:]+):/.exec(message)?.[1] ?? '';
  return `ERR_SSL_${reason.trim().toUpperCase().replaceAll(' ', '_')}`;
}
