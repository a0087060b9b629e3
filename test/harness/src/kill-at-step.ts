/**
 * Loaded with `--import` into the processes of a test (see placed-kills.ts): kills its process by SIGKILL right before
 * the step that the test has chosen. A step is what somebody else could notice, now or after the death: a system call
 * that changes something on a disk or in a pipe, a write to a socket, a message to another process, a process that is
 * started or killed, the beginning and the end of an LMDB transaction. No step between two others means that a kill
 * at any moment between them looks the same.
 *
 * In the folder of K2HFT_TEST_KILLS there is for a program `main.js`:
 *
 *    main.js         n from 1: kill before the n-th step from now on, whichever process gets there; taken away then
 *    main.js.killed  what that step would have been
 */
import { ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { Socket } from 'node:net';
import { basename, join } from 'node:path';
import { isMainThread } from 'node:worker_threads';

type Call = (this: unknown, ...args: unknown[]) => unknown;

const CHANGING = [
  'writeSync',
  'writevSync',
  'renameSync',
  'linkSync',
  'symlinkSync',
  'unlinkSync',
  'rmSync',
  'rmdirSync',
  'mkdirSync',
  'mkdtempSync',
  'chmodSync',
  'fchmodSync',
  'fchownSync',
  'ftruncateSync',
  'utimesSync',
  'fsyncSync',
  'fdatasyncSync',
  'write',
  'writev',
  'fsync',
  'fdatasync',
  'ftruncate',
  'rename',
  'unlink',
] as const;
const CHANGING_PROMISES = ['mkdir', 'rename', 'rm', 'unlink', 'writeFile', 'appendFile'] as const;

const original = { ...fs };
const kill = process.kill.bind(process);

function begin(control: string): void {
  let left: number | undefined;

  const step = (what: string): void => {
    left ??= armedWith(control);
    if (left === undefined || --left > 0) return;
    // What the next lines do is no step.
    left = Infinity;
    try {
      original.renameSync(control, `${control}.killed`);
    } catch {
      // The test has changed its mind.
      return;
    }
    original.writeFileSync(`${control}.killed`, what);
    kill(process.pid, 'SIGKILL');
  };

  stepAtFiles(step);
  stepAtProcesses(step);
  stepAtTransactions(step);
  const socket = Socket.prototype as unknown as { _writeGeneric: Call };
  socket._writeGeneric = before(socket._writeGeneric, () => {
    step('socket write');
  });
  syncBuiltinESMExports();
}

function armedWith(control: string): number | undefined {
  return original.existsSync(control) ? Number(original.readFileSync(control, 'utf8')) : undefined;
}

function before(call: Call, action: (args: readonly unknown[]) => void): Call {
  return function (...args) {
    action(args);
    return call.apply(this, args);
  };
}

function stepAtFiles(step: (what: string) => void): void {
  const replace = (target: object, name: string, action: (args: readonly unknown[]) => void) => {
    const call = (target as Record<string, Call>)[name];
    if (call !== undefined) Object.assign(target, { [name]: before(call, action) });
  };
  const shown = (name: string, [first]: readonly unknown[]) =>
    typeof first === 'string' ? `${name} ${basename(first)}` : name;
  for (const name of CHANGING)
    replace(fs, name, (args) => {
      if (!isLog(args[0])) step(shown(name, args));
    });
  for (const name of CHANGING_PROMISES)
    replace(fs.promises, name, (args) => {
      step(shown(name, args));
    });
  for (const target of [fs, fs.promises])
    for (const name of ['openSync', 'open'])
      replace(target, name, (args) => {
        if (makesFile(args[1])) step(shown(name, args));
      });
  // Three steps: a file that is there and empty is a state of its own.
  fs.writeFileSync = (file, data, options) => {
    if (typeof file === 'number' || typeof options === 'string') {
      original.writeFileSync(file, data, options);
      return;
    }
    const fd = fs.openSync(file, options?.flag ?? 'w', options?.mode);
    fs.writeSync(fd, Buffer.from(data as string));
    fs.closeSync(fd);
  };
}

function isLog(descriptor: unknown): boolean {
  return descriptor === 1 || descriptor === 2;
}

function makesFile(flags: unknown): boolean {
  if (typeof flags === 'number') return (flags & (fs.constants.O_CREAT | fs.constants.O_TRUNC)) !== 0;
  return typeof flags === 'string' && /[wa]/.test(flags);
}

function stepAtProcesses(step: (what: string) => void): void {
  const child = ChildProcess.prototype as unknown as { spawn: Call; kill: Call };
  const { spawn } = child;
  child.spawn = function (...args) {
    step('spawn');
    const result = spawn.apply(this, args);
    // Each one with a channel has its own function.
    const started = this as { send?: Call };
    if (started.send !== undefined)
      started.send = before(started.send, () => {
        step('message to a child');
      });
    return result;
  };
  child.kill = before(child.kill, () => {
    step('kill');
  });
  if (process.send !== undefined)
    process.send = before(process.send.bind(process) as Call, () => {
      step('message');
    }) as typeof process.send;
}

/** LMDB writes by itself, in threads of its own; here it is the beginning and the end that count. */
interface Environment {
  startWriting(address: number, done: Call): void;
  commitTxn(): void;
}

function stepAtTransactions(step: (what: string) => void): void {
  const load = process.dlopen.bind(process);
  process.dlopen = (module: { exports: { Env?: new () => Environment } }, ...rest) => {
    load(module, ...rest);
    const { Env } = module.exports;
    if (Env === undefined || !('startWriting' in (Env.prototype as object))) return;
    module.exports.Env = class extends Env {
      override startWriting(address: number, done: Call): void {
        step('transaction');
        super.startWriting(address, (...args) => {
          if (args[0] === 0) step('transaction is done');
          return done(...args);
        });
      }

      override commitTxn(): void {
        step('commit');
        super.commitTxn();
      }
    };
  };
}

const folder = process.env['K2HFT_TEST_KILLS'];
const [, program] = process.argv;
if (folder !== undefined && program !== undefined && isMainThread) begin(join(folder, basename(program)));
