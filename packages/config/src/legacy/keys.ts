/** The keys of each section, by what becomes of them. */

/** They only tune CHMPX's shared memory, POSIX queues and sockets, or K2HASH's tables: checked as numbers, named once in one warning. */
export const TUNING_INTEGERS: Readonly<Record<string, readonly string[]>> = {
  GLOBAL: [
    'MAXMQSERVER',
    'MAXMQCLIENT',
    'MQPERATTACH',
    'MAXQPERSERVERMQ',
    'MAXQPERCLIENTMQ',
    'MAXMQPERCLIENT',
    'MAXHISTLOG',
    'MQRWTIMEOUT',
    'MQRETRYCNT',
    'MQTHREADCNT',
    'K2HMASKBIT',
    'K2HCMASKBIT',
    'K2HMAXELE',
    'RWTIMEOUT',
    'RETRYCNT',
    'CONTIMEOUT',
    'MAXSOCKPOOL',
    'SOCKPOOLTIMEOUT',
    'SOCKTHREADCNT',
    'MAXCHMPX',
    'MERGETIMEOUT',
  ],
  K2HFTFUSE: ['K2HMASKBIT', 'K2HCMASKBIT', 'K2HMAXELE', 'K2HPAGESIZE'],
  K2HFTFUSESVR: ['K2HMASKBIT', 'K2HCMASKBIT', 'K2HMAXELE', 'K2HPAGESIZE'],
};

/** Likewise, but yes or no. */
export const TUNING_BOOLEANS: Readonly<Record<string, readonly string[]>> = {
  GLOBAL: ['K2HFULLMAP', 'MQACK', 'DOMERGE', 'AUTOMERGE'],
  K2HFTFUSE: ['K2HFULLMAP'],
  K2HFTFUSESVR: ['K2HFULLMAP'],
};

/** Descriptions of CHMPX's cluster that a WebSocket does not need. */
const NODE_DESCRIPTIONS = [
  'CTLPORT',
  'CUK',
  'ENDPOINTS',
  'CTLENDPOINTS',
  'FORWARD_PEERS',
  'REVERSE_PEERS',
  'CUSTOM_ID_SEED',
];

const TLS_KEYS = [
  'SSL',
  'SSL_VERIFY_PEER',
  'CAPATH',
  'SERVER_CERT',
  'SERVER_PRIKEY',
  'SLAVE_CERT',
  'SLAVE_PRIKEY',
];

export const GLOBAL_KEYS = [
  'GROUP',
  'FILEVERSION',
  'DATE',
  'MODE',
  'DELIVERMODE',
  'REPLICA',
  'PORT',
  'SELFCTLPORT',
  'SELFCUK',
  'CHMPXIDTYPE',
  'SSL_MIN_VER',
  'NSSDB_DIR',
  ...NODE_DESCRIPTIONS,
  ...TLS_KEYS,
  ...(TUNING_INTEGERS['GLOBAL'] ?? []),
  ...(TUNING_BOOLEANS['GLOBAL'] ?? []),
];

export const SVRNODE_KEYS = ['NAME', 'PORT', ...NODE_DESCRIPTIONS, ...TLS_KEYS];

export const SLVNODE_KEYS = ['NAME', ...NODE_DESCRIPTIONS, ...TLS_KEYS];

export const K2HTPDTOR_KEYS = [
  'K2HTPDTOR_BROADCAST',
  'K2HTPDTOR_CHMPXCONF',
  'K2HTPDTOR_EXCEPT_KEY',
  'K2HTPDTOR_FILE',
  'K2HTPDTOR_FILTER_TYPE',
];

const QUEUE_KEYS = [
  'K2HTYPE',
  'K2HFILE',
  'K2HINIT',
  'K2HFULLMAP',
  'K2HMASKBIT',
  'K2HCMASKBIT',
  'K2HMAXELE',
  'K2HPAGESIZE',
  'DTORTHREADCNT',
  'DTORCTP',
];

/** PATTERNS is ours: K2HFTFUSE warns about it and skips it. */
export const K2HFTFUSE_KEYS = [
  ...QUEUE_KEYS,
  'BINTRANS',
  'EXPIRE',
  'TRANSLINECNT',
  'TRANSTIMEUP',
  'BYTELIMIT',
  'PATTERNS',
];

export const RULE_KEYS = ['TARGET', 'TRUNS', 'OUTPUTFILE', 'PLUGIN', 'DEFAULTALL', 'ALLOW', 'DENY'];

/** STATEDIR is ours: K2HFTFUSESVR warns about it and skips it. */
export const K2HFTFUSESVR_KEYS = [
  ...QUEUE_KEYS,
  'TYPE',
  'FILE_BASEDIR',
  'FILE_UNIFY',
  'FILE_TIMEFORM',
  'FORMAT',
  'PLUGIN',
  'BINTRANS',
  'TRANSCONF',
  'STATEDIR',
];
