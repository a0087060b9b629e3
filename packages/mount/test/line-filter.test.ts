import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compileFilter, type FilterSettings } from '../src/line-filter.js';
import { SlowTime } from '../src/match-budget.js';
import { filterByHand } from './filter-model.js';

const NOTHING: FilterSettings = { default: 'allow', select: [], allow: [], deny: [], rewrite: [] };

const HOUR_MS = 3_600_000;

/** For tests of what is decided: it does not depend on whether the machine stands still meanwhile. */
class AmpleTime extends SlowTime {
  override left(): number {
    return HOUR_MS;
  }

  override spend(): void {
    // There is always more.
  }
}

/** The time that this process was at work, in milliseconds: what else the machine does is not in it. */
function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function filtered(settings: Partial<FilterSettings>, text: string | Buffer): string {
  const filter = compileFilter({ ...NOTHING, ...settings }, new AmpleTime());
  assert.ok(filter);
  const bytes = Buffer.from(text as string);
  return filter.apply(bytes, 0, bytes.length).payload.toString('latin1');
}

void test('a rule without patterns looks at no line', () => {
  assert.equal(compileFilter(NOTHING), undefined);
  assert.ok(compileFilter({ ...NOTHING, default: 'deny' }));
});

const TEXT = 'a INFO b\r\nx ERROR y\n\nERROR healthz\nlast';
const cases: [name: string, settings: Partial<FilterSettings>, expected: string][] = [
  ['deny drops', { deny: ['ERROR', '^$'] }, 'a INFO b\r\nlast'],
  ['deny wins over allow', { default: 'deny', allow: ['ERROR'], deny: ['healthz'] }, 'x ERROR y\n'],
  ['allow alone changes nothing where lines are allowed anyway', { allow: ['ERROR'] }, TEXT],
  ['without any pattern, deny by default drops all', { default: 'deny' }, ''],
  [
    'the first entry of select decides, before allow',
    {
      default: 'deny',
      allow: ['.'],
      select: [
        { pattern: 'healthz', output: undefined },
        { pattern: '(.)ERROR(.*)', output: '<$1|$&|$$>' },
      ],
    },
    'a INFO b\r\n< | ERROR y|$>\nERROR healthz\nlast',
  ],
  [
    'an output takes the place of the whole line',
    { select: [{ pattern: 'I(.)FO', output: '$1' }] },
    'N\nx ERROR y\n\nERROR healthz\nlast',
  ],
  [
    'deny is asked before select',
    { deny: ['x'], select: [{ pattern: 'E', output: 'e' }] },
    'a INFO b\r\n\ne\nlast',
  ],
  [
    'every match is rewritten, in order',
    {
      rewrite: [
        ['R', 'rr'],
        ['r+', '$&!'],
      ],
    },
    'a INFO b\r\nx Errrr!Orr! y\n\nErrrr!Orr! healthz\nlast',
  ],
  ['a carriage return is a character of the line', { rewrite: [['\\r$', '~']] }, TEXT.replace('\r', '~')],
  [
    'the line as it was written is what is filtered',
    { deny: ['masked'], rewrite: [['INFO', 'masked']] },
    TEXT.replace('INFO', 'masked'),
  ],
];

for (const [name, settings, expected] of cases) {
  void test(name, () => {
    assert.equal(filtered(settings, TEXT), expected);
  });
}

const PATTERNS = [
  'a',
  'ERROR',
  '^$',
  '^.',
  '.$',
  '\\S+',
  '(a+)+b',
  '(.*)E(.*)',
  '.*?b$',
  '(.*)$',
  '.*E|a',
  '(.*)(.)\\2',
  '[^a]b',
  '\\bE',
  'a{3,100}',
  '(?<=a)b',
  '(a)\\1',
  '(?=é)',
  'é',
  '\\p{L}',
  '\\u{1F600}',
  '[😀é]',
  '',
  'x*',
  '(a|b)*',
  '\\u00e9',
  '(?<n>b)',
  '\\W',
  '.b',
] as const;
const REPLACEMENTS = ['', '*', '[$1]', '$&$&', 'ü', '$$', '$<n>', '$`', "$'", 'a\nb'] as const;

