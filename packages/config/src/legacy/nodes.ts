import { sectionsNamed, type LegacyDocument, type LegacySection, type LegacyText } from './document.js';
import type { Findings } from './findings.js';
import { expandHostNames } from './host-names.js';
import { GLOBAL_KEYS, SLVNODE_KEYS, SVRNODE_KEYS } from './keys.js';
import type { Place } from '../tree.js';
import { Values } from './values.js';

/** A server of the cluster, with what it inherits from GLOBAL. */
export interface ServerNode {
  readonly name: string;
  readonly port: number;
  readonly ctlPort: number | undefined;
  readonly ssl: boolean;
  readonly verifyPeer: boolean;
  readonly caPath: LegacyText | undefined;
  readonly serverCert: LegacyText | undefined;
  readonly serverKey: LegacyText | undefined;
  readonly slaveCert: LegacyText | undefined;
  readonly slaveKey: LegacyText | undefined;
  readonly place: Place;
}

export interface Cluster {
  readonly global: Values;
  readonly nodes: readonly ServerNode[];
  readonly deliver: 'random' | 'hash' | undefined;
}

const PORT_MAX = 65_535;

/** Reads GLOBAL, SVRNODE and SLVNODE. */
export function readCluster(document: LegacyDocument, findings: Findings): Cluster {
  const global = new Values('GLOBAL', sectionsNamed(document, 'GLOBAL'), findings);
  global.warnUnknown(GLOBAL_KEYS);
  checkGlobal(global);
  for (const section of sectionsNamed(document, 'SLVNODE')) {
    const values = new Values('SLVNODE', [section], findings);
    values.warnUnknown(SLVNODE_KEYS);
    values.integer('CTLPORT', 1, PORT_MAX);
    if (values.text('NAME') === undefined)
      findings.fail(section.place, 'SLVNODE.NAME', 'missing; expected a host name');
  }
  const nodes = sectionsNamed(document, 'SVRNODE').flatMap((section) => readNode(section, global, findings));
  const deliver = global.choice('DELIVERMODE', { random: 'random', hash: 'hash' } as const)?.value;
  return { global, nodes, deliver };
}

/** Values that have no meaning here still have to be of their type: a mistake in them shows that something else was meant. */
function checkGlobal(global: Values): void {
  global.integer('FILEVERSION');
  for (const key of ['PORT', 'CTLPORT', 'SELFCTLPORT']) global.integer(key, 1, PORT_MAX);
  for (const key of ['SSL', 'SSL_VERIFY_PEER']) global.boolean(key);
  global.choice('MODE', { server: true, slave: true });
  global.choice('CHMPXIDTYPE', { name: true, cuk: true, ctlendpoints: true, ctleps: true, custom: true });
  if ((global.integer('REPLICA')?.value ?? 0) > 0) {
    const place = global.entry('REPLICA')?.keyPlace ?? global.place;
    global.findings.inform(
      place,
      'GLOBAL.REPLICA',
      'without effect: a path goes to another server when its own is away, and back',
    );
  }
}

function readNode(section: LegacySection, global: Values, findings: Findings): ServerNode[] {
  const values = new Values('SVRNODE', [section], findings);
  values.warnUnknown(SVRNODE_KEYS);
  const name = values.text('NAME');
  if (name === undefined) {
    findings.fail(
      section.place,
      'SVRNODE.NAME',
      'missing; expected a host name such as agg[1-3].example.com',
    );
    return [];
  }
  const names = expandHostNames(name.text);
  if ('fault' in names) {
    findings.fail(
      name.place,
      'SVRNODE.NAME',
      `expected host names such as agg[1-3].example.com: ${names.fault}`,
    );
    return [];
  }
  const given = values.entry('PORT') === undefined ? global : values;
  const port = given.integer('PORT', 1, PORT_MAX)?.value;
  if (port === undefined) {
    if (given.entry('PORT') === undefined)
      findings.fail(section.place, 'SVRNODE.PORT', 'missing; give PORT here or in GLOBAL');
    return [];
  }
  const inherited = inheritedOf(values, global);
  return names.map((host) => ({ name: host, port, ...inherited, place: name.place }));
}

function inheritedOf(values: Values, global: Values) {
  const from = (key: string) => (values.entry(key) === undefined ? global : values);
  // NULL, or nothing, takes back what GLOBAL says.
  const file = (key: string) => {
    const text = from(key).text(key);
    return text?.text.toUpperCase() === 'NULL' ? undefined : text;
  };
  return {
    ctlPort: from('CTLPORT').integer('CTLPORT', 1, PORT_MAX)?.value,
    ssl: from('SSL').boolean('SSL')?.value ?? false,
    verifyPeer: from('SSL_VERIFY_PEER').boolean('SSL_VERIFY_PEER')?.value ?? false,
    caPath: file('CAPATH'),
    serverCert: file('SERVER_CERT'),
    serverKey: file('SERVER_PRIKEY'),
    slaveCert: file('SLAVE_CERT'),
    slaveKey: file('SLAVE_PRIKEY'),
  };
}
