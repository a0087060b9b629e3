/** Exit statuses of both commands, from sysexits.h. */
export const ExitStatus = {
  DONE: 0,
  USAGE: 64,
  /** A file that was named is not there, or cannot be used. */
  NO_INPUT: 66,
  UNAVAILABLE: 69,
  FAULT: 70,
  /** It was not finished; calling it again goes on. */
  TEMPORARY: 75,
  NOT_PERMITTED: 77,
  CONFIGURATION: 78,
} as const;
