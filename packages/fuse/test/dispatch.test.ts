import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Dispatcher } from '../src/dispatch.js';
import { ERRNO, FuseError, PARKED, type FuseOperations } from '../src/index.js';
import { OPCODE } from '../src/protocol.js';
import { requestBytes, text, u32, u64, type RequestFields } from './bytes-by-hand.js';

interface Answered {
  replies: Buffer[];
  faults: unknown[];
}

function answered(operations: FuseOperations, fields: RequestFields, ...body: Buffer[]): Answered {
  const replies: Buffer[] = [];
  const faults: unknown[] = [];
  const output = {
    write: (reply: Buffer, length: number) => replies.push(Buffer.from(reply.subarray(0, length))),
  };
  const dispatcher = new Dispatcher(operations, output, (error) => faults.push(error));
  const bytes = requestBytes(fields, ...body);
  dispatcher.handle(bytes, 0, bytes.length);
  return { replies, faults };
}

const errorReply = (errno: number, unique: number | bigint = 2) =>
  Buffer.concat([u32(16, 2 ** 32 - errno), u64(unique)]);
const emptyReply = Buffer.concat([u32(16, 0), u64(2)]);
const writeBody = (data: string) => [u64(3, 100), u32(data.length, 0), u64(0), u32(0, 0), text(data)];

test('a request becomes one call and one reply', () => {
  const seen: unknown[] = [];
  const operations: FuseOperations = {
    write: ({ uid, gid, pid, nodeId }, { handle, offset, buffer, start, end }) => {
      seen.push({ uid, gid, pid, nodeId, handle, offset, data: buffer.toString('latin1', start, end) });
      return end - start;
    },
  };
  const fields = { opcode: OPCODE.WRITE, unique: (1n << 63n) + 4n, nodeId: 9, uid: 1, gid: 2, pid: 3 };
  const { replies } = answered(operations, fields, ...writeBody('line\n'));
  assert.deepEqual(seen, [{ uid: 1, gid: 2, pid: 3, nodeId: 9, handle: 3, offset: 100, data: 'line\n' }]);
  assert.deepEqual(replies, [Buffer.concat([u32(24, 0), u64((1n << 63n) + 4n), u32(5, 0)])]);
});

test('reading fills the reply, short at the end of a file', () => {
  const operations: FuseOperations = {
    read: (_request, _handle, offset, target) => target.write(`at ${offset}`),
  };
  const { replies } = answered(
    operations,
    { opcode: OPCODE.READ },
    u64(3, 100),
    u32(4096, 0),
    u64(0),
    u32(0, 0),
  );
  assert.deepEqual(replies, [Buffer.concat([u32(22, 0), u64(2), text('at 100')])]);
});

test('a parked request gets no reply', () => {
  const { replies } = answered({ write: () => PARKED }, { opcode: OPCODE.WRITE }, ...writeBody('line\n'));
  assert.deepEqual(replies, []);
});

test('what is absent is answered with ENOSYS, but an ioctl with ENOTTY', () => {
  const noSuch = [errorReply(ERRNO.ENOSYS)];
  for (const opcode of [
    OPCODE.LOOKUP,
    OPCODE.WRITE,
    OPCODE.GETXATTR,
    OPCODE.INTERRUPT,
    31,
    52,
    53,
    4096,
    2 ** 32 - 1,
  ]) {
    assert.deepEqual(answered({}, { opcode }).replies, noSuch, String(opcode));
  }
  assert.deepEqual(answered({}, { opcode: OPCODE.IOCTL }).replies, [errorReply(ERRNO.ENOTTY)]);
});

test('FORGET, BATCH_FORGET and INTERRUPT have no reply, also when they fail', () => {
  const operations: FuseOperations = {
    forget: () => {
      throw new Error('bug');
    },
    interrupt: () => undefined,
  };
  const forget = answered(operations, { opcode: OPCODE.FORGET }, u64(1));
  assert.deepEqual([forget.replies.length, forget.faults.length], [0, 1]);
  assert.deepEqual(answered(operations, { opcode: OPCODE.BATCH_FORGET }, u32(1, 0), u64(2, 1)).replies, []);
  assert.deepEqual(answered(operations, { opcode: OPCODE.BATCH_FORGET }, u32(9, 0)).replies, []);
  assert.deepEqual(answered(operations, { opcode: OPCODE.INTERRUPT }, u64(2)).replies, []);
});

