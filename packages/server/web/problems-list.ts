import { elementOf, make } from './document.js';
import { formatTime } from './format.js';
import type { Problem } from './overview.js';

/** The last warnings and errors of the log, the newest first. */
export class ProblemsList {
  private shown: string | undefined;

  show(problems: readonly Problem[], nowMs: number): void {
    const content = JSON.stringify(problems);
    if (content === this.shown) return;
    this.shown = content;
    const place = elementOf('problems');
    if (problems.length === 0) {
      place.replaceChildren(make('p', 'dim', 'None since the server was started.'));
      return;
    }
    const items = problems.map(({ atMs, level, message }) => {
      const time = make('time', '', formatTime(atMs, nowMs));
      time.dateTime = new Date(atMs).toISOString();
      const word = make('span', `level ${level}`, level === 'warn' ? 'warning' : 'error');
      return make('li', '', time, ' ', word, ' ', make('span', 'message', message));
    });
    place.replaceChildren(make('ul', '', ...items));
  }
}
