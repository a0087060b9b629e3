import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WallClock } from '../src/wall-clock.js';
import { Site } from './capture-site.js';
import { FakeQueue } from './fake-queue.js';
import { streamRule } from './rule-settings.js';

void test('programs that open a file for each long line do not fill the log', () => {
  const clock = new WallClock();
  let nowMs = 1_000_000;
  clock.nowMs = () => nowMs;
  const site = new Site(new FakeQueue(), streamRule({ maxRecordBytes: 4 }), 0, clock);
  let offset = 0;
  const writeOnce = (handle: number) => {
    site.open(handle);
    site.write(handle, handle, offset, Buffer.from('too long\n'));
    offset += 9;
    site.capture.end(handle);
  };
  for (let handle = 1; handle <= 5; handle++) writeOnce(handle);
  assert.equal(site.warnings.length, 1);
  nowMs += 10_000;
  writeOnce(6);
  assert.equal(site.warnings.length, 2);
  nowMs -= 100_000;
  writeOnce(7);
  assert.equal(site.warnings.length, 3, 'a clock that was set back keeps nothing quiet');
});
