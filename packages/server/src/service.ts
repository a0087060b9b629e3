import { setTimeout as sleep } from 'node:timers/promises';
import type { Log, ServerSettings } from '@k2hft/config';
import type { HelloMessage } from '@k2hft/wire';
import { admit } from './admission.js';
import { Applier } from './applier.js';
import { Connection } from './connection.js';
import type { ConnectionHost } from './connection-host.js';
import { Connections } from './connections.js';
import { ServerError } from './errors.js';
import { Listener } from './listener.js';
import { openSinks } from './open-sinks.js';
import { outputRulesOf, type OutputRules } from './output-rules.js';
import { OutputTree } from './output-tree.js';
import { forgetFiles, pluginWritesFiles } from './plugin-files.js';
import { RecentComplaints } from './recent-complaints.js';
import { recover } from './recovery.js';
import type { RefusalReason } from './refusal-reason.js';
import { ServerCounters } from './server-counters.js';
import { statusOf, type ServiceStatus } from './service-status.js';
import type { Sink, SinkFigures } from './sink.js';
import { freeBytes, STATE_RESERVE_BYTES } from './room.js';
import { SourceOwners } from './source-owners.js';
import { StateLock } from './state-lock.js';
import { State } from './state.js';
import { TokensFile } from './tokens-file.js';
import type { TokenHolder, TokenTable } from './tokens.js';
import type { AwaySources, Presence } from './web-presence.js';

/** How often it is tried again to begin while there is no room. */
const RETRY_MS = 1000;

export interface ServiceOptions {
  settings: ServerSettings;
  software: string;
  log: Log;
  /** Ends the waiting for room at the start. */
  signal: AbortSignal;
  /** For tests: other sinks than the settings ask for. */
  openSinks?: () => Promise<readonly Sink[]>;
}

/**
 * The server as a whole. It begins with the state directory's lock, then the state, then the recovery of the files,
 * and listens only when those are in order.
 */
export class Service implements ConnectionHost {
  readonly software: string;
  readonly log: Log;
  /** Rejects when the server cannot go on. */
  readonly failed: Promise<never>;
  /** Those in force. */
  #settings: ServerSettings;
  readonly #lock: StateLock;
  readonly #state: State;
  /** Undefined for a pure relay. */
  readonly #tree: OutputTree | undefined;
  readonly #sinks: readonly Sink[];
  /** What it has done since it was started. */
  readonly counters = new ServerCounters();
  readonly #connections = new Connections(this.counters);
  readonly #startedAtMs = Date.now();
  /** When the blockage that there is has begun, on the monotonic clock. */
  #blockedAtMs = 0;
  #tokens: TokensFile | undefined;
  readonly #owners: SourceOwners;
  #limits: ServerSettings['limits'];
  #rules: OutputRules | undefined;
  #listener: Listener | undefined;
  #applier: Applier | undefined;
  #isGateOpen = true;
  #isStopping = false;
  readonly #complaints: RecentComplaints;
  #fail: (error: unknown) => void = () => undefined;

  private constructor(
    options: ServiceOptions,
    rules: OutputRules | undefined,
    lock: StateLock,
    state: State,
    tree: OutputTree | undefined,
    sinks: readonly Sink[],
    complaints: RecentComplaints,
  ) {
    this.software = options.software;
    this.log = options.log;
    this.#complaints = complaints;
    this.#settings = options.settings;
    this.#limits = options.settings.limits;
    this.#rules = rules;
    this.#lock = lock;
    this.#state = state;
    this.#owners = new SourceOwners(state);
    this.#tree = tree;
    this.#sinks = sinks;
    this.failed = new Promise<never>((_resolve, reject) => {
      this.#fail = reject;
    });
    this.failed.catch(() => undefined);
  }

  static async start(given: ServiceOptions): Promise<Service> {
    const complaints = new RecentComplaints();
    const options = { ...given, log: complaints.listening(given.log) };
    const { settings, log, signal } = options;
    const { output } = settings;
    const rules = outputRulesOf(settings);
    const lock = await StateLock.take(settings.stateDir);
    await waitForRoom(settings.stateDir, log, signal);
    const state = new State(settings.stateDir, output?.fsync !== 'no');
    const tree = output && new OutputTree(output.dir, output.mode);
    const sinks = await (options.openSinks ?? openSinks)(options);
    const service = new Service(options, rules, lock, state, tree, sinks, complaints);
    try {
      await service.#begin();
      await service.#listen();
    } catch (error) {
      // Plugins would outlive the process.
      await service.stop();
      throw error;
    }
    service.#connections.startHeartbeat();
    return service;
  }

  get limits(): ServerSettings['limits'] {
    return this.#limits;
  }

  get strangerLog(): Log {
    return this.#listener?.strangerLog ?? this.log;
  }

  get url(): string {
    return this.#listener?.url ?? this.#settings.listen;
  }

  get applier(): Applier | undefined {
    return this.#applier;
  }

  get isGateOpen(): boolean {
    return this.#isGateOpen;
  }

  get blockedReason(): string | undefined {
    return this.#applier?.blockedReason;
  }

  /** Undefined for a pure relay. */
  get outputDirectory(): string | undefined {
    return this.#tree?.directory;
  }

  /** Who is connected: one for each connection. */
  presences(): Presence[] {
    return this.#connections.presences();
  }

  /** The sources that were connected. */
  get away(): AwaySources {
    return this.#connections.away;
  }

