import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  freePort,
  MOUNT_COMMAND,
  SERVER_COMMAND,
  startProcess,
  temporaryFolder,
  undoAtEnd,
  waitUntil,
  whyNoMounts,
  type Cleanup,
} from '@k2hft/test-harness';

const skip = whyNoMounts() ?? false;

type Section = Record<string, string | (string | readonly [string, string])[]>;

/** A configuration in K2HFTFUSE's words: sections in order, those of rules several times. */
type Configuration = readonly (readonly [name: string, keys: Section])[];

function asIni(configuration: Configuration): string {
  return configuration
    .flatMap(([name, keys]) => [
      `[${name}]`,
      ...Object.entries(keys).flatMap(([key, value]) =>
        (typeof value === 'string' ? [value] : value).map((item) =>
          typeof item === 'string' ? `${key} = ${quotedIni(item)}` : `${key} = "${item[0]}", "${item[1]}"`,
        ),
      ),
    ])
    .join('\n');
}

/** Backslashes and comment signs survive in quotes only. */
function quotedIni(text: string): string {
  return /[#\\{]/.test(text) ? `'${text}'` : text;
}

function asTree(configuration: Configuration): Record<string, unknown> {
  const tree: Record<string, unknown> = {};
  const rules: Record<string, Section[]> = {};
  for (const [name, keys] of configuration) {
    if (name.startsWith('K2HFTFUSE_')) (rules[name] ??= []).push(keys);
    else if (name === 'SVRNODE' || name === 'SLVNODE') tree[name] = [keys];
    else tree[name] = keys;
  }
  if (Object.keys(rules).length > 0) tree['K2HFTFUSE'] = { ...(tree['K2HFTFUSE'] as object), ...rules };
  return tree;
}

/** Block style, as files are written by hand; every text in single quotes. */
function asYaml(value: unknown, indent = ''): string {
  if (typeof value === 'string') return ` '${value.replaceAll("'", "''")}'\n`;
  if (Array.isArray(value)) {
    return `\n${value.map((item) => `${indent}-${asYaml(item, `${indent}  `).replace(/^\n\s*/, ' ')}`).join('')}`;
  }
  const lines = Object.entries(value as object).map(
    ([key, inner]) => `${indent}${key}:${asYaml(inner, `${indent}  `)}`,
  );
  return `\n${lines.join('')}`;
}

const DIALECTS: Record<string, (configuration: Configuration) => string> = {
  ini: asIni,
  yaml: (configuration) => asYaml(asTree(configuration)),
  json: (configuration) => JSON.stringify(asTree(configuration)),
};

function write(folder: string, name: string, dialect: string, configuration: Configuration): string {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${name}.${dialect}`);
  writeFileSync(file, DIALECTS[dialect]?.(configuration) ?? '');
  return file;
}

function node(port: number): Configuration {
  return [
    [
      'GLOBAL',
      { GROUP: 'TEST', FILEVERSION: '1', DELIVERMODE: 'random', PORT: String(port), CTLPORT: '8021' },
    ],
    ['SVRNODE', { NAME: 'localhost' }],
    ['SLVNODE', { NAME: '[.]*' }],
  ];
}

/** Starts a receiver, and resolves with what it has said. */
async function startServer(cleanup: Cleanup, file: string): Promise<string> {
  const server = startProcess(cleanup, process.execPath, [SERVER_COMMAND, '-c', file]);
  await server.printed(/k2hft-svr: listening on \S+/);
  return server.output();
}

/** Mounts, and resolves with the mount point; what is said meanwhile has to match. */
async function mount(cleanup: Cleanup, folder: string, file: string, says = /./): Promise<string> {
  const point = join(folder, 'mount');
  mkdirSync(point);
  undoAtEnd(cleanup, () => {
    if (readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${point} `))
      spawnSync('umount', ['-l', point]);
  });
  const started = startProcess(cleanup, process.execPath, [MOUNT_COMMAND, 'mount', point, '-c', file]);
  await started.printed(`k2hft: mounted ${point}`);
  assert.match(started.output(), says);
  return point;
}

