import type { MapNode } from '../tree.js';
import { sectionsNamed, type LegacyDocument } from './document.js';
import { Draft } from './draft.js';
import type { Findings } from './findings.js';
import { K2HFTFUSESVR_KEYS } from './keys.js';
import { readCluster, type Cluster, type ServerNode } from './nodes.js';
import type { OpenDocument } from './open-document.js';
import { pluginCommand } from './plugin-command.js';
import { writeQueue } from './queue.js';
import { translateFormat, translateTimeFormat, withoutOuterQuotes } from './record-format.js';
import { certificateFile, readDestination, writeServers } from './servers.js';
import { normalizeTarget } from './targets.js';
import { isThisHost } from './this-host.js';
import { refuseSecond } from './translate-mount.js';
import { warnAboutTuning } from './tuning.js';
import { Values } from './values.js';

export interface ServerContext {
  /** PATH of the environment, where plugins are looked for. */
  readonly programPath: string | undefined;
  /** Names and addresses of this host. */
  readonly hostNames: ReadonlySet<string>;
  readonly open: OpenDocument;
}

const STATE_DIRECTORY = '/var/lib/k2hft-svr';

/** Keys that only files have, and those that only the relay has. */
const FILE_KEYS = ['FILE_BASEDIR', 'FILE_UNIFY', 'FILE_TIMEFORM', 'FORMAT', 'PLUGIN'];
const RELAY_KEYS = ['TRANSCONF', 'K2HTYPE', 'K2HFILE', 'K2HINIT', 'DTORTHREADCNT', 'DTORCTP'];

const TYPES = {
  f: 'file',
  file: 'file',
  t: 'trans',
  trans: 'trans',
  transfer: 'trans',
  b: 'both',
  both: 'both',
} as const;

/** Translates what K2HFTFUSESVR reads of its configuration into the tree of `k2hft-svr`. */
export function translateServer(
  document: LegacyDocument,
  context: ServerContext,
  findings: Findings,
): MapNode {
  const values = new Values('K2HFTFUSESVR', sectionsNamed(document, 'K2HFTFUSESVR'), findings);
  values.warnUnknown(K2HFTFUSESVR_KEYS);
  refuseSecond(values, findings);
  const root = new Draft(values.place);
  const cluster = readCluster(document, findings);
  const port = writeListen(cluster, context, root, document.folder, findings);
  const state = values.text('STATEDIR');
  const stateDirectory = state?.text ?? `${STATE_DIRECTORY}/${port ?? 'unknown'}`;
  root.set('state_dir', stateDirectory, state?.place ?? values.place);
  const type = values.choice('TYPE', TYPES)?.value ?? 'file';
  if (type === 'trans') warnUnsuited(values, FILE_KEYS, 'TYPE is TRANS, which writes no file');
  else writeOutput(values, root.inner('output', values.place), document.folder, context);
  if (type === 'file') warnUnsuited(values, RELAY_KEYS, 'TYPE is FILE, which sends nothing on');
  else writeRelay(values, root.inner('relay', values.place), `${stateDirectory}-relay`, document, context);
  const binary = values.boolean('BINTRANS');
  if (binary !== undefined)
    findings.inform(
      binary.place,
      values.fullKey('BINTRANS'),
      'without effect: each batch says whether it is lines or not',
    );
  warnAboutTuning([cluster.global, values], findings);
  return root.node();
}

function warnUnsuited(values: Values, keys: readonly string[], reason: string): void {
  for (const key of keys) {
    const entry = values.entry(key);
    if (entry !== undefined) values.findings.warn(entry.keyPlace, values.fullKey(key), `ignored: ${reason}`);
  }
}

/** Listens where the cluster says that this host does. Returns the port. */
function writeListen(
  cluster: Cluster,
  context: ServerContext,
  root: Draft,
  folder: string,
  findings: Findings,
): number | undefined {
  const node = ownNode(cluster, context, findings);
  if (node === undefined) return undefined;
  root.set('listen', `${node.ssl ? 'wss' : 'ws'}://0.0.0.0:${node.port}`, node.place);
  if (!node.ssl) return node.port;
  const tls = root.inner('tls', node.place);
  if (node.serverCert !== undefined) tls.set('cert', node.serverCert.text, node.serverCert.place);
  if (node.serverKey !== undefined) tls.set('key', node.serverKey.text, node.serverKey.place);
  const ca = node.verifyPeer ? certificateFile(node.caPath, folder, findings) : undefined;
  if (ca !== undefined) tls.set('client_ca', ca.text, ca.place);
  return node.port;
}

