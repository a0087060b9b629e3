const ALTERNATE_SCREEN = '\x1b[?1049h';
const MAIN_SCREEN = '\x1b[?1049l';
const HIDE_CURSOR = '\x1b[?25l';
const SHOW_CURSOR = '\x1b[?25h';
/** A line that is wider than was thought must not move the ones below it. */
const NO_WRAP = '\x1b[?7l';
const WRAP = '\x1b[?7h';
const HOME = '\x1b[H';
const CLEAR_LINE_END = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';
const CTRL_C = '\x03';

/** A terminal that shows one screenful at a time. Nothing is cleared before it is written anew: it does not flicker. */
export class TopTerminal {
  private isOpen = false;

  constructor(
    private readonly input: NodeJS.ReadStream,
    private readonly output: NodeJS.WriteStream,
  ) {}

  get size(): { columns: number; rows: number } {
    // Behind the last column the cursor stays on it, and clearing the rest of the line would take its character away.
    return { columns: this.output.columns - 1, rows: this.output.rows };
  }

  open(listener: { quit: () => void; resized: () => void }): void {
    this.isOpen = true;
    // Whatever ends this process, the terminal gets back what it was.
    process.once('exit', () => {
      this.close();
    });
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, listener.quit);
    this.output.on('resize', listener.resized);
    if (this.input.isTTY) {
      this.input.setRawMode(true);
      this.input.on('data', (bytes: Buffer) => {
        if (/[qQ]/.test(bytes.toString()) || bytes.includes(CTRL_C)) listener.quit();
      });
    }
    this.output.write(ALTERNATE_SCREEN + HIDE_CURSOR + NO_WRAP);
  }

  show(lines: readonly string[]): void {
    if (this.isOpen)
      this.output.write(HOME + lines.map((line) => line + CLEAR_LINE_END).join('\r\n') + CLEAR_BELOW);
  }

  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    if (this.input.isTTY) this.input.setRawMode(false);
    this.input.pause();
    this.output.write(WRAP + SHOW_CURSOR + MAIN_SCREEN);
  }
}
