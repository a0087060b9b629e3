import assert from 'node:assert/strict';
import { appendFileSync, closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { whyNoMounts } from '@k2hft/test-harness';
import { startPipeline } from './pipeline.js';

const skip = whyNoMounts() ?? false;

const chunks = fc.array(
  fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc
      .constantFrom('\n', '\r\n', '\0', 'a line\n', '\n\n\n', '\xff\xfe', 'no end')
      .map((text) => Buffer.from(text, 'latin1')),
    fc.tuple(fc.constantFrom(5_000, 70_000, 400_000), fc.constantFrom(1, 7, 4096)).map(([length, every]) => {
      return Buffer.from(
        Array.from({ length }, (_, index) => (index % every === 0 ? 10 : 97 + (index % 26))),
      );
    }),
  ),
  { maxLength: 12 },
);

for (const mode of ['virtual', 'overlay'] as const) {
  void test(
    `the bytes of a file are the bytes written, in whatever pieces (${mode})`,
    { skip },
    async (t) => {
      const pipeline = await startPipeline(t, { mode, rules: [{ path: '**', send: 'lines' }] });
      let run = 0;
      await fc.assert(
        fc.asyncProperty(chunks, async (pieces) => {
          const name = `run${run++}.log`;
          const fd = openSync(pipeline.inside(name), 'a');
          for (const piece of pieces) {
            for (let at = 0; at < piece.length;) at += writeSync(fd, piece, at);
          }
          closeSync(fd);
          await pipeline.arrives(name, Buffer.concat(pieces));
        }),
        { numRuns: 40 },
      );
    },
  );

  void test(`binary files arrive with the same bytes (${mode})`, { skip }, async (t) => {
    const pipeline = await startPipeline(t, { mode, rules: [{ path: '*.bin', send: 'binary' }] });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(chunks, async (pieces) => {
        const name = `run${run++}.bin`;
        for (const piece of pieces) appendFileSync(pipeline.inside(name), piece);
        await pipeline.arrives(name, Buffer.concat(pieces));
      }),
      { numRuns: 20 },
    );
  });
}

void test('lines of two open handles of one file never mix inside a line', { skip }, async (t) => {
  const pipeline = await startPipeline(t);
  const one = openSync(pipeline.inside('both.log'), 'a');
  const other = openSync(pipeline.inside('both.log'), 'a');
  writeSync(one, 'first ');
  writeSync(other, 'second ');
  writeSync(one, 'of one\n');
  writeSync(other, 'of the other\nand unfinished');
  writeSync(one, 'third of one\n');
  closeSync(other);
  closeSync(one);
  await pipeline.arrives('both.log', 'first of one\nsecond of the other\nthird of one\nand unfinished');
});

void test('a file in a folder, with a name that is no UTF-8', { skip }, async (t) => {
  const pipeline = await startPipeline(t);
  mkdirSync(pipeline.inside('deep/er'), { recursive: true });
  appendFileSync(pipeline.inside('deep/er/a b.log'), 'x\n');
  await pipeline.arrives('deep/er/a b.log', 'x\n');
  const odd = Buffer.concat([Buffer.from(`${pipeline.mount.point}/odd`), Buffer.from([0xff])]);
  appendFileSync(odd, 'y\n');
  await pipeline.delivered();
  assert.equal(pipeline.mount.status().queue.batches, 0);
});

void test(
  'a line that is longer than max_record is sent in pieces, and its bytes are the same',
  { skip },
  async (t) => {
    const pipeline = await startPipeline(t, { rules: [{ path: '**', max_record: '1KiB' }] });
    const text = `${'x'.repeat(10_000)}\nshort\n${'y'.repeat(1024)}\n`;
    appendFileSync(pipeline.inside('long.log'), text);
    await pipeline.arrives('long.log', text);
    await pipeline.mount.process.printed(/longer than max_record/);
  },
);

void test(
  'an unfinished line is sent after line_timeout, and its rest when it comes',
  { skip },
  async (t) => {
    const pipeline = await startPipeline(t, { rules: [{ path: '**', line_timeout: '1s' }] });
    const fd = openSync(pipeline.inside('slow.log'), 'a');
    writeSync(fd, 'prompt> ');
    await pipeline.arrives('slow.log', 'prompt> ');
    writeSync(fd, 'answer\n');
    await pipeline.arrives('slow.log', 'prompt> answer\n');
    closeSync(fd);
  },
);

void test('what no rule names is not sent', { skip }, async (t) => {
  const pipeline = await startPipeline(t, {
    mode: 'overlay',
    rules: [{ path: 'secret.log', send: 'no' }, { path: '*.log' }],
  });
  appendFileSync(pipeline.inside('secret.log'), 'hidden\n');
  appendFileSync(pipeline.inside('other.txt'), 'hidden\n');
  appendFileSync(pipeline.inside('seen.log'), 'seen\n');
  await pipeline.arrives('seen.log', 'seen\n');
  await pipeline.delivered();
  assert.equal(pipeline.arrived('secret.log').length, 0);
  assert.equal(pipeline.arrived('other.txt').length, 0);
});
