/** Version of everything in this package. It goes up when an older side could misunderstand a newer one. */
export const PROTOCOL_VERSION = 1;

/** Path and host of a stream. Linux limits one path in a system call to 4 KiB; deeper trees can be made with openat(2). */
export const ATTRIBUTES_BYTES_MAX = 64 * 1024;

/** Relays that a batch may go through. Far more than any sensible number of stages: a longer way is a loop. */
export const STAGES_MAX = 16;

/** What the attributes' route takes at most: {@link STAGES_MAX} + 1 UUIDs of 18 bytes, and their keys. */
export const ROUTE_BYTES_MAX = 512;

/** Path and host together, with their keys: with a longest route behind them they still are valid attributes. */
export const NAMES_BYTES_MAX = ATTRIBUTES_BYTES_MAX - ROUTE_BYTES_MAX;

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
