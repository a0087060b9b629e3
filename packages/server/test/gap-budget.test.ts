import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { AppliedSet } from '../src/applied.js';
import { GapBudget } from '../src/gap-budget.js';
import { Source } from '../src/source.js';

const TOO_MANY = { code: 'too_many_gaps', message: /between the batches of all sources/ };

function takeApart(source: Source, count: number): void {
  for (let index = 1; index <= count; index++) source.take({ epoch: 1, sequence: 2 * index });
}

test('what all sources have remembered together is bounded, and those with little go on', () => {
  const budget = new GapBudget(2500);
  const make = (): Source => new Source('uuid', new AppliedSet(), undefined, budget);
  const [greedy, modest] = [make(), make()];
  takeApart(greedy, 2000);
  takeApart(modest, 600);
  assert.equal(budget.gaps, 2600);
  assert.throws(() => {
    greedy.take({ epoch: 1, sequence: 4002 });
  }, TOO_MANY);
  // What fills a gap, or goes on with what is there, makes none.
  greedy.take({ epoch: 1, sequence: 3 });
  greedy.take({ epoch: 1, sequence: 4001 });
  assert.equal(budget.gaps, 2599);
  modest.take({ epoch: 1, sequence: 2000 });
  greedy.raiseFloor(1, 2001);
  assert.equal(budget.gaps, 1601);
  greedy.take({ epoch: 1, sequence: 5000 });
  greedy.forget();
  assert.equal(budget.gaps, 601);
});

test('one that comes with many, when there are too many, is not served', () => {
  const budget = new GapBudget(1500);
  const applied = new AppliedSet();
  for (let index = 1; index <= 2000; index++) applied.add({ epoch: 1, sequence: 2 * index });
  const first = new Source('a', applied, undefined, budget);
  assert.throws(() => new Source('b', applied.clone(), undefined, budget), TOO_MANY);
  assert.equal(budget.gaps, 2000);
  first.forget();
  assert.equal(budget.gaps, 0);
});
