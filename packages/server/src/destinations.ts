import { printableName, type Log } from '@k2hft/config';
import type { Batch } from '@k2hft/wire';
import { quarantineName, refusalOf } from './output-name.js';
import type { PathTemplate } from './path-template.js';

/** Refused names that are remembered, so that each is logged once. Beyond, all are forgotten and may be logged again. */
const REFUSALS_MAX = 10_000;

/** The name of the file that a batch goes to. */
export interface Destination {
  readonly name: string;
  /** It is where refused names go: there is nowhere else to go from here. */
  readonly isQuarantine: boolean;
}

/** Which batch goes where: names by the template, and for those that cannot be written one in quarantine. */
export class Destinations {
  readonly #log: Log;
  readonly #directoryBytes: number;
  #template: PathTemplate;
  /** By sound names that cannot be written because of what is in the file system, until the files are opened anew. */
  readonly #refused = new Map<string, Destination>();
  /** Unsound names that were logged. */
  readonly #logged = new Set<string>();
  /** Where the batches of a stream go, by the path object that they share. */
  #names = new WeakMap<Buffer, Destination>();

  constructor(template: PathTemplate, directory: string, log: Log) {
    this.#template = template;
    this.#directoryBytes = Buffer.byteLength(directory);
    this.#log = log;
  }

  of(batch: Batch): Destination {
    const destination = this.#byTemplate(batch);
    if (this.#refused.size === 0) return destination;
    return this.#refused.get(destination.name) ?? destination;
  }

  /** A name cannot be written. Returns where its batches go instead, until {@link renew}. */
  refuse(name: string, reason: string): Destination {
    const destination = { name: quarantineName(name), isQuarantine: true };
    this.#logRefusal(name, reason, destination.name);
    if (this.#refused.size >= REFUSALS_MAX) this.#refused.clear();
    this.#refused.set(name, destination);
    return destination;
  }

  /** By this template from now on; what was refused is tried again. */
  renew(template: PathTemplate): void {
    this.#template = template;
    this.#names = new WeakMap();
    this.#refused.clear();
  }

  #byTemplate(batch: Batch): Destination {
    const template = this.#template;
    if (template.timed) return this.#sound(template.render(batch));
    let destination = this.#names.get(batch.path);
    if (destination === undefined) {
      destination = this.#sound(template.render(batch));
      this.#names.set(batch.path, destination);
    }
    return destination;
  }

  #sound(name: string): Destination {
    const reason = refusalOf(name, this.#directoryBytes);
    if (reason === undefined) return { name, isQuarantine: false };
    const quarantine = quarantineName(name);
    if (this.#logged.size >= REFUSALS_MAX) this.#logged.clear();
    if (!this.#logged.has(name)) this.#logRefusal(name, reason, quarantine);
    this.#logged.add(name);
    return { name: quarantine, isQuarantine: true };
  }

  #logRefusal(name: string, reason: string, quarantine: string): void {
    const shown = printableName(name);
    this.#log('warn', `refused to write "${shown}": ${reason}; it goes to "${quarantine}" instead`);
  }
}
