import { closeSync, constants, fstatSync, openSync, readSync, type BigIntStats } from 'node:fs';
import { printableName } from '@k2hft/config';
import type { ByteString } from '@k2hft/fuse';
import { BatchFlag, encodeAttributes } from '@k2hft/wire';
import { timestampOf } from './attributes.js';
import type { StreamRule } from './rules.js';
import { cutLines, endsOpen, recordsIn, type LineBegun, type LineCut, type WindowEnd } from './send-cut.js';
import type { NamedFile } from './send-names.js';
import { toBuffer } from './send-names.js';
import {
  decodeProgress,
  DIGEST_BYTES,
  digestOf,
  encodeProgress,
  progressKey,
  type FileProgress,
  type StreamNumbers,
} from './send-progress.js';
import type { SendQueue } from './send-queue.js';

/** Read at a time, or a longest record if that is more. */
const WINDOW_BYTES = 1024 * 1024;

export interface SendContext {
  readonly queue: SendQueue;
  readonly streams: StreamNumbers;
  readonly host: string;
  /** Files do not go on: unfinished last lines are sent, whatever the rule. */
  readonly finish: boolean;
  /** The path was chosen with --as. */
  readonly isPathChosen: boolean;
  /** Keys of the files that were sent, by the path that they had. */
  readonly knownPaths: ReadonlyMap<ByteString, string>;
  /** Something that the user should know of a file. */
  readonly say: (message: string) => void;
  readonly onRead: (bytes: number) => void;
}

export interface SentFile {
  readonly bytes: number;
  readonly records: number;
  readonly droppedLines: number;
  /** Of an unfinished line that waits for its end. */
  readonly heldBackBytes: number;
}

/** Queues what was added to a file since the last call. Throws the system's error when it cannot be read. */
export async function sendFile(named: NamedFile, rule: StreamRule, context: SendContext): Promise<SentFile> {
  const fd = openSync(
    toBuffer(named.file),
    // A FIFO that took the file's place must not be waited for.
    constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
  );
  try {
    return await new FileSender(fd, named, rule, context).run();
  } finally {
    closeSync(fd);
  }
}

class FileSender {
  private readonly stat: BigIntStats;
  private readonly key: string;
  private readonly attributes: Buffer;
  private readonly window: Buffer;
  private offset = 0;
  private stream = 0;
  private begun: LineBegun = 'none';
  private records = 0;
  private droppedLines = 0;

  constructor(
    private readonly fd: number,
    private readonly named: NamedFile,
    private readonly rule: StreamRule,
    private readonly context: SendContext,
  ) {
    this.stat = fstatSync(fd, { bigint: true });
    this.key = keyOf(this.stat, named, context);
    this.attributes = encodeAttributes({ path: toBuffer(named.path), host: context.host });
    this.window = Buffer.allocUnsafe(Math.max(WINDOW_BYTES, rule.settings.maxRecordBytes + 1));
  }

  async run(): Promise<SentFile> {
    this.goOn(decodeProgress(this.context.queue.row(this.key)));
    const start = this.offset;
    const sizeBytes = Number(this.stat.size);
    while (this.offset < sizeBytes) {
      const wantedBytes = Math.min(this.window.length, sizeBytes - this.offset);
      const window = this.window.subarray(0, readAt(this.fd, this.window, wantedBytes, this.offset));
      // It was cut while it was read.
      if (window.length === 0) break;
      const consumedBytes = this.take(window, this.offset + window.length >= sizeBytes);
      if (consumedBytes === 0) break;
      this.context.onRead(consumedBytes);
      await this.context.queue.flushWhenMuch();
    }
    const heldBackBytes = Math.max(0, sizeBytes - this.offset);
    const { records, droppedLines } = this;
    return { bytes: this.offset - start, records, droppedLines, heldBackBytes };
  }

