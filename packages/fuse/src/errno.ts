/**
 * The one table of error numbers, and the way from whatever a file system throws to the number that the caller sees.
 *
 * The numbers are those of asm-generic, which every Linux architecture that Node is built for uses (x64, arm64, arm,
 * riscv64, loong64, s390x, ppc64).
 */
export const ERRNO = {
  EPERM: 1,
  ENOENT: 2,
  ESRCH: 3,
  EINTR: 4,
  EIO: 5,
  ENXIO: 6,
  E2BIG: 7,
  ENOEXEC: 8,
  EBADF: 9,
  ECHILD: 10,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EFAULT: 14,
  ENOTBLK: 15,
  EBUSY: 16,
  EEXIST: 17,
  EXDEV: 18,
  ENODEV: 19,
  ENOTDIR: 20,
  EISDIR: 21,
  EINVAL: 22,
  ENFILE: 23,
  EMFILE: 24,
  ENOTTY: 25,
  ETXTBSY: 26,
  EFBIG: 27,
  ENOSPC: 28,
  ESPIPE: 29,
  EROFS: 30,
  EMLINK: 31,
  EPIPE: 32,
  EDOM: 33,
  ERANGE: 34,
  EDEADLK: 35,
  ENAMETOOLONG: 36,
  ENOLCK: 37,
  ENOSYS: 38,
  ENOTEMPTY: 39,
  ELOOP: 40,
  ENODATA: 61,
  ETIME: 62,
  EPROTO: 71,
  EBADMSG: 74,
  EOVERFLOW: 75,
  EILSEQ: 84,
  EUSERS: 87,
  EOPNOTSUPP: 95,
  ECONNABORTED: 103,
  ECONNRESET: 104,
  ENOBUFS: 105,
  ENOTCONN: 107,
  ETIMEDOUT: 110,
  ECONNREFUSED: 111,
  EHOSTDOWN: 112,
  EHOSTUNREACH: 113,
  EALREADY: 114,
  EINPROGRESS: 115,
  ESTALE: 116,
  EUCLEAN: 117,
  EREMOTEIO: 121,
  EDQUOT: 122,
  ENOMEDIUM: 123,
  ECANCELED: 125,
} as const;

export type ErrnoName = keyof typeof ERRNO;

/**
 * The kernel refuses a reply whose error is not below 512 (fuse_dev_do_write): numbers from there on mean something
 * only inside the kernel.
 */
const ERRNO_LIMIT = 512;

/** Other names of the same numbers, as Node and libuv spell them. */
const ALIASES: Readonly<Record<string, number>> = {
  EWOULDBLOCK: ERRNO.EAGAIN,
  ENOTSUP: ERRNO.EOPNOTSUPP,
  ENOATTR: ERRNO.ENODATA,
};

const NUMBERS: ReadonlyMap<string, number> = new Map(Object.entries({ ...ERRNO, ...ALIASES }));
const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(ERRNO).map(([name, number]) => [number, name]),
);

/** The name of an error number, or `E<number>` for one that the table does not hold. */
export function errnoName(errno: number): string {
  return NAMES.get(errno) ?? `E${errno}`;
}

/** Thrown by an operation to answer its request with an error number. */
export class FuseError extends Error {
  override readonly name: string = 'FuseError';
  /** A positive error number, below 512. */
  readonly errno: number;
  /** The number's name, as in Node's own errors. */
  readonly code: string;

  constructor(errno: number | ErrnoName, message?: string) {
    const number = typeof errno === 'number' ? errno : ERRNO[errno];
    super(message ?? `answered with ${errnoName(number)}`);
    this.errno = number;
    this.code = errnoName(number);
  }
}

/** A request that is not what the protocol says. It is answered with EINVAL and reported, as the kernel sends none. */
export class MalformedRequestError extends FuseError {
  override readonly name = 'MalformedRequestError';

  constructor(what: string) {
    super('EINVAL', `malformed request from the kernel: ${what}`);
  }
}

function isErrno(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value < ERRNO_LIMIT;
}

/**
 * The error number that an error stands for: a FuseError's own; for one of Node's system errors the number of its
 * `code`, or else its (negative) `errno`. Undefined when the error is no answer but a fault of the file system.
 */
export function errnoOf(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error instanceof FuseError) return isErrno(error.errno) ? error.errno : undefined;
  const { code, errno } = error as NodeJS.ErrnoException;
  const known = typeof code === 'string' ? NUMBERS.get(code) : undefined;
  if (known !== undefined) return known;
  return typeof errno === 'number' && isErrno(-errno) ? -errno : undefined;
}