/** The SVRNODE that is this host; else the only one, or one of several that would be listened for alike. */
function ownNode(cluster: Cluster, context: ServerContext, findings: Findings): ServerNode | undefined {
  const { nodes, global } = cluster;
  const [first] = nodes;
  if (first === undefined) {
    if (findings.problems.length === 0)
      findings.fail(global.place, 'SVRNODE', 'missing; its PORT is where k2hft-svr listens');
    return undefined;
  }
  const own = nodes.filter(({ name }) => isThisHost(name, context.hostNames));
  const self = global.integer('SELFCTLPORT')?.value;
  const bySelf = (candidates: readonly ServerNode[]) =>
    self === undefined ? candidates : candidates.filter(({ ctlPort }) => ctlPort === self);
  for (const candidates of [bySelf(own), own, bySelf(nodes), nodes]) {
    const [candidate] = candidates;
    if (candidate !== undefined && candidates.every((other) => listensAlike(candidate, other)))
      return candidate;
  }
  const message =
    "which of the servers is this host? None of the names, or more than one, is this host's; give SELFCTLPORT in " +
    'GLOBAL, with the CTLPORT of its SVRNODE';
  findings.fail(first.place, 'SVRNODE.NAME', message);
  return undefined;
}

function listensAlike(one: ServerNode, other: ServerNode): boolean {
  return one.port === other.port && one.ssl === other.ssl && one.serverCert?.text === other.serverCert?.text;
}

function writeOutput(values: Values, output: Draft, folder: string, context: ServerContext): void {
  const { findings } = values;
  const directory = values.text('FILE_BASEDIR');
  if (directory === undefined) {
    findings.fail(
      values.place,
      values.fullKey('FILE_BASEDIR'),
      'missing; expected the directory for the files',
    );
  } else if (!directory.text.startsWith('/')) {
    findings.fail(directory.place, values.fullKey('FILE_BASEDIR'), 'expected an absolute path');
  } else {
    output.set('dir', directory.text, directory.place);
  }
  writeUnified(values, output);
  const time = values.text('FILE_TIMEFORM');
  const timeFormat = time === undefined ? '' : translateTimeFormat(withoutOuterQuotes(time.text));
  if (time !== undefined && timeFormat !== '') output.set('time_format', timeFormat, time.place);
  const format = values.text('FORMAT');
  if (format !== undefined) writeFormat(values, output, format, timeFormat !== '');
  const command = pluginCommand(values, folder, context.programPath);
  const place = values.entry('PLUGIN')?.value.place ?? values.place;
  if (command !== undefined) output.set('plugin', command, place).set('plugin_stdout', 'file', place);
}

function writeFormat(
  values: Values,
  output: Draft,
  format: NonNullable<ReturnType<Values['text']>>,
  timed: boolean,
): void {
  const key = values.fullKey('FORMAT');
  const translated = translateFormat(withoutOuterQuotes(format.text), timed);
  if (/%[Tt]/.test(format.text) && !timed)
    values.findings.warn(format.place, key, 'the time is an empty text without FILE_TIMEFORM');
  if (translated === '')
    values.findings.fail(format.place, key, 'nothing of it is left, so that nothing would be written');
  else output.set('format', translated, format.place);
}

function writeUnified(values: Values, output: Draft): void {
  const unify = values.text('FILE_UNIFY');
  if (unify === undefined) return;
  const path = normalizeTarget(unify.text);
  if (path === undefined || path === '' || /[{}]/.test(path)) {
    values.findings.fail(
      unify.place,
      values.fullKey('FILE_UNIFY'),
      'expected a path below FILE_BASEDIR, without braces',
    );
  } else {
    output.set('path', path, unify.place);
  }
}

function writeRelay(
  values: Values,
  relay: Draft,
  queueDirectory: string,
  document: LegacyDocument,
  context: ServerContext,
): void {
  const { findings } = values;
  writeQueue(values, queueDirectory, relay.inner('queue'));
  const named = values.text('TRANSCONF');
  const key = values.fullKey('TRANSCONF');
  if (named === undefined) {
    findings.fail(
      values.place,
      key,
      'missing; expected the configuration of the servers to send to, as a file or as its text in JSON',
    );
    return;
  }
  const other = context.open(named, document, key);
  if (other === undefined) return;
  const destination = readDestination(other, context.open, findings);
  if (destination.cluster.nodes.length === 0) findings.fail(named.place, key, 'names no SVRNODE to send to');
  if (destination.exceptKeys.length > 0)
    findings.warn(
      named.place,
      key,
      'K2HTPDTOR_EXCEPT_KEY and K2HTPDTOR_FILTER_TYPE are ignored: a relay sends everything on',
    );
  writeServers(destination, relay.inner('servers'), other.folder, findings);
}
