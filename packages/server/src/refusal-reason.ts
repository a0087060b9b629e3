/**
 * Why a connection was refused before it was known who it is. The list is fixed, and each connection counts once: what
 * anybody sends must not make further time series.
 *
 * - `max_connections`: there are as many as `max_connections` allows.
 * - `too_many_strangers`: too many connections at a time have not said who they are, most of them from its address.
 * - `handshake_timeout`: it has not said who it is in time, in TLS, HTTP or WebSocket.
 * - `too_large`: its request or what came before its hello is too long.
 * - `tls_missing`, `tls_unexpected`: it does not speak TLS on wss://, or does on ws://.
 * - `tls_version`, `tls_cipher`: its TLS is too old, or there is no cipher that both know.
 * - `tls_distrusted`: it says that it does not accept the server's certificate.
 * - `tls_ended`: it ended the connection during the handshake; many that do not accept the certificate say no more.
 * - `tls_other`: the handshake failed for another reason.
 * - `certificate_…`: its own certificate is missing, expired, not valid yet, of another authority, or cannot be accepted.
 * - `request`, `path`: no WebSocket request, or one for another path.
 * - `protocol`, `malformed`: it speaks another protocol, or sends no hello.
 * - `token`, `host`: no token or a wrong one; one of another host, or a queue of another host.
 */
export const REFUSAL_REASONS = [
  'max_connections',
  'too_many_strangers',
  'handshake_timeout',
  'too_large',
  'tls_missing',
  'tls_unexpected',
  'tls_version',
  'tls_cipher',
  'tls_distrusted',
  'tls_ended',
  'tls_other',
  'certificate_missing',
  'certificate_expired',
  'certificate_not_yet_valid',
  'certificate_authority',
  'certificate_other',
  'request',
  'path',
  'protocol',
  'malformed',
  'token',
  'host',
] as const;

export type RefusalReason = (typeof REFUSAL_REASONS)[number];

/** What is said of a refusal, and what it counts as. */
export interface Refusal {
  readonly reason: RefusalReason;
  readonly sentence: string;
}

/** By the code of the error that a source is told instead of being welcomed. */
const BY_CODE: Readonly<Record<string, RefusalReason>> = {
  busy: 'max_connections',
  protocol: 'protocol',
  malformed: 'malformed',
  token: 'token',
  host: 'host',
};

export function reasonOfCode(code: string): RefusalReason | undefined {
  return BY_CODE[code];
}
