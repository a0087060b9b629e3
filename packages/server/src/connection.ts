import type { Socket } from 'node:net';
import { printable, type LogLevel } from '@k2hft/config';
import {
  decodeMessage,
  holdsBatches,
  isCompressed,
  WireError,
  type ControlMessage,
  type HelloMessage,
} from '@k2hft/wire';
import type { WebSocket } from 'ws';
import type { Applier } from './applier.js';
import type { ConnectionHost } from './connection-host.js';
import { messageOf, ServerError } from './errors.js';
import { Inbox } from './inbox.js';
import { Intake, STRANGER_BYTES_MAX } from './intake.js';
import { CloseCode, Peer } from './peer.js';
import { reasonOfCode } from './refusal-reason.js';
import { Session } from './session.js';
import type { Source } from './source.js';
import type { TokenHolder } from './tokens.js';
import type { Presence } from './web-presence.js';

/*
 * States of a connection:
 *
 *   greeting ──hello──▶ waiting ──an applier is there──▶ open ──refused──▶ settling ──nothing is owed──▶ ended
 *      │                   │                              │                  └─────── deadline ────────────▶
 *      └─── deadline, malformed, refused, too many, closed by either side: from each of them ───────────────▶
 *
 * In `settling` nothing is read, and what was taken is acknowledged.
 */
type ConnectionState = 'greeting' | 'waiting' | 'open' | 'settling' | 'ended';

/** A source that is refused gets the acknowledgements of what was taken from it before; no longer than this. */
const REFUSAL_DEADLINE_MS = 5000;

