import { existsSync, readFileSync } from 'node:fs';

/** Where systems keep the certificates of the authorities that they trust: Debian, Red Hat, SUSE, BSD and macOS. */
const SYSTEM_FILES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

/**
 * The authorities that this system trusts, as SSL_CERT_FILE or the system's own file names them; undefined where there
 * is neither, and those that Node.js brings count.
 */
export function systemAuthorities(environment: NodeJS.ProcessEnv = process.env): Buffer | undefined {
  const file = environment['SSL_CERT_FILE'] ?? SYSTEM_FILES.find((name) => existsSync(name));
  return file === undefined || file === '' ? undefined : readFileSync(file);
}
