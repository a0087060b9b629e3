/**
 * Things that take different time to get ready are handed on in the order in which they were added, each as soon as it and all before
 * it are ready. A thing that is ready at once goes through at once when nothing is before it.
 */
export class InOrder<T> {
  private readonly waiting: { value: T | undefined; isReady: boolean }[] = [];
  private isEnded = false;

  /**
   * @param deliver must not throw
   * @param fail called once, for the first that fails; nothing is delivered after it
   */
  constructor(
    private readonly deliver: (value: T) => void,
    private readonly fail: (error: unknown) => void,
  ) {}

  /** Nothing was added that is not delivered. */
  get isEmpty(): boolean {
    return this.waiting.length === 0;
  }

  add(value: T): void {
    if (this.isEnded) return;
    if (this.isEmpty) this.deliver(value);
    else this.waiting.push({ value, isReady: true });
  }

  addLater(work: Promise<T>): void {
    if (this.isEnded) {
      // Nobody hears of it any more, and that must not end the process.
      work.catch(() => undefined);
      return;
    }
    const place: { value: T | undefined; isReady: boolean } = { value: undefined, isReady: false };
    this.waiting.push(place);
    work.then(
      (value) => {
        place.value = value;
        place.isReady = true;
        this.advance();
      },
      (error: unknown) => {
        if (this.isEnded) return;
        this.end();
        this.fail(error);
      },
    );
  }

  /** What is not delivered yet is dropped. */
  end(): void {
    this.isEnded = true;
    this.waiting.length = 0;
  }

  private advance(): void {
    while (this.waiting[0]?.isReady === true) {
      const place = this.waiting.shift();
      this.deliver(place?.value as T);
    }
  }
}
