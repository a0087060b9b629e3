import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FuseRequest, WriteArguments } from '@k2hft/fuse';
import { Parking } from '../src/parking.js';

function request(unique: number): FuseRequest {
  return { unique, uniqueLow: unique, uniqueHigh: 0, resent: false, nodeId: 2, uid: 0, gid: 0, pid: 1 };
}

function write(text: string): WriteArguments {
  const buffer = Buffer.from(`....${text}`);
  return { handle: 1, offset: 0, buffer, start: 4, end: buffer.length, fromCache: false, openFlags: 1 };
}

void test('a parked write owns its bytes', () => {
  const parking = new Parking();
  const given = write('abc');
  parking.parkWrite(request(2), given, 100);
  given.buffer.fill(0);
  parking.retryWrites(({ write: { buffer, start, end } }) => {
    assert.equal(buffer.toString('latin1', start, end), 'abc');
    return true;
  });
  assert.ok(parking.isEmpty);
});

void test('writes are retried in order, and those behind one that fails wait', () => {
  const parking = new Parking();
  for (const unique of [2, 4, 6]) parking.parkWrite(request(unique), write('x'), 100);
  const tried: number[] = [];
  parking.retryWrites((parked) => {
    tried.push(parked.request.unique);
    return parked.request.unique === 2;
  });
  assert.deepEqual(tried, [2, 4]);
  assert.ok(parking.holdsWrites);
});

void test('a caller that is not being killed goes on waiting', () => {
  const parking = new Parking(() => false);
  parking.parkWrite(request(2), write('x'), 100);
  assert.equal(parking.takeDying(2), undefined);
  assert.ok(parking.holdsWrites);
});

void test('late writes and settled syncs are taken out', () => {
  const parking = new Parking(() => true);
  parking.parkWrite(request(2), write('x'), 100);
  parking.parkWrite(request(4), write('x'), 200);
  parking.parkSync(request(6), 1, 100);
  parking.parkSync(request(8), 2, 200);
  assert.deepEqual(
    parking.takeLateWrites(150).map((parked) => parked.request.unique),
    [2],
  );
  assert.deepEqual(
    parking.takeSyncs(({ ticket }) => ticket <= 1).map((parked) => parked.request.unique),
    [6],
  );
  assert.equal(parking.takeDying(8)?.unique, 8);
  assert.equal(parking.takeDying(8), undefined);
  assert.equal(parking.takeDying(4)?.unique, 4);
  assert.ok(parking.isEmpty);
});
