/** Version of everything in this package. It goes up when an older side could misunderstand a newer one. */
export const PROTOCOL_VERSION = 1;

/** Path and host of a stream. Linux limits one path in a system call to 4 KiB; deeper trees can be made with openat(2). */
export const ATTRIBUTES_BYTES_MAX = 64 * 1024;

/**
 * Payload of one batch: twice the largest `max_record` (8 MiB), so that a longest line together with the write
 * that completed it fits.
 */
export const PAYLOAD_BYTES_MAX = 16 * 1024 * 1024;

/**
 * One WebSocket message: a largest batch with room to spare. It bounds what either side buffers for a peer
 * before it has seen whether the message makes sense.
 */
export const MESSAGE_BYTES_MAX = 32 * 1024 * 1024;

/** A control message: the largest is an ack of {@link RANGES_MAX} ranges of 19 bytes. */
export const CONTROL_BYTES_MAX = 256 * 1024;

/** Ranges in one ack. More are sent as several acks. */
export const RANGES_MAX = 8192;

/** Bytes of a host name in UTF-8. DNS allows 253. */
export const HOST_BYTES_MAX = 255;

/** Characters of any other text in a control message: versions, reasons, codes. Enough for a sentence that helps. */
export const TEXT_LENGTH_MAX = 2048;
