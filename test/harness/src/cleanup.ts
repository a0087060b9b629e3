/** Where to leave what has to be undone at the end. A node:test context is one. */
export interface Cleanup {
  after(undo: () => void | Promise<void>): void;
}

type Undo = () => void | Promise<void>;

const stacks = new WeakMap<Cleanup, Undo[]>();

/**
 * Leaves something to be undone before everything that was left earlier: a folder is removed after the processes
 * in it have ended. node:test itself would run the first first.
 */
export function undoAtEnd(cleanup: Cleanup, undo: Undo): void {
  let stack = stacks.get(cleanup);
  if (stack === undefined) {
    stack = [];
    stacks.set(cleanup, stack);
    const undos = stack;
    cleanup.after(() => runAll(undos));
  }
  stack.push(undo);
}

/** The last first, and each even when another fails; then the first failure is thrown. */
async function runAll(undos: Undo[]): Promise<void> {
  const failures: unknown[] = [];
  for (let undo = undos.pop(); undo !== undefined; undo = undos.pop()) {
    try {
      await undo();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}

/** For programs that are no tests. */
export class CleanupStack implements Cleanup {
  private readonly undos: Undo[] = [];

  after(undo: Undo): void {
    this.undos.push(undo);
  }

  run(): Promise<void> {
    return runAll(this.undos);
  }
}
