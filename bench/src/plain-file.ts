import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Subject } from './subject.js';

/** The measure of all others: what is written into a plain local file is there at once. */
export function plainFile(folder: string): Subject {
  return {
    name: 'plain file',
    roles: {},
    road(name) {
      const file = join(folder, `plain-${name}`);
      return {
        into: file,
        outOf: file,
        remove: () => {
          rmSync(file, { force: true });
        },
      };
    },
  };
}