function contentOf(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

async function holds(file: string, lines: readonly string[]): Promise<void> {
  const expected = [...lines].sort();
  const found = () =>
    contentOf(file)
      .split(/(?<=\n)/)
      .sort();
  await waitUntil(`${file} holds its lines`, () => found().join('') === expected.join('')).catch(() => {
    assert.deepEqual(found(), expected, file);
  });
}

function sourceOf(port: number, folder: string): Configuration {
  const out = (name: string) => join(folder, 'out', name);
  return [
    ...node(port),
    ['K2HFTFUSE', { K2HTYPE: 'FILE', K2HFILE: join(folder, 'queue.k2h'), K2HINIT: 'no', BYTELIMIT: '40' }],
    [
      'K2HFTFUSE_RULE',
      {
        TARGET: 'log/a.log',
        TRUNS: 'yes',
        OUTPUTFILE: out('a.log'),
        ALLOW: ['INFO', ['(.*)ERROR(.*)', '$1E$2'], ['(.*)LONG(.*)', '<<$1=long=$2>>']],
      },
    ],
    ['K2HFTFUSE_RULE', { TARGET: 'in.log', OUTPUTFILE: 'log/a.log', ALLOW: [['(.*)pass(.*)', '$1INFO$2']] }],
    [
      'K2HFTFUSE_RULE',
      {
        TARGET: 'plugged.log',
        TRUNS: 'yes',
        DEFAULTALL: 'ALLOW',
        PLUGIN: 'A=1 sed -u s/a/b/',
        OUTPUTFILE: out('plugged.log'),
      },
    ],
    [
      'K2HFTFUSE_RULE_DIR',
      { TARGET: '/dir/', TRUNS: 'yes', DEFAULTALL: 'ALLOW', DENY: ['debug'], OUTPUTFILE: `${folder}/out/` },
    ],
    ['K2HFTFUSE_RULE_DIR', { TARGET: 'kept', DEFAULTALL: 'ALLOW', OUTPUTFILE: out('all.log') }],
  ];
}

interface Expected {
  /** By path in the mount: what is sent. */
  readonly sent: Record<string, string[]>;
  /** By name below `out`. */
  readonly copied: Record<string, string[]>;
}

/** Writes as programs do, and says what comes of it. */
function writeLines(point: string): Expected {
  const append = (name: string, text: string) => {
    appendFileSync(join(point, name), text);
  };
  append('log/a.log', 'x INFO y\n');
  append('log/a.log', 'x ERROR y\nx ERROR INFO\nx WARN y\n');
  append('log/a.log', 'a LONG b\n');
  append('log/a.log', `INFO ${'x'.repeat(60)}\n`);
  append('log/a.log', 'INFO\r\n');
  append('in.log', 'x pass y\nx stay y\n');
  append('plugged.log', 'a1\na2\n');
  append('dir/new.log', 'one\na debug line\n');
  append('kept/k.log', 'local\n');
  // A file that no rule names is there, and goes nowhere.
  append('other.log', 'nowhere\n');
  const ofA = ['x INFO y\n', 'x E y\n', 'x ERROR INFO\n', '<<a =long= b>>\n', 'INFO\r\n', 'x INFO y\n'];
  return {
    sent: { 'log/a.log': ofA, 'plugged.log': ['a1\n', 'a2\n'], 'dir/new.log': ['one\n'] },
    copied: { 'a.log': ofA, 'plugged.log': ['b1\n', 'b2\n'], 'new.log': ['one\n'], 'all.log': ['local\n'] },
  };
}

const UNIFIED = { FILE_UNIFY: 'log/unify.log', FILE_TIMEFORM: '%Y(%s %-)', FORMAT: '%H:%F:%f[%T] %l\\n' };

/** A line of the unified file without its time, which is checked to be one. */
function withoutTime(line: string): string {
  return line.replace(/\[20\d\d\(\d{10} \d{9}\)\]/, '[TIME]');
}

function unifiedLines({ sent }: Expected): string[] {
  return Object.entries(sent).flatMap(([path, lines]) =>
    lines.map((line) => `${hostname()}:${path}:${path.split('/').at(-1) ?? ''}[TIME] ${line.trim()}\n`),
  );
}

async function isUnified(file: string, expected: Expected): Promise<void> {
  const lines = unifiedLines(expected).sort();
  const found = () =>
    contentOf(file)
      .split(/(?<=\n)/)
      .filter((line) => line !== '')
      .map(withoutTime)
      .sort();
  await waitUntil(`${file} holds its lines`, () => found().join('') === lines.join('')).catch(() => {
    assert.deepEqual(found(), lines);
  });
}

for (const dialect of Object.keys(DIALECTS)) {
  void test(`K2HFTFUSE's files, one server (${dialect})`, { skip }, async (t) => {
    const folder = temporaryFolder(t);
    const port = await freePort();
    const data = join(folder, 'data');
    const receiver: Configuration = [
      ...node(port),
      ['K2HFTFUSESVR', { TYPE: 'file', FILE_BASEDIR: data, STATEDIR: join(folder, 'state'), ...UNIFIED }],
    ];
    await startServer(t, write(folder, 'receiver', dialect, receiver));
    const point = await mount(t, folder, write(folder, 'source', dialect, sourceOf(port, folder)));
    const expected = writeLines(point);
    await isUnified(join(data, 'log/unify.log'), expected);
    for (const [name, lines] of Object.entries(expected.copied))
      await holds(join(folder, 'out', name), lines);
    const df = spawnSync('df', ['-k', '--output=size,used,avail', point], { encoding: 'utf8' });
    assert.match(df.stdout, /\n *1073741824 +0 +1073741824\n/);
    const names = spawnSync('find', [point, '-mindepth', '1', '-type', 'd', '-printf', '%P\\n'], {
      encoding: 'utf8',
    });
    assert.deepEqual(names.stdout.trim().split('\n').sort(), ['dir', 'kept', 'log']);
  });

  void test(`K2HFTFUSE's files, through a transferring server (${dialect})`, { skip }, async (t) => {
    const folder = temporaryFolder(t);
    const [relayPort, endPort] = [await freePort(), await freePort()];
    const end: Configuration = [
      ...node(endPort),
      [
        'K2HFTFUSESVR',
        { FILE_BASEDIR: join(folder, 'end'), STATEDIR: join(folder, 'end-state'), ...UNIFIED },
      ],
    ];
    const relay: Configuration = [
      ...node(relayPort),
      [
        'K2HFTFUSESVR',
        {
          TYPE: 'both',
          FILE_BASEDIR: join(folder, 'relay'),
          STATEDIR: join(folder, 'relay-state'),
          K2HTYPE: 'file',
          K2HFILE: join(folder, 'relay.k2h'),
          TRANSCONF:
            dialect === 'ini'
              ? write(folder, 'further', 'json', node(endPort))
              : JSON.stringify(asTree(node(endPort))),
        },
      ],
    ];
    await startServer(t, write(folder, 'end', dialect, end));
    await startServer(t, write(folder, 'relay', dialect, relay));
    const point = await mount(t, folder, write(folder, 'source', dialect, sourceOf(relayPort, folder)));
    const expected = writeLines(point);
    await isUnified(join(folder, 'end/log/unify.log'), expected);
    for (const [path, lines] of Object.entries(expected.sent))
      await holds(join(folder, 'relay', path), lines);
  });
}

void test(
  'a program of the receiver writes its files (PLUGIN), and text at a close is sent',
  { skip },
  async (t) => {
    const folder = temporaryFolder(t);
    const port = await freePort();
    const data = join(folder, 'data');
    const receiver: Configuration = [
      ...node(port),
      [
        'K2HFTFUSESVR',
        {
          FILE_BASEDIR: data,
          STATEDIR: join(folder, 'state'),
          FORMAT: '%f %l\\n',
          PLUGIN: 'sed -u s/INFO/info/',
          NOTHING: '1',
        },
      ],
    ];
    const said = await startServer(t, write(folder, 'receiver', 'ini', receiver));
    assert.match(said, /k2hft-svr: warn: .*K2HFTFUSESVR\.NOTHING: unknown key, ignored\n/);
    const source: Configuration = [...sourceOf(port, folder), ['SLVNODE', { NAME: 'x', NOTHING: '1' }]];
    const warning = /k2hft: warn: .*SLVNODE\.NOTHING: unknown key, ignored\n/;
    const point = await mount(t, folder, write(folder, 'source', 'ini', source), warning);
    appendFileSync(join(point, 'log/a.log'), 'x INFO y\n');
    appendFileSync(join(point, 'log/a.log'), 'INFO without an end');
    await holds(join(data, 'log/a.log'), ['a.log x info y\n', 'a.log info without an end\n']);
    await holds(join(folder, 'out/a.log'), ['x INFO y\n', 'INFO without an end']);
  },
);

void test('check prints our configuration, which does the same', { skip }, (t) => {
  const folder = temporaryFolder(t);
  const source = write(folder, 'source', 'ini', sourceOf(8020, folder));
  const check = (file: string) =>
    spawnSync(process.execPath, [MOUNT_COMMAND, 'check', file], { encoding: 'utf8' });
  const translated = check(source);
  assert.equal(translated.status, 0, translated.stderr);
  assert.match(
    translated.stdout,
    /# .*: K2HFTFUSE_RULE\.ALLOW: the regular expression \(\.\*\)ERROR\(\.\*\)/,
  );
  const file = join(folder, 'ours.yaml');
  writeFileSync(file, translated.stdout);
  const again = check(file);
  assert.equal(again.stdout, translated.stdout.replace(/^#.*\n/gm, ''));
});

void test('check takes what the command line of a mount says: the mount point, and JSON in place of a file', (t) => {
  const folder = temporaryFolder(t);
  const json = readFileSync(write(folder, 'source', 'json', sourceOf(8020, folder)), 'utf8');
  const check = (...args: string[]) =>
    spawnSync(process.execPath, [MOUNT_COMMAND, 'check', ...args], { encoding: 'utf8' });
  const checked = check('--json', json, '--point', '/mnt/logs');
  assert.equal(checked.status, 0, checked.stderr);
  assert.match(checked.stdout, /^ {2}point: \/mnt\/logs$/m);
  assert.equal(check().status, 64);
});
