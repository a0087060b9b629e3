import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { constants } from 'node:crypto';
import type { Log, ServerSettings } from '@k2hft/config';
import { messageOf, ServerError, systemCode } from './errors.js';
import { warnIfReadable } from './file-secrecy.js';

export type TlsSettings = NonNullable<ServerSettings['tls']>;

/** A certificate that ends sooner is spoken of when it is read. */
const EXPIRY_NOTICE_DAYS = 14;
const DAY_MS = 86_400_000;

const KEY_FAULTS: Readonly<Record<string, string>> = {
  ERR_OSSL_X509_KEY_VALUES_MISMATCH: 'the key does not belong to the certificate',
  ERR_MISSING_PASSPHRASE:
    'the key is protected by a passphrase: store it without one, readable by this user only',
  ERR_OSSL_BAD_DECRYPT:
    'the key is protected by a passphrase: store it without one, readable by this user only',
  ERR_OSSL_UNSUPPORTED: 'the key is of a kind that is not supported: use RSA or ECDSA with P-256, in PEM',
};

/**
 * What a TLS server needs, read and checked. No session is taken up again: whoever connects proves anew who it is, with
 * the certificates of today. Throws {@link ServerError} `tls`.
 */
export function readTlsFiles(settings: TlsSettings, log: Log): SecureContextOptions {
  const cert = read('tls.cert', settings.cert);
  const key = read('tls.key', settings.key);
  const ca = settings.clientCa === undefined ? undefined : read('tls.client_ca', settings.clientCa);
  const certificate = parse('tls.cert', settings.cert, cert);
  if (settings.clientCa !== undefined && ca !== undefined) parse('tls.client_ca', settings.clientCa, ca);
  const options: SecureContextOptions = {
    cert,
    key,
    ca,
    minVersion: 'TLSv1.2',
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_TICKET,
  };
  try {
    createSecureContext(options);
  } catch (error) {
    const fault = KEY_FAULTS[systemCode(error) ?? ''] ?? `OpenSSL does not take them: ${messageOf(error)}`;
    throw new ServerError('tls', `tls.cert ${settings.cert} and tls.key ${settings.key}: ${fault}`, {
      cause: error,
    });
  }
  warnIfReadable(settings.key, 'tls.key', log);
  warnOfExpiry(settings.cert, certificate, log);
  return options;
}

function read(name: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new ServerError('tls', `cannot read ${name}: ${messageOf(error)}`, { cause: error });
  }
}

function parse(name: string, file: string, bytes: Buffer): X509Certificate {
  try {
    return new X509Certificate(bytes);
  } catch (error) {
    throw new ServerError(
      'tls',
      `${name} ${file} holds no certificate in PEM (-----BEGIN CERTIFICATE-----)`,
      {
        cause: error,
      },
    );
  }
}

function warnOfExpiry(file: string, { validTo }: X509Certificate, log: Log): void {
  const leftMs = Date.parse(validTo) - Date.now();
  if (leftMs <= 0) {
    log(
      'error',
      `tls.cert ${file} has expired on ${validTo}: sources refuse it; renew it, it is read again by itself`,
    );
  } else if (leftMs < EXPIRY_NOTICE_DAYS * DAY_MS) {
    log('warn', `tls.cert ${file} expires on ${validTo}: renew it, it is read again by itself`);
  }
}
