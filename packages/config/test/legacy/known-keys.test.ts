import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadMount, loadServer, mountProblems, notesOf, serverProblems, write } from './legacy-helpers.js';

const words = (text: string) => text.split(/\s+/);

/** Every key of K2HFTFUSE's readers, with a value that is good for it. */
const NUMBERS = {
  GLOBAL: words(
    `FILEVERSION REPLICA PORT CTLPORT SELFCTLPORT MAXCHMPX RWTIMEOUT RETRYCNT CONTIMEOUT MAXSOCKPOOL SOCKPOOLTIMEOUT
    SOCKTHREADCNT MERGETIMEOUT MAXMQSERVER MAXMQCLIENT MQPERATTACH MAXQPERSERVERMQ MAXQPERCLIENTMQ MAXMQPERCLIENT MAXHISTLOG
    MQRWTIMEOUT MQRETRYCNT MQTHREADCNT K2HMASKBIT K2HCMASKBIT K2HMAXELE`,
  ),
  SVRNODE: words('PORT CTLPORT'),
  SLVNODE: words('CTLPORT'),
  K2HFTFUSE: words(
    'K2HMASKBIT K2HCMASKBIT K2HMAXELE K2HPAGESIZE DTORTHREADCNT EXPIRE TRANSLINECNT TRANSTIMEUP BYTELIMIT',
  ),
  K2HFTFUSESVR: words('K2HMASKBIT K2HCMASKBIT K2HMAXELE K2HPAGESIZE DTORTHREADCNT'),
};
const BOOLEANS = {
  GLOBAL: words('SSL SSL_VERIFY_PEER DOMERGE AUTOMERGE MQACK K2HFULLMAP'),
  SVRNODE: words('SSL SSL_VERIFY_PEER'),
  K2HFTFUSE: words('K2HINIT K2HFULLMAP BINTRANS'),
  K2HFTFUSESVR: words('K2HINIT K2HFULLMAP BINTRANS'),
  K2HTPDTOR: words('K2HTPDTOR_BROADCAST'),
  K2HFTFUSE_RULE: words('TRUNS'),
  K2HFTFUSE_RULE_DIR: words('TRUNS'),
};
const TEXTS = {
  GLOBAL: words(
    'GROUP DATE SELFCUK CAPATH SERVER_CERT SERVER_PRIKEY SLAVE_CERT SLAVE_PRIKEY SSL_MIN_VER NSSDB_DIR',
  ),
  SVRNODE: words(
    `NAME CUK CAPATH SERVER_CERT SERVER_PRIKEY SLAVE_CERT SLAVE_PRIKEY ENDPOINTS CTLENDPOINTS FORWARD_PEERS REVERSE_PEERS
    CUSTOM_ID_SEED`,
  ),
  SLVNODE: words(
    'NAME CUK CTLENDPOINTS FORWARD_PEERS REVERSE_PEERS CUSTOM_ID_SEED CAPATH SLAVE_CERT SLAVE_PRIKEY',
  ),
  K2HFTFUSE: words('DTORCTP'),
  K2HFTFUSESVR: words('DTORCTP FILE_UNIFY FILE_TIMEFORM FORMAT'),
  K2HTPDTOR: words('K2HTPDTOR_EXCEPT_KEY K2HTPDTOR_FILE K2HTPDTOR_FILTER_TYPE'),
  K2HFTFUSE_RULE: words('TARGET OUTPUTFILE ALLOW DENY'),
  K2HFTFUSE_RULE_DIR: words('TARGET OUTPUTFILE ALLOW DENY'),
};
const OTHERS: Record<string, Record<string, string>> = {
  GLOBAL: { MODE: 'SERVER', DELIVERMODE: 'hash', CHMPXIDTYPE: 'CTLEPS' },
  K2HFTFUSE: { K2HTYPE: 'FILE', K2HFILE: '/q' },
  K2HFTFUSESVR: { K2HTYPE: 'FILE', K2HFILE: '/q', TYPE: 'both', FILE_BASEDIR: '/d', PLUGIN: 'cat' },
  K2HFTFUSE_RULE: { DEFAULTALL: 'deny', PLUGIN: 'cat', OUTPUTFILE: '/o' },
  K2HFTFUSE_RULE_DIR: { DEFAULTALL: 'deny', PLUGIN: 'cat', TARGET: 'other', OUTPUTFILE: '/o' },
};

const SECTIONS = words(
  'GLOBAL SVRNODE SLVNODE K2HTPDTOR K2HFTFUSE K2HFTFUSE_RULE K2HFTFUSE_RULE_DIR K2HFTFUSESVR',
);

function keysOf(kinds: Record<string, readonly string[]>, section: string): readonly string[] {
  return kinds[section] ?? [];
}

function everyKey(transconf: string): string {
  const lines = SECTIONS.flatMap((section) => [
    `[${section}]`,
    ...keysOf(NUMBERS, section).map((key) => `${key} = 1`),
    ...keysOf(BOOLEANS, section).map((key) => `${key} = no`),
    ...keysOf(TEXTS, section).map((key) => `${key} = x`),
    ...Object.entries(OTHERS[section] ?? {}).map(([key, value]) => `${key} = ${value}`),
  ]);
  return [...lines, `TRANSCONF = ${transconf}`, ''].join('\n');
}

test('every key is known, to both commands', (context) => {
  const text = everyKey(write(context, 'further.yaml', 'SVRNODE: [{NAME: x, PORT: 1}]\n'));
  for (const loaded of [loadMount(context, text), loadServer(context, text)]) {
    assert.deepEqual(
      notesOf(loaded).filter((note) => note.includes('unknown')),
      [],
    );
  }
});

test('numbers and booleans are read as such, whatever becomes of them', (context) => {
  const further = write(context, 'further.yaml', 'SVRNODE: [{NAME: x, PORT: 1}]\n');
  const tuning = notesOf(loadMount(context, everyKey(further)), 'warn').find((note) =>
    note.includes('to tune'),
  );
  for (const key of words('MAXMQSERVER MQRETRYCNT K2HFULLMAP SOCKTHREADCNT DOMERGE K2HPAGESIZE')) {
    assert.ok(tuning?.includes(key), key);
  }
});

test('each number and each boolean that is none is a mistake, and told once', (context) => {
  const text = everyKey(write(context, 'further.yaml', 'SVRNODE: [{NAME: x, PORT: 1}]\n'));
  const kinds = [
    [NUMBERS, '1', 'expected a whole number'],
    [BOOLEANS, 'no', 'expected yes or no'],
  ] as const;
  for (const [keys, good, expected] of kinds) {
    for (const section of SECTIONS) {
      for (const key of keysOf(keys, section)) {
        const at = text.indexOf(`\n${key} = ${good}\n`, text.indexOf(`[${section}]`));
        const wrong = `${text.slice(0, at)}\n${key} = wrong\n${text.slice(at + `\n${key} = ${good}\n`.length)}`;
        const problems =
          section === 'K2HFTFUSESVR' ? serverProblems(context, wrong) : mountProblems(context, wrong);
        const found = problems.filter((problem) => problem.includes(` ${section}.${key}: ${expected}`));
        assert.equal(found.length, 1, `${section}.${key}: ${problems.join('; ')}`);
      }
    }
  }
});
