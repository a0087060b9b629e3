import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { sectionsNamed, type LegacyDocument, type LegacyText } from './document.js';
import type { Draft } from './draft.js';
import type { Findings } from './findings.js';
import { K2HTPDTOR_KEYS } from './keys.js';
import { readCluster, type Cluster, type ServerNode } from './nodes.js';
import type { OpenDocument } from './open-document.js';
import { Values } from './values.js';

/** Where a host sends to, and what of it. */
export interface Destination {
  readonly cluster: Cluster;
  readonly broadcast: boolean;
  /** Beginnings of paths that are not sent. */
  readonly exceptKeys: readonly string[];
}

/** Reads the cluster and K2HTPDTOR, which may name another file for the cluster. */
export function readDestination(
  document: LegacyDocument,
  open: OpenDocument,
  findings: Findings,
): Destination {
  const values = new Values('K2HTPDTOR', sectionsNamed(document, 'K2HTPDTOR'), findings);
  values.warnUnknown(K2HTPDTOR_KEYS);
  const other = values.text('K2HTPDTOR_CHMPXCONF');
  const elsewhere =
    other === undefined ? undefined : open(other, document, values.fullKey('K2HTPDTOR_CHMPXCONF'));
  const file = values.text('K2HTPDTOR_FILE');
  if (file !== undefined)
    findings.warn(
      file.place,
      values.fullKey('K2HTPDTOR_FILE'),
      "ignored: K2HASH's transactions, which it logs, do not exist here",
    );
  return {
    cluster: readCluster(elsewhere ?? document, findings),
    broadcast: values.boolean('K2HTPDTOR_BROADCAST')?.value ?? false,
    exceptKeys: readExceptKeys(values),
  };
}

function readExceptKeys(values: Values): string[] {
  const keys = values.all('K2HTPDTOR_EXCEPT_KEY').map(({ value }) => unescapeC(value.text));
  const filter = values.text('K2HTPDTOR_FILTER_TYPE');
  if (filter !== undefined) {
    const types = filter.text.toUpperCase().split(/[\s,]+/);
    const key = values.fullKey('K2HTPDTOR_FILTER_TYPE');
    const stops = types.includes('SETALL');
    const effect = stops
      ? 'SETALL is every record: nothing is sent'
      : 'without effect: there are no transactions of the other types';
    values.findings.warn(filter.place, key, effect);
    if (stops) keys.push('');
  }
  return keys;
}

const C_ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** `\n`, `\x41`, `\101` and the like as in C. */
function unescapeC(text: string): string {
  return text.replace(
    /\\(?:x([0-9A-Fa-f]{1,2})|([0-7]{1,3})|(.))/gs,
    (_whole, hex: string | undefined, octal: string | undefined, other: string | undefined) => {
      if (hex !== undefined) return String.fromCharCode(parseInt(hex, 16));
      if (octal !== undefined) return String.fromCharCode(parseInt(octal, 8));
      return C_ESCAPES[other ?? ''] ?? other ?? '';
    },
  );
}

/** Fills in `servers`. */
export function writeServers(
  destination: Destination,
  draft: Draft,
  folder: string,
  findings: Findings,
): void {
  const { cluster, broadcast } = destination;
  const [first] = cluster.nodes;
  if (first === undefined) return;
  const urls = [...new Set(cluster.nodes.map(urlOf))];
  draft.set('urls', urls, first.place);
  draft.set('deliver', deliverOf(cluster, broadcast, urls.length, findings), first.place);
  const secure = cluster.nodes.find(({ ssl }) => ssl);
  if (secure !== undefined) writeClientTls(secure, draft, folder, findings);
}

function deliverOf(cluster: Cluster, broadcast: boolean, servers: number, findings: Findings): string {
  if (broadcast) return 'broadcast';
  if (servers === 1) return 'failover';
  if (cluster.deliver !== undefined) return cluster.deliver;
  findings.inform(cluster.global.place, 'GLOBAL.DELIVERMODE', 'not given; taken as hash');
  return 'hash';
}

function urlOf({ ssl, name, port }: ServerNode): string {
  return `${ssl ? 'wss' : 'ws'}://${name.includes(':') ? `[${name}]` : name}:${port}`;
}

/** The certificate that this host shows is asked for only with SSL_VERIFY_PEER. */
function writeClientTls(node: ServerNode, draft: Draft, folder: string, findings: Findings): void {
  const tls = draft.inner('tls', node.place);
  const ca = certificateFile(node.caPath, folder, findings);
  if (ca !== undefined) tls.set('ca', ca.text, ca.place);
  const { verifyPeer, slaveCert, slaveKey } = node;
  if (!verifyPeer || slaveCert === undefined || slaveKey === undefined) return;
  tls.set('cert', slaveCert.text, slaveCert.place).set('key', slaveKey.text, slaveKey.place);
}

/** CAPATH may be a directory there; here it is one file. */
export function certificateFile(
  path: LegacyText | undefined,
  folder: string,
  findings: Findings,
): LegacyText | undefined {
  if (path === undefined) return undefined;
  const isDirectory = statSync(resolve(folder, path.text), { throwIfNoEntry: false })?.isDirectory() ?? false;
  if (!isDirectory) return path;
  findings.warn(
    path.place,
    'CAPATH',
    'a directory, and ignored: expected one file with the certificates in it',
  );
  return undefined;
}
