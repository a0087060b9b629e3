import type { SyntaxProblem } from '../problems.js';
import type { Place } from '../tree.js';

/** Something that is no mistake but that somebody who changes over should know. */
export interface Remark {
  readonly place: Place;
  readonly key: string;
  readonly message: string;
  /** `warn`: said at each start. `info`: shown by `check` only. */
  readonly level: 'warn' | 'info';
}

/** What is found while a configuration is translated. */
export class Findings {
  readonly problems: SyntaxProblem[] = [];
  readonly remarks: Remark[] = [];

  /** What GLOBAL says is read again for each SVRNODE that inherits it: a mistake is told once. */
  fail(place: Place, key: string, message: string): void {
    const isKnown = this.problems.some(
      (known) => known.place === place && known.key === key && known.message === message,
    );
    if (!isKnown) this.problems.push({ place, key, message });
  }

  warn(place: Place, key: string, message: string): void {
    this.remarks.push({ place, key, message, level: 'warn' });
  }

  inform(place: Place, key: string, message: string): void {
    this.remarks.push({ place, key, message, level: 'info' });
  }
}