/** What stands around a match, put in at each match, and that twice, makes lines that are longer than is allowed. */
const REWRITINGS = REPLACEMENTS.filter((text) => text !== '$`' && text !== "$'");

const settings: fc.Arbitrary<FilterSettings> = fc.record({
  default: fc.constantFrom('allow', 'deny'),
  deny: fc.array(fc.constantFrom(...PATTERNS), { maxLength: 1 }),
  allow: fc.array(fc.constantFrom(...PATTERNS), { maxLength: 2 }),
  select: fc.array(
    fc.record({
      pattern: fc.constantFrom(...PATTERNS),
      output: fc.option(fc.constantFrom(...REPLACEMENTS), { nil: undefined }),
    }),
    { maxLength: 2 },
  ),
  rewrite: fc.array(fc.tuple(fc.constantFrom(...PATTERNS), fc.constantFrom(...REWRITINGS)), {
    maxLength: 2,
  }),
});

const bytes = fc
  .array(
    fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom('a', 'b', 'E', 'ERROR', ' ', '\n', '\r\n', 'x', '\0') },
      fc.constantFrom('é', '日本', '😀', '\u2028', '\r', '\ufeff'),
      fc.uint8Array({ minLength: 1, maxLength: 3 }),
      fc.integer({ min: 1, max: 600 }).map((length) => 'x'.repeat(length)),
    ),
    { maxLength: 40 },
  )
  .map((parts) => Buffer.concat(parts.map((part) => Buffer.from(part as string))));

void test('every line becomes what the rule says, whatever the bytes and the patterns', () => {
  fc.assert(
    fc.property(settings, bytes, fc.integer({ min: 0, max: 5 }), (rule, body, before) => {
      const filter = compileFilter(rule, new AmpleTime());
      if (filter === undefined) return;
      const framed = Buffer.concat([Buffer.alloc(before, 'q'), body, Buffer.from('q\n')]);
      const copy = Buffer.from(framed);
      const { payload, isUnchanged } = filter.apply(framed, before, before + body.length);
      assert.equal(payload.toString('latin1'), filterByHand(rule, body).toString('latin1'));
      if (isUnchanged) assert.ok(payload.equals(body) && payload.buffer === framed.buffer);
      assert.ok(framed.equals(copy), 'what was written is not touched');
    }),
    { numRuns: 1500 },
  );
});

void test('lines and bytes that are dropped are counted', () => {
  const filter = compileFilter({ ...NOTHING, deny: ['x'] });
  const body = Buffer.from('ax\nb\nx');
  assert.deepEqual(
    [filter?.apply(body, 0, body.length)].map((result) => [result?.dropped, result?.droppedBytes]),
    [[2, 4]],
  );
});

const RUNAWAYS = ['(a+)+$', '(.*)a(.*)a(.*)a(.*)b', '^(([a-z])+.)+[A-Z]([a-z])+$', 'x*y|(a|a)*c'];

void test('patterns that run away are decided all the same, where linear time is possible', () => {
  for (const pattern of RUNAWAYS) {
    const filter = compileFilter({ ...NOTHING, deny: [pattern] }, new AmpleTime());
    const body = Buffer.from(`${'a'.repeat(3000)}!\nkept\n`.repeat(3));
    const result = filter?.apply(body, 0, body.length);
    assert.equal(result?.payload.toString(), body.toString(), pattern);
    assert.equal(result.undecided, 0);
  }
});

