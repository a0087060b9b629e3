import { PAYLOAD_BYTES_MAX } from '@k2hft/wire';

const NEWLINE = 0x0a;

/** Replacements make payloads longer; a batch has its limit, and ends with a line. None for an empty payload. */
export function* payloadParts(payload: Buffer, bytesMax = PAYLOAD_BYTES_MAX): Generator<Buffer> {
  let start = 0;
  while (payload.length - start > bytesMax) {
    const end = start + payload.subarray(start, start + bytesMax).lastIndexOf(NEWLINE) + 1;
    // A line alone is seldom so long.
    const cutAt = end > start ? end : start + bytesMax;
    yield payload.subarray(start, cutAt);
    start = cutAt;
  }
  if (payload.length > start) yield payload.subarray(start);
}
