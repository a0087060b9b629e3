import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import { addTransportMetrics, SnapshotMetrics, type TransportFigures } from '../src/index.js';

const AMOUNT = { batches: 1, records: 2, bytes: 3 };

test('no label holds what may be a secret in the URL of a server', async () => {
  const url = 'ws://a:1/in?key=secret';
  const figures: TransportFigures = {
    queue: {
      cursors: { [`to ${url}`]: { ...AMOUNT, oldestMs: undefined } },
      hotBytes: 0,
      storeBytes: 0,
      lost: { expired: AMOUNT, [`drop_oldest to ${url}`]: AMOUNT },
    },
    servers: [
      { url, state: 'up', connections: 1, failures: 0, sent: AMOUNT, acked: AMOUNT, inFlight: AMOUNT },
    ],
    handedOver: 0,
    damaged: 0,
  };
  const registry = new Registry();
  addTransportMetrics(new SnapshotMetrics(registry, () => figures), (snapshot) => snapshot);
  const text = await registry.metrics();
  assert.doesNotMatch(text, /secret/);
  assert.match(text, /^k2hft_queue_lost_bytes_total\{reason="drop_oldest to ws:\/\/a:1\/in"\} 3$/m);
  assert.match(text, /^k2hft_queue_batches\{cursor="to ws:\/\/a:1\/in"\} 1$/m);
  assert.match(text, /^k2hft_forward_state\{server="ws:\/\/a:1\/in",state="up"\} 1$/m);
});
