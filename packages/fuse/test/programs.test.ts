/** A mounted file system, used by programs of the system. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import {
  type Driver,
  drivers,
  type FileSystemKind,
  servedMount,
  testMount,
  whyNoMount,
} from './test-mount.js';

const run = promisify(execFile);
const skip = whyNoMount();
/** For a script that hangs. They take a second at most on a machine of their own. */
const LIMIT_MS = 120_000;

/** Runs a shell script with the mount as its first argument, and returns what it prints. */
async function script(t: TestContext, driver: Driver, kind: FileSystemKind, text: string): Promise<string> {
  const { point } = await servedMount(t, driver, kind);
  const { stdout } = await run('sh', ['-euc', text, 'sh', point], {
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
  });
  return stdout;
}

for (const { driver, skip } of drivers()) {
  test(`${driver}: redirection, cat, cp, mv, dd, rm`, { skip }, async (t) => {
    const printed = await script(
      t,
      driver,
      'memory',
      `cd "$1"
     echo one > a; echo two >> a; cp a b; mv b c; cat a c
     dd if=/dev/zero of=zeros bs=64k count=20 status=none; wc -c < zeros
     cp zeros copy; cmp zeros copy && echo same
     mkdir -p x/y; touch x/y/z; find . -type f | sort | tr '\\n' ' '
     rm -r *; ls -A`,
    );
    assert.equal(printed, 'one\ntwo\none\ntwo\n1310720\nsame\n./a ./c ./copy ./x/y/z ./zeros ');
  });

  test(`${driver}: an open file that is unlinked goes on`, { skip }, async (t) => {
    const printed = await script(
      t,
      driver,
      'memory',
      // libfuse gives a file that is removed while it is open another name until it is closed.
      'cd "$1"; exec 5<>f; echo text >&5; rm f; ls -A | grep -v fuse_hidden || :; cat /proc/self/fd/5',
    );
    assert.equal(printed, 'text\n');
  });

  test(`${driver}: tail -f sees what is appended`, { skip }, async (t) => {
    const printed = await script(
      t,
      driver,
      'memory-direct',
      `cd "$1"; seen=$(mktemp); echo one > log
     tail -n +1 -f -s 0.05 log > "$seen" & tail=$!
     trap 'kill $tail; rm "$seen"' EXIT
     until grep -q one "$seen"; do sleep 0.05; done
     echo two >> log
     until grep -q two "$seen"; do sleep 0.05; done
     cat "$seen"`,
    );
    assert.equal(printed, 'one\ntwo\n');
  });
}

const MMAP = `
import mmap, os, sys
path = os.path.join(sys.argv[1], "mapped")
fd = os.open(path, os.O_RDWR | os.O_CREAT)
os.ftruncate(fd, 8192)
m = mmap.mmap(fd, 8192)
m[4090:4102] = b"over a page!"
m.flush()
m.close()
os.close(fd)
print(open(path, "rb").read()[4090:4102].decode())
try:
    os.getxattr(path, "user.x")
except OSError as error:
    print(error.errno == 95)
`;

const python = await run('python3', ['-c', '']).then(
  () => skip,
  () => skip || 'there is no python3',
);

for (const kind of ['memory', 'memory-direct'] as const) {
  test(`${kind}: a shared memory mapping is written back`, { skip: python }, async (t) => {
    const { point, serve } = await testMount(t);
    serve(kind, 'fresh');
    const { stdout } = await run('python3', ['-c', MMAP, point], {
      timeout: LIMIT_MS,
      killSignal: 'SIGKILL',
    });
    assert.equal(stdout, 'over a page!\nTrue\n');
  });
}
