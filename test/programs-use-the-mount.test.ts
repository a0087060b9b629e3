import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startProcess, waitUntil, whyNoMounts, whyNoProgram } from '@k2hft/test-harness';
import { shell, startPipeline } from './pipeline.js';

const skip = whyNoMounts() ?? false;
const skipLogrotate = skip !== false ? skip : (whyNoProgram('logrotate', 'logrotate') ?? false);
const skipPython = skip !== false ? skip : (whyNoProgram('python3', 'python3') ?? false);

/**
 * Appends `line N` every few milliseconds; reopens its file on SIGUSR1, as nginx does. When its standard input ends, it prints how many
 * lines it has written.
 */
const LOGGER = `
const fs = require('node:fs');
let fd;
process.on('SIGUSR1', () => { const old = fd; fd = fs.openSync(process.argv[1], 'a'); fs.closeSync(old); });
fd = fs.openSync(process.argv[1], 'a');
let line = 0;
const writing = setInterval(() => { fs.writeSync(fd, 'line ' + line++ + '\\n'); }, 3);
process.stdin.on('end', () => { clearInterval(writing); console.log(line); }).resume();
`;

for (const mode of ['virtual', 'overlay'] as const) {
  void test(`ordinary commands work as in any directory (${mode})`, { skip }, async (t) => {
    const pipeline = await startPipeline(t, { mode });
    const said = shell(`
      cd ${pipeline.mount.point}
      mkdir -p a/b && cd a
      echo one > x.log; echo two >> x.log; printf 'a\\nb\\n' | tee -a x.log > /dev/null
      mv x.log b/y.log; ln b/y.log z.log; ln -s b/y.log link
      test "$(stat -c %i b/y.log)" = "$(stat -c %i z.log)"; test "$(stat -c %h z.log)" = 2
      test "$(readlink link)" = b/y.log
      chmod 600 z.log; test "$(stat -c %a b/y.log)" = 600
      touch -d '2020-02-03 04:05:06 UTC' z.log; test "$(stat -c %Y z.log)" = 1580702706
      rm z.log; ls -1 . b
      rm link; rm b/y.log; rmdir b; cd ..; rmdir a; ls -A
    `);
    assert.equal(said, 'b\nlink\n\nb:\ny.log\n'.replace('b\nlink\n\nb:', '.:\nb\nlink\n\nb:'));
    await pipeline.arrives('a/x.log', 'one\ntwo\na\nb\n');
  });

  void test(`tail -f follows a file (${mode})`, { skip }, async (t) => {
    const pipeline = await startPipeline(t, { mode });
    shell(`echo first > ${pipeline.inside('t.log')}`);
    const tail = startProcess(t, 'tail', ['-n', '+1', '-f', pipeline.inside('t.log')]);
    await tail.printed('first\n');
    shell(
      `echo second >> ${pipeline.inside('t.log')}; printf 'th' >> ${pipeline.inside('t.log')}; echo ird >> ${pipeline.inside('t.log')}`,
    );
    await tail.printed('first\nsecond\nthird\n');
  });

  void test(
    `truncation starts a file anew; what was written before and after arrives (${mode})`,
    { skip },
    async (t) => {
      const pipeline = await startPipeline(t, { mode });
      const log = pipeline.inside('t.log');
      shell(
        `exec 3>>${log}; echo one >&3; : > ${log}; test "$(stat -c %s ${log})" = 0; echo two >&3; test "$(cat ${log})" = two`,
      );
      await pipeline.arrives('t.log', 'one\ntwo\n');
    },
  );

  void test(`an overwrite is sent as data of its own and counted (${mode})`, { skip }, async (t) => {
    const pipeline = await startPipeline(t, { mode });
    const log = pipeline.inside('t.log');
    shell(
      `printf 'aaaa\\nbbbb\\n' > ${log}; printf 'cccc\\n' | dd of=${log} bs=1 seek=0 conv=notrunc status=none bs=5`,
    );
    await pipeline.arrives('t.log', 'aaaa\nbbbb\ncccc\n');
    await waitUntil('the overwrite is counted', () => pipeline.mount.status().worker?.overwrites === 1);
  });

  void test(
    `logrotate with create: lines go on to arrive in their file (${mode})`,
    { skip: skipLogrotate },
    async (t) => {
      const pipeline = await startPipeline(t, { mode, rules: [{ path: 'app.log' }] });
      const logged = await rotateWhileLogging(
        t,
        pipeline,
        (pid) => `create 0640 root root\n postrotate\n kill -USR1 ${pid}\n endscript`,
      );
      await pipeline.arrives('app.log', logged);
      assert.ok(statSync(pipeline.inside('app.log.1')).isFile());
    },
  );

  void test(
    `logrotate with copytruncate: each line arrives once (${mode})`,
    { skip: skipLogrotate },
    async (t) => {
      const pipeline = await startPipeline(t, { mode, rules: [{ path: 'app.log' }] });
      const logged = await rotateWhileLogging(t, pipeline, () => 'copytruncate');
      await pipeline.arrives('app.log', logged);
    },
  );

  void test(`a rotating Python logger: each line arrives (${mode})`, { skip: skipPython }, async (t) => {
    const pipeline = await startPipeline(t, { mode, rules: [{ path: 'py.log' }] });
    shell(`python3 -c '
import logging, logging.handlers
handler = logging.handlers.RotatingFileHandler("${pipeline.inside('py.log')}", maxBytes=2000, backupCount=3)
log = logging.getLogger("t"); log.addHandler(handler)
for number in range(300): log.warning("line %d", number)
'`);
    await pipeline.arrives('py.log', Array.from({ length: 300 }, (_, index) => `line ${index}\n`).join(''));
  });

  void test(`what is stored through a mapping arrives (${mode})`, { skip: skipPython }, async (t) => {
    const pipeline = await startPipeline(t, { mode });
    shell(`python3 -c '
import mmap
file = open("${pipeline.inside('m.log')}", "w+b")
file.truncate(10000)
mapping = mmap.mmap(file.fileno(), 10000)
mapping[:] = b"mapped line\\n" * 833 + b"end\\n"
mapping.flush(); mapping.close(); file.close()
'`);
    await pipeline.arrives('m.log', `${'mapped line\n'.repeat(833)}end\n`);
  });
}

