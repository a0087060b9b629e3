import assert from 'node:assert';
import { printableName, type Log } from '@k2hft/config';
import type { ByteString } from '@k2hft/fuse';
import type { CopyFileTarget } from './copy-opener.js';
import type { CopyFiles } from './copy-files.js';
import type { CopySink, CopyStages, CopyStream } from './copy-sink.js';
import { copyChain, type CopyRule } from './copy-target.js';
import type { PendingRows } from './pending-rows.js';

/** So many paths are named whose copies are refused; then the configuration should have been looked at. */
const REFUSALS_LOGGED_MAX = 100;

export interface CopyRouterOptions {
  readonly files: CopyFiles;
  /** Undefined: nothing of the path is captured. */
  findRule(path: ByteString): { readonly copy: CopyRule | undefined } | undefined;
  readonly mountPoint: string;
  /** The directory below an overlay, held open; undefined in a virtual mount, which keeps no bytes. */
  readonly below: ByteString | undefined;
  readonly log: Log;
}

type Route =
  | { readonly kind: 'none' }
  | { readonly kind: 'file'; readonly file: CopyFileTarget }
  | {
      readonly kind: 'inside';
      readonly path: ByteString;
      /** A path without a rule is not sent; below an overlay its bytes are written all the same. */
      readonly isCaptured: boolean;
      readonly below: CopyFileTarget | undefined;
    };

const NOWHERE: Route = { kind: 'none' };

/**
 * Brings copies where `copy_to` says. One that goes to a path of the mount itself is written there as if by a program, without a request to
 * the kernel, which this very process would have to answer: it is a further stream, a *stage*, which belongs to the stream that it copies and
 * ends with it.
 */
export class CopyRouter implements CopySink {
  private stages: CopyStages | undefined;
  private readonly routes = new WeakMap<CopyStream, Route>();
  /** Handles of stages by the handle of the stream that they copy. */
  private readonly stageHandles = new Map<number, number>();
  /** Streams that end with the present transaction. */
  private readonly ending = new Set<number>();
  private readonly refused = new Set<ByteString>();

  constructor(private readonly options: CopyRouterOptions) {}

  /** Where stages are written; before anything else is called. */
  attach(stages: CopyStages): void {
    this.stages = stages;
  }

  opened(stream: CopyStream): void {
    this.route(stream);
  }

  restoredStage(stage: number, copied: number): void {
    this.stageHandles.set(copied, stage);
  }

  stageOf(handle: number): number | undefined {
    return this.stageHandles.get(handle);
  }

  append(stream: CopyStream, bytes: Buffer, rows: PendingRows): void {
    if (bytes.length === 0) return;
    const route = this.route(stream);
    if (route.kind === 'none') return;
    const { copyTo = '', send } = stream.rule;
    if (route.kind === 'inside' && route.isCaptured) this.writeStage(stream, route.path, bytes);
    const file = route.kind === 'inside' ? route.below : route.file;
    if (file !== undefined) this.options.files.append(copyTo, file, bytes, send !== 'binary', rows);
  }

  ends(stream: CopyStream): void {
    const stage = this.stageHandles.get(stream.handle);
    if (stage === undefined) return;
    this.ending.add(stream.handle);
    this.stages?.endStage(stage);
  }

  failed(rows: PendingRows): void {
    this.ending.clear();
    this.options.files.failed(rows);
  }

  committed(): void {
    for (const handle of this.ending) this.stageHandles.delete(handle);
    this.ending.clear();
    this.options.files.committed();
  }

  private writeStage(stream: CopyStream, path: ByteString, bytes: Buffer): void {
    assert(this.stages !== undefined, 'attach() comes first');
    const stage = this.stageHandles.get(stream.handle) ?? this.stages.openStage(stream.handle, path);
    this.stageHandles.set(stream.handle, stage);
    this.stages.writeStage(stage, stream.handle, bytes);
  }

  private route(stream: CopyStream): Route {
    const known = this.routes.get(stream);
    if (known !== undefined) return known;
    const route = this.findRoute(stream.path);
    this.routes.set(stream, route);
    return route;
  }

  private findRoute(path: ByteString): Route {
    const { mountPoint, below } = this.options;
    const chain = copyChain(path, (from) => this.options.findRule(from)?.copy, mountPoint);
    if (chain.kind === 'refused') this.complain(path, chain.reason);
    if (chain.kind !== 'target') return NOWHERE;
    const { target } = chain;
    if (target.kind !== 'inside') return { kind: 'file', file: target };
    const names = target.path.split('/');
    const file = below === undefined ? undefined : ({ kind: 'below', directory: below, names } as const);
    const isCaptured = this.options.findRule(target.path) !== undefined;
    return { kind: 'inside', path: target.path, isCaptured, below: file };
  }

  private complain(path: ByteString, reason: string): void {
    if (this.refused.has(path) || this.refused.size >= REFUSALS_LOGGED_MAX) return;
    this.refused.add(path);
    this.options.log(
      'error',
      `${printableName(path)} is not copied: ${printableName(Buffer.from(reason).toString('latin1'))}`,
    );
  }
}
