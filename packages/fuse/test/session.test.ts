/** The run loop, on a plain file in place of /dev/fuse: a request stands in it, replies are written behind. */
import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { temporaryFolder } from '@k2hft/test-harness';
import { FuseSession, type FuseOperations, type FuseSessionOptions } from '../src/index.js';
import { OPCODE } from '../src/protocol.js';
import { requestBytes, text, u32, u64 } from './bytes-by-hand.js';

const negotiated = {
  protocolMinor: 40,
  writeBytesMax: 4096,
  flags: [0, 0] as [number, number],
  canResend: true,
};
const writeRequest = requestBytes(
  { opcode: OPCODE.WRITE },
  u64(3, 0),
  u32(5, 0),
  u64(0),
  u32(0, 0),
  text('line\n'),
);

function served(
  t: TestContext,
  operations: FuseOperations,
  options: Partial<FuseSessionOptions> = {},
): Buffer {
  const file = join(temporaryFolder(t), 'device');
  writeFileSync(file, writeRequest);
  const fd = openSync(file, 'r+');
  t.after(() => {
    closeSync(fd);
  });
  new FuseSession({ fd, operations, negotiated, ...options }).run();
  return readFileSync(file).subarray(writeRequest.length);
}

test('in front of the data of a write there is the room that was asked for', (t) => {
  for (const headroomBytes of [0, 1, 79, 80, 81, 65_536]) {
    const operations: FuseOperations = {
      write: (_request, { buffer, start, end }) => {
        assert.ok(start >= headroomBytes);
        buffer.fill(0xff, start - headroomBytes, end);
        return end - start;
      },
    };
    const reply = served(t, operations, { headroomBytes });
    assert.deepEqual(reply, Buffer.concat([u32(24, 0), u64(2), u32(5, 0)]), String(headroomBytes));
  }
});

test('the end of each request and of the mount is told', (t) => {
  const events: string[] = [];
  const operations: FuseOperations = {
    write: () => {
      events.push('write');
      return 5;
    },
    destroy: () => events.push('destroy'),
  };
  served(t, operations, { onRequestEnd: () => events.push('end') });
  assert.deepEqual(events, ['write', 'end', 'destroy']);
});

test('a fault is told with the request that met it', (t) => {
  const bug = new Error('bug');
  const faults: unknown[] = [];
  const operations: FuseOperations = {
    write: () => {
      throw bug;
    },
  };
  const reply = served(t, operations, { onFault: (error, opcode) => faults.push([error, opcode]) });
  assert.deepEqual(faults, [[bug, OPCODE.WRITE]]);
  assert.equal(reply.readInt32LE(4), -5);
});
