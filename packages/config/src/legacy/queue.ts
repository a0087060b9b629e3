import type { Draft } from './draft.js';
import type { LegacyText } from './document.js';
import type { Values } from './values.js';

const TYPES = {
  m: 'memory',
  mem: 'memory',
  memory: 'memory',
  t: 'temporary',
  temp: 'temporary',
  temporary: 'temporary',
  f: 'file',
  file: 'file',
} as const;

/** K2HFTFUSE's own bound. */
const SENDERS_MAX = 64;

/** Beside a file of K2HASH, which stays untouched. */
const DIRECTORY_SUFFIX = '.k2hft';

/**
 * K2HTYPE, K2HFILE and K2HINIT: where the queue lies. Ours always lies on disk and always keeps what is not sent,
 * so that the types are but places.
 *
 * @param usual the directory for types that have no file
 * @param remark what else is to be known of that directory
 */
export function writeQueue(values: Values, usual: string, draft: Draft, remark = ''): void {
  const type = values.choice('K2HTYPE', TYPES);
  const file = queueFile(values);
  if (file === undefined) {
    draft.set('dir', usual, type?.place ?? values.place);
    values.findings.inform(
      type?.place ?? values.place,
      values.fullKey('K2HTYPE'),
      `the queue lies on disk, in ${usual}, whatever its type: what is not sent survives the end of the process${remark}`,
    );
  } else {
    draft.set('dir', `${file.text}${DIRECTORY_SUFFIX}`, file.place);
    values.findings.inform(
      file.place,
      values.fullKey('K2HFILE'),
      `the queue is the directory ${file.text}${DIRECTORY_SUFFIX}; the file itself is not touched`,
    );
  }
  const init = values.boolean('K2HINIT');
  if (init?.value === true)
    values.findings.inform(
      init.place,
      values.fullKey('K2HINIT'),
      'without effect: what is not sent is always kept',
    );
  warnAboutSenders(values);
}

/** The file that counts: a type without one takes back what stands before it, and memory refuses what comes behind. */
function queueFile(values: Values): LegacyText | undefined {
  const entries = values.sections.flatMap((section) => section.entries);
  const fileAt = entries.findLastIndex(({ key }) => key === 'K2HFILE');
  const typeAt = entries.findLastIndex(({ key }) => key === 'K2HTYPE');
  const file = values.text('K2HFILE');
  const type = TYPES[(entries[typeAt]?.value.text.toLowerCase() ?? 'memory') as keyof typeof TYPES];
  if (file === undefined || (typeAt > fileAt && type !== 'file')) return undefined;
  if (type === 'memory') {
    const message = 'a queue of type MEM has no file: give K2HTYPE = FILE as well, or leave K2HFILE out';
    values.findings.fail(file.place, values.fullKey('K2HFILE'), message);
    return;
  }
  return file;
}

function warnAboutSenders(values: Values): void {
  const senders = values.integer('DTORTHREADCNT', 1, SENDERS_MAX);
  if (senders !== undefined && senders.value > 1) {
    const message = 'without effect: one sender is enough, and keeps the order';
    values.findings.inform(senders.place, values.fullKey('DTORTHREADCNT'), message);
  }
  const library = values.text('DTORCTP');
  if (library !== undefined)
    values.findings.inform(
      library.place,
      values.fullKey('DTORCTP'),
      'without effect: no transaction library is loaded',
    );
}