/** One source's connection: who it is, whether it may send, and how it ends. Its data goes through the {@link Session}. */
export class Connection {
  #state: ConnectionState = 'greeting';
  readonly #host: ConnectionHost;
  readonly #peer: Peer;
  readonly #intake: Intake;
  readonly #inbox = new Inbox(
    (message) => {
      this.#receive(message);
    },
    (error) => {
      this.#receiveFailed(error);
    },
    () => {
      this.obeyGate();
    },
  );
  /** How it is called in the log. */
  #name: string;
  #hello: HelloMessage | undefined;
  /** Whose token it has shown; undefined: none is asked for. */
  #holder: TokenHolder | undefined;
  /** Since it was welcomed. */
  #session: Session | undefined;
  /** Of the hello, later of a refusal. */
  #deadline: NodeJS.Timeout;
  /** Why it is refused as soon as nothing is owed any more. */
  #refusal: ServerError | undefined;

  /** @param leftMs how long it may take to say who it is */
  constructor(socket: WebSocket, stream: Socket, host: ConnectionHost, leftMs: number) {
    this.#host = host;
    this.#peer = new Peer(socket, stream, () => {
      this.#doesNotRead();
    });
    this.#name = this.#peer.address;
    this.#intake = new Intake(host, {
      tooMuch: () => {
        host.refused(this, 'too_large');
        this.refuse('hello', `more than ${STRANGER_BYTES_MAX / 1024} KiB and no hello`, CloseCode.PROTOCOL);
      },
      changed: () => {
        this.obeyGate();
      },
    });
    this.#deadline = setTimeout(() => {
      host.refused(this, 'handshake_timeout');
      this.refuse('hello', `no hello within ${host.limits.handshakeTimeoutMs / 1000} s`);
    }, leftMs);
    stream.on('data', (bytes: Buffer) => {
      this.#intake.count(bytes.length);
    });
    socket.on('message', (message: Buffer, isBinary: boolean) => {
      this.#intake.whole();
      this.#arrived(message, isBinary);
    });
    socket.on('error', (error) => {
      if (this.#state === 'greeting') host.refused(this, 'malformed');
      this.#log('warn', `${this.#name}: ${printable(error.message)}`);
    });
    socket.on('close', () => {
      this.#closed();
    });
  }

  get stream(): Socket {
    return this.#peer.stream;
  }

  /** Who is there; undefined when nobody was welcomed. */
  get presence(): Presence | undefined {
    return this.#session?.presence;
  }

  /** What has come of a message that is not whole yet: about, and rather less. */
  get partialBytes(): number {
    return this.#intake.partialBytes;
  }

  /** Goes on with a source that has said hello, when there is an applier now. */
  open(): void {
    const { applier, log, software } = this.#host;
    const hello = this.#hello;
    if (this.#state !== 'waiting' || applier === undefined || hello === undefined) return;
    let source: Source;
    try {
      source = applier.join(hello.source, hello.host);
    } catch (error) {
      this.#receiveFailed(error);
      return;
    }
    this.#state = 'open';
    this.#session = this.#makeSession(applier, source, hello);
    this.#session.welcome(software);
    log('info', `${this.#name} is connected (source ${hello.source}, ${printable(hello.software)})`);
    this.tellStatus();
    this.obeyGate();
  }

  /** Reads on, or stops reading. */
  obeyGate(): void {
    if (this.#state === 'greeting' || this.#state === 'ended') return;
    const isHeld = this.#inbox.isFull || this.#intake.isHeld;
    if (this.#host.isGateOpen && this.#state === 'open' && !isHeld) this.#peer.resume();
    else this.#peer.pause();
  }

  /** Tells the source whether its batches are taken. */
  tellStatus(): void {
    this.#session?.tellStatus(this.#host.blockedReason);
  }

  tellDraining(): void {
    this.#session?.tellDraining();
  }

  /** Called every few seconds: finds out whether the peer is alive. */
  heartbeat(): void {
    if (this.#state === 'ended') return;
    if (this.#peer.heartbeat(this.#host.limits.idleTimeoutMs, this.#isWelcomed)) return;
    this.#host.log('warn', `${this.#name} is silent: disconnected`);
    this.#peer.cut();
  }

  /** The tokens are others now. */
  checkToken(): void {
    if (this.#holder === undefined || this.#state === 'ended' || this.#host.holds(this.#holder)) return;
    this.#refuseWhenSafe(
      new ServerError(
        'token',
        'the token was taken out of the tokens_file of this server, or given other rights',
      ),
    );
  }

  /** Tells the peer what is wrong, and closes the connection. */
  refuse(code: string, message: string, closeCode: number = CloseCode.POLICY): void {
    if (this.#state === 'ended') return;
    const reason = this.#state === 'greeting' ? reasonOfCode(code) : undefined;
    if (reason !== undefined) this.#host.refused(this, reason);
    this.#log('warn', `${this.#name} is refused: ${printable(message)}`);
    this.#peer.tell({ type: 'error', code, message });
    this.end(closeCode);
  }

  refuseBusy(connectionsMax: number): void {
    this.refuse(
      'busy',
      `there are ${connectionsMax} connections already (max_connections)`,
      CloseCode.TRY_AGAIN,
    );
  }

  /** As {@link refuseBusy}, without a word. */
  cutBusy(): void {
    this.#host.refused(this, 'max_connections');
    this.cut();
  }

  /** Closes the connection after what was sent; cuts it when the peer does not answer. */
  end(closeCode: number = CloseCode.GOING_AWAY): void {
    if (this.#state === 'ended') return;
    this.#leave();
    this.#peer.close(closeCode);
  }

  /** Cuts the connection, so that the source sends again what was not acknowledged. */
  cut(): void {
    this.#leave();
    this.#peer.cut();
  }

  /** It is the one that has brought most of a message that is not whole, and there is too much of that. */
  cutPartial(): void {
    const partial = `${Math.round(this.partialBytes / 1024)} KiB of a message that is not whole`;
    this.#log('warn', `${this.#name} is disconnected: it has sent ${partial}, and memory is short`);
    this.cut();
  }

  get #isWelcomed(): boolean {
    return this.#state === 'open' || this.#state === 'settling';
  }

  /** Batches that were taken and not acknowledged yet. */
  get #owedCount(): number {
    return this.#session?.owedCount ?? 0;
  }

  #makeSession(applier: Applier, source: Source, hello: HelloMessage): Session {
    return new Session({
      applier,
      source,
      hello,
      peer: this.#peer,
      holder: this.#holder,
      streamsMax: () => this.#host.limits.streams,
      acknowledged: () => {
        this.#acknowledged();
      },
    });
  }

  #arrived(message: Buffer, isBinary: boolean): void {
    if (this.#state === 'settling' || this.#state === 'ended') return;
    try {
      if (!isBinary) throw new WireError('malformed', 'a text message: everything here is binary');
      if (isCompressed(message) && this.#session?.compression === undefined)
        throw new WireError('malformed', 'a compressed message, which was not agreed on');
      this.#inbox.add(message);
    } catch (error) {
      this.#receiveFailed(error);
    }
  }

  #receive(message: Buffer): void {
    if (this.#state === 'settling' || this.#state === 'ended') return;
    try {
      if (!holdsBatches(message)) this.#receiveControl(decodeMessage(message));
      else if (this.#session === undefined) throw new WireError('malformed', 'batches before the hello');
      else this.#session.take(message);
    } catch (error) {
      this.#receiveFailed(error);
    }
  }

  #receiveFailed(error: unknown): void {
    if (error instanceof WireError) {
      const code = error.code === 'protocol' ? 'protocol' : 'malformed';
      this.refuse(code, error.message, CloseCode.PROTOCOL);
    } else if (error instanceof ServerError) {
      this.#refuseWhenSafe(error);
    } else {
      this.#host.log('error', `${this.#name}: ${printable(messageOf(error))}`);
      throw error;
    }
  }

  /**
   * What was taken from the source before is acknowledged first: it would be sent to another server as well. Nothing
   * more is read meanwhile.
   */
  #refuseWhenSafe(refusal: ServerError): void {
    if (this.#owedCount === 0) {
      this.refuse(refusal.code, refusal.message);
      return;
    }
    if (this.#state === 'ended') return;
    this.#refusal = refusal;
    this.#state = 'settling';
    this.obeyGate();
    this.#deadline = setTimeout(() => {
      this.refuse(refusal.code, refusal.message);
    }, REFUSAL_DEADLINE_MS);
  }

  #receiveControl(message: ControlMessage): void {
    if (message.type === 'hello' && this.#state === 'greeting') {
      this.#greeted(message);
    } else if (message.type === 'floor' && this.#session !== undefined) {
      this.#session.raiseFloor(message);
    } else if (message.type === 'error') {
      this.#host.log(
        'warn',
        `${this.#name} says: ${printable(message.message)} (${printable(message.code)})`,
      );
    } else {
      throw new WireError('malformed', `a message of type "${message.type}" was not expected`);
    }
  }

  #greeted(hello: HelloMessage): void {
    this.#name = `${printable(hello.host)} (${this.#name})`;
    this.#holder = this.#host.admit(this, hello);
    clearTimeout(this.#deadline);
    this.#hello = hello;
    this.#intake.admit();
    this.#state = 'waiting';
    this.open();
    this.obeyGate();
  }

  #acknowledged(): void {
    if (this.#refusal !== undefined && this.#owedCount <= 0) {
      this.refuse(this.#refusal.code, this.#refusal.message);
    } else if (this.#peer.isUnread) {
      this.#doesNotRead();
    }
  }

  #doesNotRead(): void {
    this.#log('warn', `${this.#name} does not read what it is answered: disconnected`);
    this.cut();
  }

  /** Before it is known who it is, anybody can cause what is logged. */
  #log(level: LogLevel, message: string): void {
    const { log, strangerLog } = this.#host;
    if (this.#hello === undefined) strangerLog(level, message);
    else log(level, message);
  }

  #leave(): void {
    clearTimeout(this.#deadline);
    this.#intake.end();
    this.#inbox.end();
    this.#state = 'ended';
    this.#session?.end();
  }

  #closed(): void {
    if (this.#isWelcomed) this.#host.log('info', `${this.#name} is disconnected`);
    if (this.#state !== 'ended') this.#leave();
    this.#host.ended(this);
  }
}
