import fc from 'fast-check';
import type { ForwarderServers } from '../../src/index.js';

export const SERVERS = 3;
const STREAMS = 4;
const PAUSE_MS_MAX = 6;
export const PAYLOAD_BYTES_MAX = 3_000;

export type Step =
  | { do: 'append'; sizes: number[]; stream: number }
  | { do: 'wait'; ms: number }
  | { do: 'die'; server: number; loses: boolean }
  | { do: 'live'; server: number }
  | { do: 'break'; server: number }
  | { do: 'read'; server: number; does: boolean }
  | { do: 'hold'; server: number }
  | { do: 'acknowledge'; server: number; count: number; fromEnd: boolean }
  | { do: 'acknowledge all'; server: number }
  | { do: 'nonsense'; server: number }
  | { do: 'tell'; server: number; state: 'accepting' | 'full' | 'draining' }
  | { do: 'drop'; count: number }
  | { do: 'readable'; is: boolean }
  | { do: 'epoch' }
  | Change;
type Change =
  | { do: 'servers'; order: number[] }
  | { do: 'away and back'; server: number }
  | { do: 'deliver'; deliver: ForwarderServers['deliver'] }
  | { do: 'compression'; compression: 'none' | 'gzip' }
  | { do: 'restart' };

const server = fc.nat(SERVERS - 1);

function weighted<T>(weight: number, arbitrary: fc.Arbitrary<T>): fc.WeightedArbitrary<T> {
  return { weight, arbitrary };
}

const steps: fc.WeightedArbitrary<Step>[] = [
  weighted(
    5,
    fc.record({
      do: fc.constant('append'),
      sizes: fc.array(fc.nat(PAYLOAD_BYTES_MAX), { minLength: 1, maxLength: 8 }),
      stream: fc.nat(STREAMS - 1),
    }),
  ),
  weighted(1, fc.record({ do: fc.constant('wait'), ms: fc.nat(40) })),
  weighted(1, fc.record({ do: fc.constant('die'), server, loses: fc.boolean() })),
  weighted(2, fc.record({ do: fc.constant('live'), server })),
  weighted(3, fc.record({ do: fc.constant('break'), server })),
  weighted(1, fc.record({ do: fc.constant('read'), server, does: fc.boolean() })),
  weighted(3, fc.record({ do: fc.constant('hold'), server })),
  weighted(
    3,
    fc.record({
      do: fc.constant('acknowledge'),
      server,
      count: fc.integer({ min: 1, max: 5 }),
      fromEnd: fc.boolean(),
    }),
  ),
  weighted(2, fc.record({ do: fc.constant('acknowledge all'), server })),
  weighted(1, fc.record({ do: fc.constant('nonsense'), server })),
  weighted(
    2,
    fc.record({ do: fc.constant('tell'), server, state: fc.constantFrom('accepting', 'full', 'draining') }),
  ),
  weighted(1, fc.record({ do: fc.constant('drop'), count: fc.integer({ min: 1, max: 10 }) })),
  weighted(2, fc.record({ do: fc.constant('readable'), is: fc.boolean() })),
  weighted(1, fc.record({ do: fc.constant('epoch') })),
];
const changes: fc.WeightedArbitrary<Change>[] = [
  weighted(
    2,
    fc.record({ do: fc.constant('servers'), order: fc.shuffledSubarray([0, 1, 2], { minLength: 1 }) }),
  ),
  weighted(2, fc.record({ do: fc.constant('away and back'), server })),
  weighted(2, fc.record({ do: fc.constant('compression'), compression: fc.constantFrom('none', 'gzip') })),
  weighted(1, fc.record({ do: fc.constant('restart') })),
  weighted(
    2,
    fc.record({
      do: fc.constant('deliver'),
      deliver: fc.constantFrom('failover', 'random', 'hash', 'broadcast'),
    }),
  ),
];

/** What happens, and for how long nothing else does: time for connections and messages. */
export interface Timed {
  readonly step: Step;
  readonly thenMs: number;
}

function schedulesOf(of: fc.WeightedArbitrary<Step>[]): fc.Arbitrary<Timed[]> {
  const timed = fc.record({ step: fc.oneof(...of), thenMs: fc.nat(PAUSE_MS_MAX) });
  return fc.array(timed, { minLength: 20, maxLength: 50, size: 'max' });
}

/** Of what servers and the queue do. */
export const events = schedulesOf(steps);

/** The same, with changes of the settings and forwarders that follow each other. */
export const eventsAndChanges = schedulesOf([...steps, ...changes]);
