import type { MapNode } from '../tree.js';
import { sectionsNamed, type LegacyDocument } from './document.js';
import { Draft } from './draft.js';
import type { Findings } from './findings.js';
import { K2HFTFUSE_KEYS } from './keys.js';
import type { OpenDocument } from './open-document.js';
import type { PatternMode } from './pattern-reading.js';
import { writeQueue } from './queue.js';
import { readRules, type LegacyRule } from './rule-table.js';
import { translateRules } from './rules.js';
import { readDestination, writeServers, type Destination } from './servers.js';
import { warnAboutTuning } from './tuning.js';
import { Values } from './values.js';

export interface MountContext {
  /** The mount point of the command line. */
  readonly point: string | undefined;
  /** PATH of the environment, where plugins are looked for. */
  readonly programPath: string | undefined;
  readonly open: OpenDocument;
}

const QUEUE_DIRECTORY = '/var/lib/k2hft/queue';

/** What is not known before the mount point is. */
const POINT_DECIDES = `; a mount on /POINT has ${QUEUE_DIRECTORY}-POINT: check --point /POINT prints that`;

/** Translates what K2HFTFUSE reads of its configuration into the tree of `k2hft`. */
export function translateMount(document: LegacyDocument, context: MountContext, findings: Findings): MapNode {
  const values = new Values('K2HFTFUSE', sectionsNamed(document, 'K2HFTFUSE'), findings);
  values.warnUnknown(K2HFTFUSE_KEYS);
  refuseSecond(values, findings);
  const root = new Draft(values.place);
  const destination = readDestination(document, context.open, findings);
  const rules = readRules(document, findings);
  checkSections(document, values, destination, rules);
  const mount = root.inner('mount');
  mount.set('mode', 'virtual', values.place).set('df', 'endless', values.place);
  const present = rules.map(presentName).filter((name) => name !== '/');
  if (present.length > 0) mount.set('present', present, values.place);
  const queue = root.inner('queue');
  writeQueue(values, queueDirectory(context.point), queue, context.point === undefined ? POINT_DECIDES : '');
  const expire = values.integer('EXPIRE');
  if (expire !== undefined) queue.set('expire', `${expire.value}s`, expire.place);
  const servers = root.inner('servers', destination.cluster.nodes[0]?.place ?? values.place);
  writeServers(destination, servers, document.folder, findings);
  writeGathering(values, servers);
  const items = translateRules(rules, ruleOptions(values, destination, document, context));
  root.setNode('rules', { kind: 'list', place: values.place, items }, values.place);
  warnAboutTuning([destination.cluster.global, values], findings);
  return root.node();
}

/** What nothing would come of. */
function checkSections(
  document: LegacyDocument,
  values: Values,
  { cluster }: Destination,
  rules: readonly LegacyRule[],
): void {
  const { findings } = values;
  const [receiver] = sectionsNamed(document, 'K2HFTFUSESVR');
  if (rules.length === 0 && values.sections.length === 0 && receiver !== undefined) {
    findings.fail(
      receiver.place,
      receiver.name,
      'this is the configuration of a receiver (k2hft-svr); K2HFTFUSE is missing',
    );
  } else if (rules.length === 0) {
    findings.warn(
      values.place,
      values.name,
      'there is no K2HFTFUSE_RULE and no K2HFTFUSE_RULE_DIR: nothing is sent',
    );
  } else if (cluster.nodes.length === 0 && findings.problems.length === 0) {
    const sends = rules.some((rule) => rule.values.boolean('TRUNS')?.value === true);
    if (sends)
      findings.fail(values.place, 'SVRNODE', 'missing; there is something to send and nowhere to send it');
  }
}

/** A second section is a mistake for K2HFTFUSE as well. */
export function refuseSecond(values: Values, findings: Findings): void {
  const [, second] = values.sections;
  if (second !== undefined)
    findings.fail(second.place, values.name, 'given twice; this section may be there once');
}

function presentName({ target, isDirectory }: LegacyRule): string {
  return isDirectory ? `${target}/` : target;
}

/** Each mount point has a queue of its own. */
function queueDirectory(point: string | undefined): string {
  if (point === undefined) return QUEUE_DIRECTORY;
  return `${QUEUE_DIRECTORY}-${point
    .replace(/^\//, '')
    .replace(/[^A-Za-z0-9._/]/g, encodeByte)
    .replaceAll('/', '-')}`;
}

function encodeByte(character: string): string {
  return `%${(character.codePointAt(0) ?? 0).toString(16).padStart(2, '0')}`;
}

/** TRANSLINECNT without TRANSTIMEUP gathers nothing, as documented: nothing would ever send the last lines. */
function writeGathering(values: Values, servers: Draft): void {
  const seconds = values.integer('TRANSTIMEUP');
  const lines = values.integer('TRANSLINECNT');
  if (seconds !== undefined) servers.set('linger', `${seconds.value}s`, seconds.place);
  if (lines === undefined) return;
  if ((seconds?.value ?? 0) > 0) servers.set('linger_records', String(lines.value), lines.place);
  else if (lines.value > 0)
    values.findings.inform(
      lines.place,
      values.fullKey('TRANSLINECNT'),
      'without effect without TRANSTIMEUP: lines are sent at once',
    );
}

function ruleOptions(
  values: Values,
  destination: Destination,
  document: LegacyDocument,
  context: MountContext,
) {
  const limit = values.integer('BYTELIMIT');
  const binary = values.boolean('BINTRANS')?.value ?? false;
  if (binary && (limit?.value ?? 0) > 0)
    values.findings.warn(
      limit?.place ?? values.place,
      values.fullKey('BYTELIMIT'),
      'without effect under BINTRANS: a file with a piece missing is of no use',
    );
  const patterns: PatternMode =
    values.choice('PATTERNS', { documented: 'documented', literal: 'literal' } as const)?.value ??
    'documented';
  return {
    binary,
    patterns,
    byteLimit: limit?.value ?? 0,
    exceptKeys: destination.exceptKeys,
    point: context.point,
    folder: document.folder,
    programPath: context.programPath,
  };
}
