import { BatchFlag, type Batch } from '@k2hft/wire';
import { ServerError } from './errors.js';
import { compileTimeFormat } from './strftime.js';

/*
 * A format is text around its lines: everything but %L and %l is the same for all lines of a batch and is rendered
 * once per batch. "constants" are the texts before, between and after the line escapes:
 *
 *   "%T %H: %l\n"  =  constants ["%T %H: ", "\n"], lines ['l']
 *
 * A record that is not finished (its line goes on in the stream's next batch) is written up to its bytes; the next
 * batch of the stream goes on from there, without the text in front, and what follows the line comes when it ends.
 */

/** What a format needs of a batch. */
export type FormatFields = Pick<
  Batch,
  'payload' | 'flags' | 'host' | 'path' | 'pid' | 'uid' | 'gid' | 'timeSeconds' | 'timeNanos'
>;

export interface LineFormat {
  /** The format is "%L" alone: payloads are written as they are, nobody looks at lines. */
  readonly raw: boolean;
  /** The bytes to append. `continues` when the stream's last record ended open and this batch goes on with it. */
  render(batch: FormatFields, continues: boolean): Buffer;
}

type Constant = (batch: FormatFields) => Buffer;
type Escape = (batch: FormatFields, time: string) => string;

const NEWLINE = 10;

/** Texts as byte strings. */
const ESCAPES: Readonly<Record<string, Escape>> = {
  H: (batch) => Buffer.from(batch.host, 'utf8').toString('latin1'),
  P: (batch) => String(batch.pid),
  U: (batch) => String(batch.uid),
  G: (batch) => String(batch.gid),
  F: (batch) => batch.path.toString('latin1'),
  f: (batch) => batch.path.toString('latin1', batch.path.lastIndexOf('/') + 1),
  T: (_batch, time) => time,
  '%': () => '%',
};

const BACKSLASHED: Readonly<Record<string, string>> = { n: '\n', t: '\t', '\\': '\\' };

/** Compiles a format. Throws {@link ServerError} `format` for an escape that is not known. */
export function compileFormat(format: string, timeFormat: string): LineFormat {
  if (format === '%L') return { raw: true, render: (batch) => batch.payload };
  const { constants, withNewline } = parse(format, timeFormat);
  return {
    raw: false,
    render(batch, continues) {
      if ((batch.flags & BatchFlag.BINARY) !== 0) return batch.payload;
      const texts = constants.map((constant) => constant(batch));
      return renderLines(batch, texts, withNewline, continues);
    },
  };
}

/** True when the last record of the batch goes on in a later one. */
export function endsMidRecord(batch: Pick<Batch, 'flags'>): boolean {
  return (
    (batch.flags & (BatchFlag.ENDS_OPEN | BatchFlag.STREAM_END | BatchFlag.BINARY)) === BatchFlag.ENDS_OPEN
  );
}

function parse(format: string, timeFormat: string): { constants: Constant[]; withNewline: boolean[] } {
  const renderTime = compileTimeFormat(timeFormat);
  const withNewline: boolean[] = [];
  const parts: (string | Escape)[][] = [[]];
  for (const [token] of format.matchAll(/[%\\].?|[^%\\]+/gsu)) {
    if (token === '%L' || token === '%l') {
      withNewline.push(token === '%L');
      parts.push([]);
    } else {
      parts.at(-1)?.push(partOf(token, format));
    }
  }
  return { constants: parts.map((group) => constantOf(group, renderTime)), withNewline };
}

function partOf(token: string, format: string): string | Escape {
  const name = token.slice(1);
  const isEscape = token.startsWith('%') || token.startsWith('\\');
  if (!isEscape) return Buffer.from(token, 'utf8').toString('latin1');
  const table: Readonly<Record<string, string | Escape>> = token.startsWith('%') ? ESCAPES : BACKSLASHED;
  const part = Object.hasOwn(table, name) ? table[name] : undefined;
  if (part !== undefined) return part;
  throw new ServerError(
    'format',
    `output.format has "${token}"; known are %H %P %U %G %F %f %T %L %l %% \\n \\t \\\\ (in "${format}")`,
  );
}

function constantOf(
  group: (string | Escape)[],
  renderTime: (seconds: number, nanos: number) => string,
): Constant {
  if (group.every((part) => typeof part === 'string')) {
    const bytes = Buffer.from(group.join(''), 'latin1');
    return () => bytes;
  }
  const timed = group.includes(ESCAPES['T'] ?? '');
  return (batch) => {
    const time = timed ? renderTime(batch.timeSeconds, batch.timeNanos) : '';
    const timeBytes = timed ? Buffer.from(time, 'utf8').toString('latin1') : '';
    const text = group.map((part) => (typeof part === 'string' ? part : part(batch, timeBytes))).join('');
    return Buffer.from(text, 'latin1');
  };
}

function renderLines(
  batch: FormatFields,
  texts: readonly Buffer[],
  withNewline: readonly boolean[],
  continues: boolean,
): Buffer {
  const { payload } = batch;
  const staysOpen = endsMidRecord(batch);
  if (payload.length === 0 && (!continues || staysOpen)) return payload;
  const writer = new LineWriter(payload, texts, withNewline, boundBytes(payload, texts, withNewline.length));
  let start = 0;
  do {
    const newline = payload.indexOf(NEWLINE, start);
    const end = newline < 0 ? payload.length : newline;
    const isFirst = start === 0;
    writer.record(start, end, newline >= 0, isFirst && continues, newline < 0 && staysOpen);
    start = end + 1;
  } while (start < payload.length);
  return writer.bytes();
}

/** At least the bytes that the records take: every record with every text, and the payload once per line escape. */
function boundBytes(payload: Buffer, texts: readonly Buffer[], lineCount: number): number {
  let records = 1;
  for (let at = payload.indexOf(NEWLINE); at >= 0; at = payload.indexOf(NEWLINE, at + 1)) records++;
  return records * texts.reduce((sum, text) => sum + text.length, 0) + payload.length * lineCount;
}

class LineWriter {
  readonly #payload: Buffer;
  readonly #texts: readonly Buffer[];
  readonly #withNewline: readonly boolean[];
  readonly #target: Buffer;
  #length = 0;

  constructor(payload: Buffer, texts: readonly Buffer[], withNewline: readonly boolean[], bytesMax: number) {
    this.#payload = payload;
    this.#texts = texts;
    this.#withNewline = withNewline;
    this.#target = Buffer.allocUnsafe(bytesMax);
  }

  /** Writes payload[start..end) as a record; `hasNewline`: a newline follows it. */
  record(start: number, end: number, hasNewline: boolean, continues: boolean, staysOpen: boolean): void {
    if (!continues) this.#text(0);
    for (let index = 0; index < this.#withNewline.length; index++) {
      const lineEnd = hasNewline && this.#withNewline[index] === true ? end + 1 : end;
      this.#length += this.#payload.copy(this.#target, this.#length, start, lineEnd);
      if (staysOpen) return;
      this.#text(index + 1);
    }
  }

  bytes(): Buffer {
    return this.#target.subarray(0, this.#length);
  }

  #text(index: number): void {
    const text = this.#texts[index];
    if (text !== undefined) this.#length += text.copy(this.#target, this.#length);
  }
}
