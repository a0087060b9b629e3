/** One event that somebody may wait for, for a limited time. */
export class Awaited {
  private resolve: (() => void) | undefined;

  /** True when it has happened, false when the time is over. */
  within(limitMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const finish = (happened: boolean) => {
        clearTimeout(timer);
        this.resolve = undefined;
        resolve(happened);
      };
      const timer = setTimeout(finish, limitMs, false);
      this.resolve = () => {
        finish(true);
      };
    });
  }

  happened(): void {
    this.resolve?.();
  }
}
