import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { freePort, sleep, temporaryFolder, waitUntil } from '@k2hft/test-harness';
import { startServer, type RunningServer } from './server-process.js';
import { SOURCE_A, SOURCE_B, SourceClient, type BatchToSend } from './source-client.js';

const ROUNDS = 8;
const WINDOW = 200;
const BURST = 20;
/** Also on a machine that has no time for more. */
const SENT_LEAST = 100;

/** A source with a queue in memory: what is not acknowledged is sent again on every new connection. */
class ResendingSource {
  readonly sent: BatchToSend[] = [];
  readonly #uuid: string;
  readonly #url: string;
  readonly #acknowledged = new Set<number>();
  #client: SourceClient | undefined;
  #isStopped = false;

  constructor(uuid: string, url: string) {
    this.#uuid = uuid;
    this.#url = url;
  }

  /** Makes and sends batches until it is stopped, through all disconnections. */
  async run(make: (sequence: number) => BatchToSend): Promise<void> {
    while (!this.#isStopped || this.sent.length <= SENT_LEAST) {
      await this.#reconnect();
      if (this.#unacknowledged().length < WINDOW) {
        const fresh = Array.from({ length: BURST }, (_each, index) => {
          const sequence = this.sent.length + 1 + index;
          return { sequence, ...make(sequence) };
        });
        this.sent.push(...fresh);
        this.#client?.send(...fresh);
      }
      await sleep(1);
      this.#collect();
    }
  }

  async finish(): Promise<void> {
    this.#isStopped = true;
    await waitUntil('all acknowledgements', async () => {
      await this.#reconnect();
      this.#collect();
      return this.#unacknowledged().length === 0;
    });
    this.#client?.close();
  }

  #unacknowledged(): BatchToSend[] {
    return this.sent.filter(({ sequence = 0 }) => !this.#acknowledged.has(sequence));
  }

  #collect(): void {
    for (const position of this.#client?.acknowledged ?? [])
      this.#acknowledged.add(Number(position.split('/')[1]));
  }

  async #reconnect(): Promise<void> {
    if (this.#client !== undefined && this.#client.closeCode === undefined) return;
    this.#collect();
    this.#client = await SourceClient.connect(this.#url, this.#uuid).catch(() => undefined);
    const [first] = this.#unacknowledged();
    if (this.#client === undefined || first === undefined) return;
    this.#client.tell({ type: 'floor', epoch: 1, sequence: first.sequence ?? 0 });
    this.#client.send(...this.#unacknowledged());
  }
}

async function killAndRestart(
  context: TestContext,
  folder: string,
  server: RunningServer,
): Promise<RunningServer> {
  const port = Number(new URL(server.url).port);
  let current = server;
  for (let round = 0; round < ROUNDS; round++) {
    await sleep(50 + Math.random() * 400);
    current.child.kill('SIGKILL');
    await current.ended;
    current = await startServer(context, { folder, port });
  }
  return current;
}

/** Whole lines of one stream to a file of its own; and to a shared one, in pieces that split lines. */
function makeFor(name: string): (sequence: number) => BatchToSend {
  return (sequence) => {
    if (sequence % 2 === 0) return { stream: 1, path: `${name}.log`, payload: `${name} ${sequence}\n` };
    const isStart = sequence % 4 === 1;
    return {
      stream: 2,
      path: 'shared.log',
      payload: isStart ? `${name} ${sequence}:` : `${name}${sequence}\n`,
    };
  };
}

test('whenever the server is killed, every line is there once and in order', async (context) => {
  const folder = temporaryFolder(context);
  const server = await startServer(context, { folder, port: await freePort() });
  const sources = {
    a: new ResendingSource(SOURCE_A, server.url),
    b: new ResendingSource(SOURCE_B, server.url),
  };
  const running = [sources.a.run(makeFor('a')), sources.b.run(makeFor('b'))];
  const last = await killAndRestart(context, folder, server);
  await Promise.all([sources.a.finish(), sources.b.finish(), ...running]);
  last.child.kill('SIGTERM');
  assert.equal(await last.ended, 0);
  const shared = readFileSync(join(server.outputFolder, 'shared.log'), 'utf8');
  for (const [name, { sent }] of Object.entries(sources)) {
    assert.ok(sent.length > SENT_LEAST);
    const own = sent.filter(({ stream }) => stream === 1).map(({ payload }) => String(payload));
    assert.equal(readFileSync(join(server.outputFolder, `${name}.log`), 'utf8'), own.join(''));
    checkShared(shared, name, sent);
  }
});

/** Pieces of a stream follow each other; where the other stream came in between, on lines of their own. */
function checkShared(shared: string, name: string, sent: readonly BatchToSend[]): void {
  const numbers = sent.filter(({ stream }) => stream === 2).map(({ sequence }) => sequence ?? 0);
  const starts = [...shared.matchAll(new RegExp(`^${name} (\\d+):`, 'gm'))].map(([, number]) =>
    Number(number),
  );
  assert.deepEqual(
    starts,
    numbers.filter((sequence) => sequence % 4 === 1),
  );
  for (const sequence of numbers.filter((each) => each % 4 === 3)) {
    const hits = [...shared.matchAll(new RegExp(`(^|:)${name}${sequence}$`, 'gm'))].length;
    assert.equal(hits, 1, `${name} ${sequence}`);
  }
}