  status(): ServiceStatus {
    return statusOf({
      software: this.software,
      url: this.url,
      startedAtMs: this.#startedAtMs,
      counters: this.counters,
      applier: this.#applier,
      blockedAtMs: this.#blockedAtMs,
      isGateOpen: this.#isGateOpen,
      openConnections: this.#connections.count,
      maxConnections: this.#settings.maxConnections,
      sinks: Object.assign({}, ...this.#sinks.map((sink) => sink.figures?.() ?? {})) as SinkFigures,
      complaints: this.#complaints.list(),
    });
  }

  admit(connection: Connection, hello: HelloMessage): TokenHolder | undefined {
    const holder = this.#tokens && this.#holderOf(hello, this.#tokens.table);
    this.#connections.admit(connection);
    this.#listener?.admit(connection.stream);
    return holder;
  }

  #holderOf(hello: HelloMessage, table: TokenTable): TokenHolder {
    const holder = admit(hello, table);
    this.#owners.claim(hello.source, holder.name, (name) => table.knows(name));
    return holder;
  }

  refused(connection: Connection, reason: RefusalReason): void {
    this.#listener?.refuse(connection.stream, reason);
  }

  partial(bytes: number): void {
    this.#connections.partial(bytes);
  }

  holds(holder: TokenHolder): boolean {
    return this.#tokens?.table.holds(holder) ?? true;
  }

  ended(connection: Connection): void {
    this.#connections.ended(connection);
  }

  /** Output files are opened anew, and written by these rules from now on; undefined: by the same as before. */
  reopen(changed: { settings: ServerSettings; rules: OutputRules | undefined } | undefined): void {
    if (changed?.rules !== undefined) this.#rules = changed.rules;
    if (changed !== undefined) {
      this.#settings = changed.settings;
      this.#limits = changed.settings.limits;
      if (this.#tree !== undefined && changed.settings.output !== undefined)
        this.#tree.fileMode = changed.settings.output.mode;
    }
    this.#applier?.reopen(this.#rules);
    if (changed !== undefined) for (const sink of this.#sinks) sink.reopen?.(changed.settings);
  }

  /** Makes safe and acknowledges what has arrived, and ends. The caller sets a limit to it. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#connections.stopHeartbeat();
    this.#listener?.close();
    this.#tokens?.close();
    for (const connection of this.#connections) connection.tellDraining();
    await this.#applier?.finish();
    await this.#connections.close();
    await this.#applier?.close();
    for (const sink of this.#sinks) await sink.close();
    await this.#owners.settled();
    await this.#state.close();
    this.#tree?.close();
    this.#lock.release();
  }

  /** Brings the files in order, and begins to take batches. */
  async #begin(): Promise<void> {
    if (this.#tree !== undefined) await recover(this.#tree, this.#state, this.log);
    const isPluginWriting = pluginWritesFiles(this.#settings);
    if (isPluginWriting) await forgetFiles(this.#state);
    const applier: Applier = new Applier({
      output:
        this.#tree && this.#rules && !isPluginWriting ? { tree: this.#tree, rules: this.#rules } : undefined,
      sinks: this.#sinks,
      state: this.#state,
      stateDirectory: this.#settings.stateDir,
      log: this.log,
      counters: this.counters,
      gate: (open) => {
        this.#isGateOpen = open;
        this.counters.gate(open);
        for (const connection of this.#connections) connection.obeyGate();
      },
      blocked: (reason) => {
        if (reason !== undefined) this.#blockedAtMs = performance.now();
        for (const connection of this.#connections) connection.tellStatus();
      },
      fault: (error) => {
        this.#faulted(applier, error);
      },
    });
    this.#applier = applier;
    this.#isGateOpen = true;
    this.counters.gate(true);
    for (const connection of this.#connections) {
      connection.open();
      connection.obeyGate();
    }
  }

  async #listen(): Promise<void> {
    const { listen: url, tls, tokensFile } = this.#settings;
    if (tokensFile !== undefined) {
      this.#tokens = new TokensFile(tokensFile, this.log, () => {
        for (const connection of this.#connections) connection.checkToken();
      });
    }
    this.#listener = await Listener.listen({
      url,
      tls,
      log: this.log,
      handshakeTimeoutMs: () => this.#limits.handshakeTimeoutMs,
      refused: (reason) => {
        this.counters.refusals[reason]++;
      },
      accept: (socket, stream, leftMs) => {
        this.#accept(new Connection(socket, stream, this, leftMs));
      },
    });
  }

  #accept(connection: Connection): void {
    if (this.#isStopping) connection.cut();
    else this.#connections.accept(connection, this.#settings.maxConnections);
  }

  /**
   * A disk that has no room for bytes that it took before: what is in the files is not known. As after a crash, they are
   * cut back, and the sources send again what was not acknowledged. Any other fault ends the server.
   */
  #faulted(applier: Applier, error: unknown): void {
    if (!(error instanceof ServerError) || error.code !== 'sync_no_room' || this.#isStopping) {
      this.#fail(error);
      return;
    }
    this.log(
      'error',
      `${error.message}; the files are cut back to what is acknowledged, then it is tried again`,
    );
    this.#applier = undefined;
    for (const connection of this.#connections) connection.cut();
    this.#beginAgain(applier).catch(this.#fail);
  }

  async #beginAgain(applier: Applier): Promise<void> {
    await applier.close();
    await sleep(RETRY_MS);
    if (!this.#isStopping) await this.#begin();
  }
}

/** Opening the state on a full disk would end the process without a word. */
async function waitForRoom(directory: string, log: Log, signal: AbortSignal): Promise<void> {
  if (freeBytes(directory) >= STATE_RESERVE_BYTES) return;
  log('error', `the disk of ${directory} is full: waiting until ${STATE_RESERVE_BYTES} bytes are free`);
  while (freeBytes(directory) < STATE_RESERVE_BYTES) await sleep(RETRY_MS, undefined, { signal });
  log('warn', 'there is room again: going on');
}
