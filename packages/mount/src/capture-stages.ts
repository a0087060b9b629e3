import type { ByteString } from '@k2hft/fuse';
import { BatchFlag } from '@k2hft/wire';
import type { CaptureCommits } from './capture-commits.js';
import type { CopyStages } from './copy-sink.js';
import type { OpenStreams } from './open-streams.js';
import type { WriteCutter } from './write-cutter.js';

/** Streams that copies of others are made of: what is written to one joins the transaction of the write that it copies. */
export class CaptureStages implements CopyStages {
  constructor(
    private readonly streams: OpenStreams,
    private readonly cutter: WriteCutter,
    private readonly commits: CaptureCommits,
  ) {}

  openStage(copied: number, path: ByteString): number {
    return this.streams.openStage(copied, path).handle;
  }

  writeStage(handle: number, copied: number, bytes: Buffer): void {
    const stage = this.streams.get(handle);
    const source = this.streams.get(copied);
    if (stage === undefined || source === undefined) return;
    const { underWay } = this.commits;
    if (underWay === undefined) {
      this.commits.drop(stage, bytes);
      return;
    }
    const { pid, uid, gid } = source;
    Object.assign(stage, { pid, uid, gid });
    const written = { buffer: bytes, end: bytes.length };
    const cut = this.cutter.cut(stage, this.commits.place(stage, 0), written, 0);
    this.commits.join(underWay, stage, cut, bytes);
  }

  endStage(handle: number): void {
    const stage = this.streams.get(handle);
    const { underWay } = this.commits;
    if (stage === undefined || underWay === undefined) return;
    const place = this.commits.place(stage, BatchFlag.STREAM_END);
    this.commits.joinEnd(underWay, stage, this.cutter.cutRest(stage, place, 'complete'));
  }
}
