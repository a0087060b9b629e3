export {
  Authority,
  whyNoCertificates,
  type CertificateFiles,
  type CertificateOptions,
} from './certificates.js';
export { CleanupStack, undoAtEnd, type Cleanup } from './cleanup.js';
export { whyNoProgram, whyNoSecondDriver, whyNotInstalled } from './debian.js';
export { liveAndDie, PlacedKills } from './placed-kills.js';
export { freePort } from './ports.js';
export { freezeProcess, sendSignal } from './signals.js';
export { temporaryFolder } from './temporary-folder.js';
export { waitUntil, sleep } from './waiting.js';
export { startProcess, type StartedProcess } from './processes.js';
export {
  childrenOf,
  hasEnded,
  mountStatus,
  MOUNT_COMMAND,
  SERVER_COMMAND,
  startMount,
  startServer,
  waitUntilDelivered,
  whyNoMounts,
  type MountStatus,
  type RunningMount,
  type RunningServer,
} from './system.js';
export { lintScrape, parseScrape, type Scrape, type ScrapedSample } from './prometheus-text.js';