  /** Where the last call ended, if this is still the file that it has sent. */
  private goOn(progress: FileProgress | undefined): void {
    const name = printableName(this.named.path);
    if (progress === undefined) {
      if (this.context.knownPaths.has(this.named.path))
        this.context.say(`${name} is another file than the one that was sent: it is sent from its start`);
      return;
    }
    if (progress.offset > this.stat.size) {
      this.context.say(`${name} was cut since it was sent: it is sent from its start`);
    } else if (progress.digest !== this.digestBefore(progress.offset)) {
      this.context.say(`${name} was written anew since it was sent: it is sent from its start`);
    } else {
      this.offset = progress.offset;
      // Under another name it is another stream, which begins with a line of its own.
      if (progress.path !== this.named.path) return;
      this.stream = progress.stream;
      this.begun = progress.begun;
    }
  }

  /** Gathers what a window holds, and the progress with it. Nothing is gathered when this throws. */
  private take(window: Buffer, isEnd: boolean): number {
    const { payloads, consumedBytes, begun, droppedLines } = this.cut(window, isEnd);
    if (consumedBytes === 0) return 0;
    const offset = this.offset + consumedBytes;
    const digest = this.digestBefore(offset);
    const isBinary = this.rule.settings.send === 'binary';
    for (const payload of payloads) {
      const isOpen = isBinary ? !isEnd : endsOpen(payload);
      const flags = (isBinary ? BatchFlag.BINARY : 0) | (isOpen ? BatchFlag.ENDS_OPEN : 0);
      this.addBatch(payload, flags, isBinary ? 1 : recordsIn(payload));
    }
    this.offset = offset;
    this.begun = begun;
    this.droppedLines += droppedLines;
    const { path } = this.named;
    this.context.queue.note(this.key, encodeProgress({ path, offset, stream: this.stream, begun, digest }));
    return consumedBytes;
  }

  private cut(window: Buffer, isEnd: boolean): LineCut {
    const { send, maxRecordBytes, longRecords } = this.rule.settings;
    if (send === 'binary')
      return { payloads: [window], consumedBytes: window.length, begun: 'none', droppedLines: 0 };
    const windowEnd: WindowEnd = !isEnd ? 'more' : this.context.finish ? 'last' : 'end';
    return cutLines(window, this.begun, { maxRecordBytes, longRecords, filter: this.rule.filter }, windowEnd);
  }

  private addBatch(payload: Buffer, flags: number, recordCount: number): void {
    const { queue, streams } = this.context;
    if (this.stream === 0) {
      const { stream, row } = streams.next();
      this.stream = stream;
      queue.note(...row);
    }
    const { seconds, nanos } = timestampOf(this.stat.mtimeNs);
    const fields = {
      stream: this.stream,
      flags,
      recordCount,
      timeSeconds: Math.max(0, seconds),
      timeNanos: seconds < 0 ? 0 : nanos,
      pid: 0,
      uid: Number(this.stat.uid),
      gid: Number(this.stat.gid),
    };
    queue.add(fields, this.attributes, payload);
    this.records += recordCount;
  }

  private digestBefore(offset: number): string {
    const bytes = Buffer.alloc(Math.min(offset, DIGEST_BYTES));
    const found = readAt(this.fd, bytes, bytes.length, offset - bytes.length);
    return digestOf(bytes.subarray(0, found));
  }
}

/** Under the path that it was sent as before, a file goes on, also when it was renamed since and that path is chosen for it. */
function keyOf(stat: BigIntStats, { path }: NamedFile, { isPathChosen, queue }: SendContext): string {
  const key = progressKey(stat);
  const isSentAsThis = decodeProgress(queue.row(key))?.path === path;
  return isPathChosen && !isSentAsThis ? progressKey(stat, path) : key;
}

/** Reads until there is so much, or the file ends. */
function readAt(fd: number, target: Buffer, bytes: number, offset: number): number {
  let done = 0;
  while (done < bytes) {
    const found = readSync(fd, target, done, bytes - done, offset + done);
    if (found === 0) break;
    done += found;
  }
  return done;
}

/** Paths of the files of which something is known to be sent, with their keys. */
export function knownPaths(ledger: ReadonlyMap<string, Buffer>): Map<ByteString, string> {
  const known = new Map<ByteString, string>();
  for (const [key, row] of ledger) {
    if (!key.startsWith('f')) continue;
    const progress = decodeProgress(row);
    if (progress !== undefined) known.set(progress.path, key);
  }
  return known;
}