type Pipeline = Awaited<ReturnType<typeof startPipeline>>;

/** Returns all that was logged. */
async function rotateWhileLogging(
  t: Parameters<typeof startProcess>[0],
  pipeline: Pipeline,
  directives: (pid: number) => string,
): Promise<string> {
  const logger = startProcess(t, process.execPath, ['-e', LOGGER, pipeline.inside('app.log')], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  await waitUntil(
    'the logger logs',
    () => statSync(pipeline.inside('app.log'), { throwIfNoEntry: false }) !== undefined,
  );
  const configuration = join(pipeline.folder, 'logrotate.conf');
  writeFileSync(
    configuration,
    `${pipeline.inside('app.log')} {\n su root root\n rotate 5\n size 1\n missingok\n ${directives(logger.pid)}\n}\n`,
    { mode: 0o644 },
  );
  for (let rotation = 0; rotation < 4; rotation++) {
    await new Promise((resolve) => setTimeout(resolve, 300));
    shell(`logrotate -f -s ${join(pipeline.folder, 'logrotate.state')} ${configuration}`);
  }
  logger.child.stdin?.end();
  assert.equal(await logger.ended, 0, logger.output());
  return Array.from({ length: Number(logger.output()) }, (_, index) => `line ${index}\n`).join('');
}

void test('an overlay keeps owner, mode and umask as the directory below would', { skip }, async (t) => {
  const pipeline = await startPipeline(t, { mode: 'overlay' });
  shell(`
    cd ${pipeline.mount.point}; chmod 777 .
    setpriv --reuid 12345 --regid 23456 --clear-groups sh -c 'umask 027; echo x > mine.log; mkdir d; ln -s x l'
    test "$(stat -c '%u %g %a' mine.log)" = '12345 23456 640'
    test "$(stat -c '%u %g %a' d)" = '12345 23456 750'
    test "$(stat -c '%u %g' l)" = '12345 23456'
    chmod 600 mine.log
    ! setpriv --reuid 12346 --regid 23456 --clear-groups sh -c 'echo y >> mine.log' 2>/dev/null
    ! setpriv --reuid 12346 --regid 23456 --clear-groups sh -c 'chmod 777 mine.log' 2>/dev/null
  `);
  await pipeline.arrives('mine.log', 'x\n');
});

void test('an overlay leaves everything below when it is gone', { skip }, async (t) => {
  const pipeline = await startPipeline(t, { mode: 'overlay' });
  shell(
    `cd ${pipeline.mount.point}; mkdir d; echo kept > d/a.log; exec 3> open.log; rm open.log; echo gone >&3; exec 3>&-`,
  );
  await pipeline.delivered();
  await pipeline.mount.stop();
  assert.equal(readFileSync(join(pipeline.mount.point, 'd/a.log'), 'utf8'), 'kept\n');
  assert.equal(shell(`cd ${pipeline.mount.point}; find . | sort`), '.\n./d\n./d/a.log\n');
});

void test(
  'what Node cannot do is refused with the error that programs expect',
  { skip: skipPython },
  async (t) => {
    const pipeline = await startPipeline(t, { mode: 'overlay' });
    const said = shell(`cd ${pipeline.mount.point}; echo x > f; python3 -c '
import os, errno
def tried(action):
    try: action()
    except OSError as error: print(errno.errorcode[error.errno])
    else: print("done")
tried(lambda: os.setxattr("f", "user.k", b"v"))
tried(lambda: os.getxattr("f", "user.k"))
tried(lambda: os.mknod("dev", 0o020600, os.makedev(1, 3)))
'`);
    assert.equal(said, 'ENOTSUP\nENOTSUP\nEPERM\n');
  },
);
