import { appendTo, createLog, ExitStatus, printableName, type Log, type MountSettings } from '@k2hft/config';
import { formatBytes } from './format-status.js';
import { compileRules, type RuleFinder } from './rules.js';
import { knownPaths, sendFile, type SendContext, type SentFile } from './send-file.js';
import { findFiles, type NamedFile } from './send-names.js';
import { StreamNumbers } from './send-progress.js';
import { SendQueue, SendStopped } from './send-queue.js';

/** What is to be sent, and how; plain data. */
export interface SendPlan {
  readonly settings: MountSettings;
  readonly mountPoint: string;
  /** Absolute paths, as they were named. */
  readonly names: readonly string[];
  /** The path that records of the one file shall carry. */
  readonly as: string | undefined;
  /** The files do not go on. */
  readonly finish: boolean;
  /** Without an acknowledgement for so long it gives up. */
  readonly timeoutMs: number | undefined;
}

/** Between two lines that say how far it is. */
const PROGRESS_MS = 2000;

/**
 * Queues what is new in the files and delivers it. Resolves with the exit status; throws CommandError, QueueError,
 * and what cannot be helped.
 */
export async function carryOutSend(plan: SendPlan, stop: AbortSignal): Promise<number> {
  const { settings } = plan;
  const write = appendTo(2);
  const log = createLog('k2hft', settings.log, write);
  const say = (message: string) => {
    write(`k2hft send: ${message}\n`);
  };
  const session = new SendSession(plan, log, say);
  return session.run(stop);
}

class SendSession {
  private readBytes = 0;
  private records = 0;
  private files = 0;
  private isIncomplete = false;

  constructor(
    private readonly plan: SendPlan,
    private readonly log: Log,
    private readonly say: (message: string) => void,
  ) {}

  async run(stop: AbortSignal): Promise<number> {
    const { settings, timeoutMs } = this.plan;
    const queue = await SendQueue.open({ settings, log: this.log, timeoutMs, stop });
    const progress = setInterval(() => {
      this.say(`${formatBytes(this.readBytes)} read, ${formatBytes(queue.pendingBytes())} to be delivered`);
    }, PROGRESS_MS);
    try {
      const wasWaiting = !queue.isDelivered;
      await this.sendFiles(queue);
      await queue.delivered();
      this.summarize(wasWaiting);
    } catch (error) {
      if (error instanceof SendStopped && !queue.isDelivered)
        this.say(`${formatBytes(queue.pendingBytes())} wait in the queue for the next call`);
      throw error;
    } finally {
      clearInterval(progress);
      await queue.close();
    }
    return this.isIncomplete ? ExitStatus.NO_INPUT : ExitStatus.DONE;
  }

  private async sendFiles(queue: SendQueue): Promise<void> {
    const { plan } = this;
    const { files, refused } = findFiles(plan);
    for (const reason of refused) this.refuse(reason);
    const findRule = compileRules(plan.settings.rules);
    const context: SendContext = {
      queue,
      streams: new StreamNumbers(queue.ledger, queue.epoch),
      host: plan.settings.host,
      finish: plan.finish,
      isPathChosen: plan.as !== undefined,
      knownPaths: knownPaths(queue.ledger),
      say: this.say,
      onRead: (bytes) => {
        this.readBytes += bytes;
      },
    };
    for (const file of files) await this.sendOne(file, findRule, context);
    await queue.flush();
  }

  private async sendOne(file: NamedFile, findRule: RuleFinder, context: SendContext): Promise<void> {
    const name = printableName(file.path);
    const rule = findRule(file.path);
    if (rule?.delivery !== 'servers') {
      const reason = `${name}: no rule sends it to servers`;
      if (file.isNamed) this.refuse(reason);
      else this.say(`${reason}; it is passed over`);
      return;
    }
    try {
      this.count(name, await sendFile(file, rule, context));
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      this.refuse(`${name} cannot be read: ${error.message}`);
    }
  }

  private count(name: string, sent: SentFile): void {
    if (sent.bytes > 0) this.files++;
    this.records += sent.records;
    if (sent.droppedLines > 0) this.say(`${name}: ${sent.droppedLines} lines dropped, as its rule says`);
    if (sent.heldBackBytes > 0)
      this.say(
        `${name}: its last line has no end yet, and its rule looks at whole lines: it waits for the next call (--finish sends it)`,
      );
  }

  private refuse(reason: string): void {
    this.isIncomplete = true;
    this.say(reason);
  }

  private summarize(wasWaiting: boolean): void {
    const earlier = wasWaiting ? 'what an earlier call had left in the queue is delivered; ' : '';
    if (this.files === 0) this.say(`${earlier}nothing new to send`);
    else
      this.say(
        `${earlier}delivered ${this.records} records, ${formatBytes(this.readBytes)} of ${this.files} files`,
      );
  }
}

/** An error of the system about one file; the others may be sent all the same. */
function isUnreadable(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error && 'code' in error;
}
