import { BatchFlag, type Batch } from '@k2hft/wire';
import { ServerError } from './errors.js';
import { renderRecords } from './format-lines.js';
import { compileTimeFormat } from './strftime.js';

/*
 * A format is text around its lines: everything but the line is the same for all lines of a batch and is rendered
 * once per batch, or not at all when the batch before had the same. "constants" are the texts before, between and after
 * the line escapes:
 *
 *   "%T %H: %l\n"  =  constants ["%T %H: ", "\n"], lines ['l']
 *
 * A record that is not finished (its line goes on in the stream's next batch) is written up to its bytes; the next
 * batch of the stream goes on from there, without the text in front, and what follows the line comes when it ends.
 * A binary chunk is one record, whatever bytes are in it: it gets the text around it once, and %L, %l and %{trimmed}
 * stand for its bytes as they are.
 */

/** What a format needs of a batch. */
export type FormatFields = Pick<
  Batch,
  'payload' | 'flags' | 'host' | 'path' | 'pid' | 'uid' | 'gid' | 'timeSeconds' | 'timeNanos'
>;

export interface LineFormat {
  /** The format is "%L" alone: payloads are written as they are, nobody looks at lines. */
  readonly raw: boolean;
  /** Nothing is behind "%L": a record ends as its line does, with a newline or, at the end of a stream, perhaps without. */
  readonly endsWithLine: boolean;
  /** The bytes to append. `continues` when the stream's last record ended open and this batch goes on with it. */
  render(batch: FormatFields, continues: boolean): Buffer;
}

/** The line with its newline, without it, and without blanks, tabs, CR and LF at both ends. */
export type LineEscape = 'L' | 'l' | 'trimmed';

type Escape = (batch: FormatFields, time: string) => string;
type Part = string | Escape;

/** Texts as byte strings. */
const ESCAPES: Readonly<Record<string, Escape>> = {
  '%H': (batch) => inOneLine(byteString(batch.host)),
  '%P': (batch) => String(batch.pid),
  '%U': (batch) => String(batch.uid),
  '%G': (batch) => String(batch.gid),
  '%F': (batch) => inOneLine(batch.path.toString('latin1')),
  '%f': (batch) => inOneLine(batch.path.toString('latin1', batch.path.lastIndexOf('/') + 1)),
  '%T': (_batch, time) => time,
};

const LINES: Readonly<Record<string, LineEscape>> = { '%L': 'L', '%l': 'l', '%{trimmed}': 'trimmed' };

const CHARACTERS: Readonly<Record<string, string>> = {
  '%%': '%',
  '\\\\': '\\',
  '\\a': '\x07',
  '\\b': '\b',
  '\\f': '\f',
  '\\n': '\n',
  '\\r': '\r',
  '\\t': '\t',
  '\\v': '\v',
};

const TOKENS = /%\{[^}]*\}?|\\x[0-9A-Fa-f]{2}|[%\\].?|[^%\\]+/gsu;

/** Compiles a format. Throws {@link ServerError} `format` for an escape that is not known. */
export function compileFormat(format: string, timeFormat: string): LineFormat {
  if (format === '%L') return { raw: true, endsWithLine: true, render: (batch) => batch.payload };
  const { groups, lines } = parse(format);
  const constants = new Constants(groups, compileTimeFormat(timeFormat));
  return {
    raw: false,
    endsWithLine: lines.at(-1) === 'L' && groups.at(-1)?.length === 0,
    render(batch, continues) {
      const { payload, flags } = batch;
      const staysOpen = endsMidRecord(batch);
      if (payload.length === 0 && (!continues || staysOpen)) return payload;
      const whole = (flags & BatchFlag.BINARY) !== 0;
      return renderRecords(payload, constants.of(batch), whole ? lines.map(() => 'L') : lines, {
        whole,
        continues,
        staysOpen,
      });
    },
  };
}

/** True when the last record of the batch goes on in a later one. */
export function endsMidRecord(batch: Pick<Batch, 'flags'>): boolean {
  return (batch.flags & (BatchFlag.ENDS_OPEN | BatchFlag.STREAM_END)) === BatchFlag.ENDS_OPEN;
}

/** The parts in front of the first line escape, between it and the second, and so on. */
function parse(format: string): { groups: Part[][]; lines: LineEscape[] } {
  const lines: LineEscape[] = [];
  const groups: Part[][] = [[]];
  for (const [token] of format.matchAll(TOKENS)) {
    const line = Object.hasOwn(LINES, token) ? LINES[token] : undefined;
    if (line === undefined) {
      groups.at(-1)?.push(partOf(token, format));
    } else {
      lines.push(line);
      groups.push([]);
    }
  }
  return { groups, lines };
}

function partOf(token: string, format: string): Part {
  if (!token.startsWith('%') && !token.startsWith('\\')) return byteString(token);
  if (token.startsWith('\\x') && token.length === 4) return String.fromCharCode(parseInt(token.slice(2), 16));
  const part = Object.hasOwn(ESCAPES, token) ? ESCAPES[token] : CHARACTERS[token];
  if (part !== undefined) return part;
  throw new ServerError(
    'format',
    `output.format has "${token}"; known are %H %P %U %G %F %f %T %L %l %{trimmed} %% ` +
      `\\n \\t \\r \\a \\b \\f \\v \\\\ and \\xHH (in "${format}")`,
  );
}

function byteString(text: string): string {
  // eslint-disable-next-line no-control-regex -- plain ASCII, which is the same in bytes
  if (/^[\x00-\x7f]*$/.test(text)) return text;
  return Buffer.from(text, 'utf8').toString('latin1');
}

/**
 * Names may hold line breaks: what is behind one would look like a record of its own, of any host. Control characters are
 * shown as escapes; the bytes of UTF-8 stay.
 */
function inOneLine(name: string): string {
  // eslint-disable-next-line no-control-regex -- these are meant
  return name.replace(/[\x00-\x1f\x7f]/g, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}

type Fields = Pick<FormatFields, 'host' | 'path' | 'pid' | 'uid' | 'gid'> & { time: string };

/** The texts around the lines of a batch. Those of the batch before are used again when they are the same. */
class Constants {
  readonly #groups: readonly Part[][];
  readonly #renderTime: (seconds: number, nanos: number) => string;
  readonly #timed: boolean;
  #last: Fields | undefined;
  #texts: Buffer[] = [];

  constructor(groups: readonly Part[][], renderTime: (seconds: number, nanos: number) => string) {
    this.#groups = groups;
    this.#renderTime = renderTime;
    this.#timed = groups.some((group) => group.includes(ESCAPES['%T'] ?? ''));
  }

  of(batch: FormatFields): readonly Buffer[] {
    const time = this.#timed ? this.#renderTime(batch.timeSeconds, batch.timeNanos) : '';
    if (this.#last !== undefined && this.#last.time === time && isSame(this.#last, batch)) return this.#texts;
    const { host, path, pid, uid, gid } = batch;
    const timeBytes = byteString(time);
    this.#texts = this.#groups.map((group) => {
      let text = '';
      for (const part of group) text += typeof part === 'string' ? part : part(batch, timeBytes);
      return Buffer.from(text, 'latin1');
    });
    this.#last = { host, path, pid, uid, gid, time };
    return this.#texts;
  }
}

/** Batches of one connection share their path objects, so a look at the object is enough. */
function isSame(last: Fields, batch: FormatFields): boolean {
  return (
    last.path === batch.path &&
    last.pid === batch.pid &&
    last.host === batch.host &&
    last.uid === batch.uid &&
    last.gid === batch.gid
  );
}
