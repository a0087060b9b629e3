/**
 * Divides batches, in order, into groups that each become one message: as many as fit into `bytesMax` together.
 * A batch that is longer than that is a group of its own.
 */
export function packBatches<T extends { readonly bytes: Buffer }>(
  batches: readonly T[],
  bytesMax: number,
): T[][] {
  const groups: T[][] = [];
  let group: T[] = [];
  let groupBytes = 0;
  for (const batch of batches) {
    if (group.length > 0 && groupBytes + batch.bytes.length > bytesMax) {
      groups.push(group);
      group = [];
      groupBytes = 0;
    }
    group.push(batch);
    groupBytes += batch.bytes.length;
  }
  if (group.length > 0) groups.push(group);
  return groups;
}
