import type { Attributes, Entry } from '@k2hft/fuse';
import type { BigIntStats } from 'node:fs';
import { attributesOf, showAttributes, type Shown } from './attributes.js';
import { ROOT_ID } from './nodes-names.js';
import type { HiddenFiles } from './overlay-hidden.js';
import type { OverlayNode } from './overlay-node-rows.js';

/** Others may change the files below the mount without the kernel knowing, so what it was told is good for a second only. */
export const OVERLAY_VALID_MS = 1000;

/** Turns what the file system below says into what programs see. */
export class OverlayEntries {
  constructor(
    private readonly hidden: HiddenFiles,
    private readonly shown: Shown,
  ) {}

  attributes(node: OverlayNode, stat: BigIntStats): Attributes {
    const attributes = attributesOf(stat);
    if (node.hidden !== undefined) attributes.nlink = Math.max(0, attributes.nlink - 1);
    if (node.id === ROOT_ID) attributes.nlink -= this.hidden.directoryCount();
    return showAttributes(attributes, this.shown);
  }

  entry(node: OverlayNode, stat: BigIntStats): Entry {
    return {
      nodeId: node.id,
      // Node ids are never given out twice, so there is nothing for generations to tell apart.
      generation: 0,
      attributes: this.attributes(node, stat),
      entryValidMs: OVERLAY_VALID_MS,
      attributesValidMs: OVERLAY_VALID_MS,
    };
  }
}
