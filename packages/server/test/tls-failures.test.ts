import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { explainCertificate, explainHandshake, explainRequest } from '../src/tls-failures.js';

test('each way in which a handshake fails has its sentence', () => {
  for (const [code, expected] of [
    ['ERR_SSL_UNSUPPORTED_PROTOCOL', /no TLS newer than 1\.1/],
    ['ERR_SSL_INAPPROPRIATE_FALLBACK', /fell back/],
    ['ERR_SSL_HTTP_REQUEST', /does not speak TLS/],
    ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', /servers\.tls\.ca/],
    ['ERR_SSL_NEVER_HEARD_OF', /the TLS handshake failed: as OpenSSL says/],
    [undefined, /the TLS handshake failed: as OpenSSL says/],
  ] as const)
    assert.match(explainHandshake(code, 'as OpenSSL says').sentence, expected);
});

test('each fault of a certificate has its sentence', () => {
  for (const [code, expected] of [
    [undefined, /shows no certificate/],
    ['CERT_HAS_EXPIRED', /has expired/],
    ['CERT_NOT_YET_VALID', /clocks/],
    ['INVALID_PURPOSE', /clientAuth/],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', /another authority/],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', /another authority/],
    ['HOSTNAME_MISMATCH', /cannot be accepted \(HOSTNAME_MISMATCH\)/],
  ] as const)
    assert.match(explainCertificate(code).sentence, expected);
});

test('what is no request is named', () => {
  assert.match(explainRequest('HPE_INVALID_METHOD', Buffer.from([0x16, 3, 1])).sentence, /it speaks TLS/);
  assert.match(explainRequest('HPE_HEADER_OVERFLOW', Buffer.from('GET')).sentence, /too long/);
  assert.match(explainRequest('HPE_INVALID_METHOD', undefined).sentence, /no WebSocket request/);
});