void test('a test that only the clock can stop keeps its line, a replacement drops it', () => {
  const evil = '(?=a)(a+)+$';
  const body = Buffer.from(`${'a'.repeat(60)}!\nb\n`);
  for (const [changes, expected, undecided, failed] of [
    [{ deny: [evil] }, body.toString(), 1, 0],
    [{ default: 'deny', allow: [evil] }, `${'a'.repeat(60)}!\n`, 1, 0],
    [{ default: 'deny', select: [{ pattern: evil, output: undefined }] }, `${'a'.repeat(60)}!\n`, 1, 0],
    [{ select: [{ pattern: evil, output: 'x' }] }, 'b\n', 0, 1],
    [{ rewrite: [[evil, 'x']] }, 'b\n', 0, 1],
  ] as [Partial<FilterSettings>, string, number, number][]) {
    const result = compileFilter({ ...NOTHING, ...changes }, new AmpleTime())?.apply(body, 0, body.length);
    assert.equal(result?.payload.toString(), expected);
    assert.deepEqual([result.undecided, result.failed, result.slowPatterns], [undecided, failed, [evil]]);
  }
});

void test('a write of many lines that run away ends in time', () => {
  const filter = compileFilter({ ...NOTHING, deny: ['(?=a)(a+)+$'] });
  const body = Buffer.from(`${'a'.repeat(60)}!\n`.repeat(500));
  const startedMs = processorMs();
  assert.equal(filter?.apply(body, 0, body.length).payload.length, body.length);
  assert.ok(processorMs() - startedMs < 8000, 'before the supervisor takes the worker for hung');
});

void test('a line that replacements make too long is dropped, and says why', () => {
  const filter = compileFilter({ ...NOTHING, rewrite: [['a', 'b'.repeat(1000)]] });
  const body = Buffer.from(`${'a'.repeat(20_000)}\nfits a\n`);
  const result = filter?.apply(body, 0, body.length);
  assert.equal(result?.payload.length, 'fits \n'.length + 1000);
  assert.deepEqual([result.failed, result.failedBytes, result.slowPatterns], [1, 20_001, ['a']]);
});

void test('replacing every match takes no time without an end, also with the linear engine', () => {
  const filter = compileFilter({ ...NOTHING, rewrite: [['a.*b|a', 'z']] });
  const line = Buffer.from(`${'a'.repeat(30_000)}\n`);
  const startedMs = processorMs();
  const filtered = filter?.apply(line, 0, line.length);
  assert.equal(filtered?.failed, 1);
  assert.ok(processorMs() - startedMs < 10_000, 'it would take minutes');
});

void test('a machine that stands still costs no line anything', () => {
  // At each look at the clock, five seconds have passed.
  let nowMs = 0;
  let workedMs = 0;
  const standing = new SlowTime(
    () => (nowMs += 5000),
    () => (workedMs += 1),
  );
  const filter = compileFilter({ ...NOTHING, rewrite: [['(?=a)(a+)+$', 'x']] }, standing);
  const evil = `${'a'.repeat(60)}!\n`;
  const body = Buffer.from(`${'kept\n'.repeat(20)}${evil}${'aa\nkept\n'.repeat(20)}`);
  const result = filter?.apply(body, 0, body.length);
  assert.equal(result?.payload.toString(), `${'kept\n'.repeat(20)}${'x\nkept\n'.repeat(20)}`);
  assert.equal(result.failed, 1);
});

void test('many writes that run away share their time, and those that do not are decided', () => {
  const filter = compileFilter({ ...NOTHING, deny: ['(?<!x)(?:b+)+$'] }, new SlowTime(processorMs));
  const slow = Buffer.from(`${'b'.repeat(40)}!\n`.repeat(20));
  const quick = Buffer.from('bb\nno\n'.repeat(20));
  const startedMs = processorMs();
  let undecided = 0;
  for (let write = 0; write < 30; write++) {
    undecided += filter?.apply(slow, 0, slow.length).undecided ?? 0;
    assert.equal(filter?.apply(quick, 0, quick.length).payload.toString(), 'no\n'.repeat(20));
  }
  assert.ok(undecided > 500);
  assert.ok(processorMs() - startedMs < 15_000, 'each of them would take a second');
});
