/** Where to leave what has to be undone at the end. A node:test context is one. */
export interface Cleanup {
  after(undo: () => void | Promise<void>): void;
}

/** For programs that are no tests: runs what was left, the last first, each even when another fails. */
export class CleanupStack implements Cleanup {
  private readonly undos: (() => void | Promise<void>)[] = [];

  after(undo: () => void | Promise<void>): void {
    this.undos.push(undo);
  }

  async run(): Promise<void> {
    for (let undo = this.undos.pop(); undo !== undefined; undo = this.undos.pop()) {
      try {
        await undo();
      } catch (error) {
        console.error(error);
      }
    }
  }
}
