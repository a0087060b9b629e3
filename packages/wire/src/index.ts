export { decodeAttributes, encodeAttributes, type Attributes } from './attributes.js';
export {
  BATCH_MAGIC,
  BATCH_PREFIX_BYTES,
  BatchFlag,
  decodeBatch,
  decodeBatches,
  readTotalBytes,
  writeBatchHeader,
  type Batch,
  type BatchFields,
} from './batch.js';
export {
  availableCompressions,
  chooseCompression,
  compressMessage,
  decompressMessage,
  isCompressed,
  readMessageBytes,
  type Compression,
} from './compression.js';
export { InOrder } from './in-order.js';
export { WireError, type WireErrorCode } from './errors.js';
export {
  ATTRIBUTES_BYTES_MAX,
  CONTROL_BYTES_MAX,
  HOST_BYTES_MAX,
  MESSAGE_BYTES_MAX,
  PAYLOAD_BYTES_MAX,
  PROTOCOL_VERSION,
  RANGES_MAX,
  STAGES_MAX,
  TEXT_LENGTH_MAX,
} from './limits.js';
export {
  decodeMessage,
  encodeMessage,
  holdsBatches,
  type AckMessage,
  type ControlMessage,
  type ErrorMessage,
  type FloorMessage,
  type HelloMessage,
  type StatusMessage,
  type WelcomeMessage,
} from './messages.js';
export {
  inspectBatch,
  readEpoch,
  readFlags,
  readPayloadBytes,
  readPayloadStart,
  readPosition,
  readRecordCount,
  readSequence,
  readStream,
  readTimeMs,
  type BatchSummary,
} from './peek.js';
export { BatchRelay, type Received } from './relayed-batch.js';
export { type Route } from './route.js';
export { acksOf, rangesOf } from './ranges.js';
