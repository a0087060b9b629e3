import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explainFailure } from '../src/tls-failures.js';

function failure(code: string, message = ''): Error {
  return Object.assign(new Error(message), { code });
}

const ROWS: readonly [code: string, message: string, expected: RegExp][] = [
  ['CERT_HAS_EXPIRED', '', /has expired: renew it on the server/],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', '', /set servers\.tls\.ca/],
  ['ERR_TLS_CERT_ALTNAME_INVALID', '', /for another name than agg1/],
  ['ERR_SSL_WRONG_VERSION_NUMBER', '', /write ws:\/\//],
  [
    'EPROTO',
    'write EPROTO 80:error:0A00010B:SSL routines:get_record:wrong version number:a.c:3:',
    /write ws:/,
  ],
  [
    'EPROTO',
    'write EPROTO 80:error:1:SSL routines:f:tlsv13 alert certificate required:a.c:3:',
    /tls\.client_ca/,
  ],
  ['ECONNRESET', 'socket hang up', /during the TLS handshake/],
  ['ERR_OSSL_X509_KEY_VALUES_MISMATCH', '', /tls\.key does not belong/],
];

test('what OpenSSL says becomes a sentence that helps', () => {
  for (const [code, message, expected] of ROWS)
    assert.match(explainFailure(failure(code, message), 'wss://agg1:8020') ?? '', expected);
  const hungUp = explainFailure(failure('ECONNRESET', 'socket hang up'), 'ws://agg1:8020');
  assert.match(hungUp ?? '', /write wss:\/\//);
});

test('what helps as it is stays as it is', () => {
  for (const error of [
    failure('ECONNREFUSED', 'connect ECONNREFUSED'),
    failure('EPROTO', 'x'),
    new Error('x'),
    'x',
  ])
    assert.equal(explainFailure(error, 'wss://agg1:8020'), undefined);
});
