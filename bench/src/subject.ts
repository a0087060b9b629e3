import type { Roles } from './processes.js';

/** Something that lines travel through: written into one file, they come out in another. */
export interface Subject {
  readonly name: string;
  /** Its processes; none for a plain file. */
  readonly roles: Roles;
  /** Where to write, and where it comes out, for a file of that name which does not exist yet. */
  road(name: string): Road;
}

export interface Road {
  readonly into: string;
  readonly outOf: string;
  /** Removes both. */
  remove(): void;
}
