/** Exit statuses of both commands, from sysexits.h. */
export const ExitStatus = {
  DONE: 0,
  USAGE: 64,
  UNAVAILABLE: 69,
  FAULT: 70,
  NOT_PERMITTED: 77,
  CONFIGURATION: 78,
} as const;
