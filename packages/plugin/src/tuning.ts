/** What tests change and users do not. Times in milliseconds. */
export interface PluginTuning {
  /** First and longest wait before a plugin that ended is started again; half of it is chance. */
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
  /** A plugin that ran this long works: when it ends, the waits begin anew. */
  readonly provenAfterMs: number;
  /** How often it is looked whether the output file is still the one that was opened. */
  readonly watchMs: number;
  /** Between the closing of its standard input and SIGTERM: time to finish what it has read. */
  readonly graceMs: number;
  /** After SIGTERM, before SIGKILL. */
  readonly termMs: number;
  /** Bytes that wait for the pipe, above which write() asks to be given no more. As much as a pipe of Linux holds. */
  readonly waitingBytesMax: number;
}

export const DEFAULT_TUNING: PluginTuning = {
  backoffMinMs: 100,
  backoffMaxMs: 10_000,
  provenAfterMs: 10_000,
  watchMs: 500,
  graceMs: 5_000,
  termMs: 5_000,
  waitingBytesMax: 64 * 1024,
};
