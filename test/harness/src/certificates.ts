import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { whyNoProgram } from './debian.js';

/** Why tests that need certificates cannot run here; undefined when they can. */
export function whyNoCertificates(): string | undefined {
  return whyNoProgram('openssl', 'openssl');
}

export interface CertificateOptions {
  /** Common name, and the name that is checked. */
  name: string;
  /** Further names, such as `IP:127.0.0.1`. */
  alternatives?: readonly string[];
  /** It was valid until yesterday. */
  expired?: boolean;
  /** It is valid from tomorrow on. */
  early?: boolean;
}

export interface CertificateFiles {
  cert: string;
  key: string;
}

const DAY_MS = 86_400_000;

/** An authority that signs certificates, in a folder of its own. */
export class Authority {
  readonly file: string;
  readonly #folder: string;
  #count = 0;

  constructor(folder: string, name: string) {
    mkdirSync(folder, { recursive: true });
    this.#folder = folder;
    this.file = join(folder, 'ca.pem');
    const key = this.#path('ca.key');
    makeKey(key);
    const subject = ['-subj', `/CN=${name}`, '-days', '30'];
    const extensions = [
      '-addext',
      'basicConstraints=critical,CA:TRUE',
      '-addext',
      'keyUsage=keyCertSign,cRLSign',
    ];
    openssl('req', '-x509', '-new', '-key', key, '-out', this.file, ...subject, ...extensions);
  }

  /** Signs a certificate; it and its key are put into place at once, one after the other, as programs that renew do. */
  issue(options: CertificateOptions, files?: CertificateFiles): CertificateFiles {
    const number = ++this.#count;
    const made = { cert: this.#path(`${number}.pem`), key: this.#path(`${number}.key`) };
    makeKey(made.key);
    const request = this.#path(`${number}.csr`);
    openssl('req', '-new', '-key', made.key, '-out', request, '-subj', `/CN=${options.name}`);
    const extensions = this.#path(`${number}.ext`);
    const names = [`DNS:${options.name}`, ...(options.alternatives ?? [])].join(',');
    writeFileSync(extensions, `subjectAltName=${names}\nextendedKeyUsage=serverAuth,clientAuth\n`);
    this.#sign(request, made.cert, extensions, options);
    if (files === undefined) return made;
    renameSync(made.cert, files.cert);
    renameSync(made.key, files.key);
    return files;
  }

  /** With `openssl ca`, which can give any dates. */
  #sign(request: string, cert: string, extensions: string, { expired, early }: CertificateOptions): void {
    const database = this.#path('index.txt');
    const configuration = this.#path('ca.cnf');
    if (!existsSync(database)) {
      writeFileSync(database, '');
      writeFileSync(
        configuration,
        `[ca]\ndefault_ca=this\n[this]\ndatabase=${database}\nnew_certs_dir=${this.#folder}\nrand_serial=yes\n` +
          `default_md=sha256\npolicy=any\nunique_subject=no\n[any]\ncommonName=supplied\n`,
      );
    }
    const now = Date.now();
    const start = expired === true ? now - 10 * DAY_MS : early === true ? now + DAY_MS : now - DAY_MS;
    const end = expired === true ? now - DAY_MS : now + 30 * DAY_MS;
    const dates = ['-startdate', dateOf(start), '-enddate', dateOf(end)];
    const signer = ['-cert', this.file, '-keyfile', this.#path('ca.key')];
    const into = ['-in', request, '-out', cert, '-extfile', extensions];
    openssl('ca', '-batch', '-notext', '-config', configuration, ...signer, ...dates, ...into);
  }

  #path(name: string): string {
    return join(this.#folder, name);
  }
}

function makeKey(file: string): void {
  openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', file);
  chmodSync(file, 0o600);
}

function dateOf(timeMs: number): string {
  return new Date(timeMs).toISOString().replace(/[-:T]|\.\d+/g, '');
}

function openssl(...args: string[]): void {
  const done = spawnSync('openssl', args, { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`openssl ${args.join(' ')}: ${done.stderr}`);
}