test('DESTROY is answered', () => {
  assert.deepEqual(answered({}, { opcode: OPCODE.DESTROY }).replies, [emptyReply]);
});

test('an operation answers with what it throws', () => {
  const failing = (error: unknown): FuseOperations => ({
    unlink: () => {
      throw error;
    },
  });
  const answer = (error: unknown) => answered(failing(error), { opcode: OPCODE.UNLINK }, text('name\0'));
  assert.deepEqual(answer(new FuseError('EBUSY')), { replies: [errorReply(ERRNO.EBUSY)], faults: [] });
  const full = Object.assign(new Error('full'), { code: 'ENOSPC' });
  assert.deepEqual(answer(full), { replies: [errorReply(ERRNO.ENOSPC)], faults: [] });
  const bug = new TypeError('bug');
  assert.deepEqual(answer(bug), { replies: [errorReply(ERRNO.EIO)], faults: [bug] });
});

test('a malformed request is answered with EINVAL and reported', () => {
  const { replies, faults } = answered({ unlink: () => undefined }, { opcode: OPCODE.UNLINK }, text('name'));
  assert.deepEqual(replies, [errorReply(ERRNO.EINVAL)]);
  assert.equal(faults.length, 1);
});

test('a value larger than the caller has room for gets ERANGE; with size 0 the size is told', () => {
  const operations: FuseOperations = {
    getxattr: () => Buffer.from('value'),
    listxattr: () => Buffer.from('a\0b\0'),
  };
  const get = (size: number) =>
    answered(operations, { opcode: OPCODE.GETXATTR }, u32(size, 0), text('user.x\0')).replies;
  assert.deepEqual(get(4), [errorReply(ERRNO.ERANGE)]);
  assert.deepEqual(get(5), [Buffer.concat([u32(21, 0), u64(2), text('value')])]);
  assert.deepEqual(get(0), [Buffer.concat([u32(24, 0), u64(2), u32(5, 0)])]);
  assert.deepEqual(answered(operations, { opcode: OPCODE.LISTXATTR }, u32(9, 0)).replies, [
    Buffer.concat([u32(20, 0), u64(2), text('a\0b\0')]),
  ]);
});

test('READDIRPLUS is answered by readdir when there is nothing else', () => {
  const operations: FuseOperations = {
    readdir: (_request, _handle, offset, filler) =>
      void filler.add({ name: 'a', ino: 4, mode: 0 }, offset + 1),
  };
  const body = [u64(3, 0), u32(4096, 0), u64(0), u32(0, 0)];
  const plain = answered(operations, { opcode: OPCODE.READDIR }, ...body).replies;
  assert.deepEqual(
    plain.map((reply) => reply.length),
    [16 + 32],
  );
  const plus = answered(operations, { opcode: OPCODE.READDIRPLUS }, ...body).replies;
  assert.deepEqual(
    plus.map((reply) => reply.length),
    [16 + 128 + 32],
  );
});

test('a read larger than the first reply buffer gets room, and an absurd one is refused', () => {
  const operations: FuseOperations = {
    read: (_request, _handle, _offset, target) => target.fill('x').length,
  };
  const read = (size: number) =>
    answered(operations, { opcode: OPCODE.READ }, u64(3, 0), u32(size, 0), u64(0), u32(0, 0)).replies;
  assert.equal(read(1024 * 1024)[0]?.length, 16 + 1024 * 1024);
  assert.deepEqual(read(2 ** 31), [errorReply(ERRNO.EINVAL)]);
});

test('a reply that the kernel refuses is reported, and its caller gets EIO', () => {
  const written: number[] = [];
  const faults: unknown[] = [];
  const refusal = Object.assign(new Error('no'), { code: 'EINVAL' });
  const output = {
    write: (reply: Buffer) => {
      written.push(reply.readInt32LE(4));
      throw refusal;
    },
  };
  const bytes = requestBytes({ opcode: OPCODE.DESTROY });
  new Dispatcher({}, output, (error) => faults.push(error)).handle(bytes, 0, bytes.length);
  assert.deepEqual(written, [0, -ERRNO.EIO]);
  assert.deepEqual(faults, [refusal, refusal]);
});
