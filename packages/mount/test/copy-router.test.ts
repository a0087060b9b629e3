import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import type { RuleSettings } from '@k2hft/config';
import { temporaryFolder } from '@k2hft/test-harness';
import { Capture } from '../src/capture.js';
import { CopyComplaints } from '../src/copy-complaints.js';
import { CopyFiles } from '../src/copy-files.js';
import { CopyOpener } from '../src/copy-opener.js';
import { CopyRouter } from '../src/copy-router.js';
import { PendingRows } from '../src/pending-rows.js';
import { compileRules } from '../src/rules.js';
import { WallClock } from '../src/wall-clock.js';
import { FakeQueue } from './fake-queue.js';
import { ruleSettings } from './rule-settings.js';

const MOUNT_POINT = '/m';

/** A worker on a queue that may have seen others before. */
class Site {
  readonly rows = new PendingRows();
  readonly log: string[] = [];
  readonly capture: Capture;

  constructor(
    readonly queue: FakeQueue,
    rules: Partial<RuleSettings>[],
    below: string | undefined,
  ) {
    const findRule = compileRules(rules.map(ruleSettings));
    const log = (level: string, message: string) => this.log.push(`${level}: ${message}`);
    const files = new CopyFiles({
      opener: new CopyOpener(new Set([MOUNT_POINT]), 0o022),
      stored: queue,
      store: (key, value) => {
        const { failing } = queue;
        queue.failing = false;
        queue.append([], new Map([[key, value]]));
        queue.failing = failing;
        return true;
      },
      complaints: new CopyComplaints(log),
      nowMs: () => performance.now(),
    });
    const router = new CopyRouter({ files, findRule, mountPoint: MOUNT_POINT, below, log });
    this.capture = new Capture({
      queue,
      rows: this.rows,
      findRule,
      host: 'web1',
      clock: new WallClock(),
      sizeBytes: () => 0,
      dropped: () => undefined,
      warn: () => undefined,
      copies: router,
    });
    router.attach(this.capture.stages);
  }

  open(handle: number, path: string): void {
    this.capture.open(handle, handle, path);
    this.store();
  }

  write(handle: number, unique: number, offset: number, text: string): void {
    const headroom = 1024;
    const buffer = Buffer.concat([Buffer.alloc(headroom), Buffer.from(text)]);
    const request = { unique, uniqueLow: unique, uniqueHigh: 0, resent: false, nodeId: handle };
    this.capture.write(
      { ...request, uid: 1, gid: 2, pid: 3 },
      { handle, offset, buffer, start: headroom, end: buffer.length, fromCache: false, openFlags: 1 },
    );
  }

  store(): void {
    this.queue.append([], this.rows.changes);
    this.rows.changes.clear();
  }

  sent(path: string): string {
    const payloads = this.queue.batches.filter((batch) => batch.path.toString() === path);
    return Buffer.concat(payloads.map(({ payload }) => payload)).toString();
  }
}

const step = fc.record({
  handle: fc.constantFrom(1, 2),
  text: fc
    .array(fc.constantFrom('a', 'bc\n', '\n', 'no\n', 'd\ne\nf', 'n', 'o'), { minLength: 1, maxLength: 5 })
    .map((parts) => parts.join('')),
  fate: fc.constantFrom('passes', 'passes', 'fails', 'dies'),
});

function withoutNo(text: string): string {
  return text
    .split(/(?<=\n)/)
    .filter((line) => !line.includes('no'))
    .join('');
}

/** What the lines of several writers come to, whatever their order. */
function sortedLines(text: string): string[] {
  return text.split(/(?<=\n)/).sort();
}

void test('all stages of a copy take place with the write, or none, whoever dies or fails when', (t) => {
  const folder = temporaryFolder(t);
  let run = 0;
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 25 }),
      fc.constantFrom('passes', 'fails', 'dies'),
      (steps, ending) => {
        const below = join(folder, String(run++));
        mkdirSync(below);
        const rules: Partial<RuleSettings>[] = [
          { path: 'in*', send: 'no', copyTo: '/m/second/' },
          { path: 'second/*', deny: ['no'], copyTo: '/m/third', copyWhat: 'filtered' },
          { path: 'third', copyTo: join(below, 'out') },
        ];
        const queue = new FakeQueue();
        let site = new Site(queue, rules, below);
        const texts = ['', ''];
        const attempt = (fate: string, action: () => void): void => {
          queue.failing = fate !== 'passes';
          if (queue.failing) assert.throws(action);
          queue.failing = false;
          if (fate === 'dies') {
            site = new Site(queue, rules, below);
            site.capture.restore(new Set([1, 2]));
          }
          action();
        };
        for (const handle of [1, 2]) site.open(handle, `in${handle}`);
        steps.forEach(({ handle, text, fate }, index) => {
          const offset = texts[handle - 1]?.length ?? 0;
          attempt(fate, () => {
            site.write(handle, 2 * index + 2, offset, text);
          });
          texts[handle - 1] = (texts[handle - 1] ?? '') + text;
        });
        for (const handle of [1, 2]) {
          attempt(ending, () => {
            site.capture.end(handle);
          });
        }
        site.store();
        let third = '';
        for (const [index, text] of texts.entries()) {
          const path = `second/in${index + 1}`;
          assert.equal(site.sent(`in${index + 1}`), '');
          assert.equal(site.sent(path), withoutNo(text));
          assert.equal(existsSync(join(below, path)) ? readFileSync(join(below, path), 'utf8') : '', text);
          third += withoutNo(text);
        }
        const out = existsSync(join(below, 'out')) ? readFileSync(join(below, 'out'), 'utf8') : '';
        assert.equal(out.length, third.length);
        assert.equal(site.sent('third').length, third.length);
        if (texts.every((text) => text.endsWith('\n') || text === ''))
          assert.deepEqual(sortedLines(out), sortedLines(third));
        assert.deepEqual(site.log, []);
        const left = queue.keys().filter((key) => !key.startsWith('cf'));
        assert.deepEqual(left, [], 'every stream has ended with its rows');
      },
    ),
    { numRuns: 200, includeErrorInReport: true },
  );
});

void test('copies that would come back are refused, once in the log, and the write goes on', () => {
  const site = new Site(new FakeQueue(), [{ path: '*', copyTo: '/m/other' }], undefined);
  for (const handle of [1, 2]) {
    site.open(handle, 'in');
    site.write(handle, 2 * handle, 0, 'x\n');
  }
  assert.equal(site.sent('in'), 'x\nx\n');
  assert.equal(site.sent('other'), '');
  assert.deepEqual(site.log, [
    'error: in is not copied: the way that copy_to describes comes back to a path: in → other → other',
  ]);
});

void test('a stage whose rule is gone ends as what it was', () => {
  const queue = new FakeQueue();
  const first = new Site(queue, [{ path: 'in', copyTo: '/m/other' }, { path: 'other' }], undefined);
  first.open(1, 'in');
  first.write(1, 2, 0, 'half');
  const second = new Site(queue, [{ path: '*' }], undefined);
  second.capture.restore(new Set([1]));
  second.write(1, 4, 4, ' line\n');
  second.capture.endAll();
  second.store();
  assert.equal(second.sent('in'), 'half line\n');
  assert.equal(second.sent('other'), 'half');
  assert.deepEqual(queue.keys(), []);
});
