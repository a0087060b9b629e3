export interface Column {
  title: string;
  /** Cells of numbers stand at the right. */
  isNumber?: boolean;
  /** At most one: takes what the others leave. */
  takesRest?: boolean;
}

const GAP = '  ';
/** Below this a column that takes the rest would show nothing worth reading. */
const REST_WIDTH_MIN = 12;

/** Lines of a table that is `width` wide; the first is its head. Cells that are too long are cut. */
export function tableLines(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number,
): string[] {
  const widths = columns.map(({ title }, index) =>
    Math.max(widthOf(title), ...rows.map((row) => widthOf(row[index] ?? ''))),
  );
  const rest = columns.findIndex(({ takesRest }) => takesRest === true);
  if (rest >= 0) {
    const others = widths.reduce((sum, each, index) => (index === rest ? sum : sum + each), 0);
    widths[rest] = Math.max(REST_WIDTH_MIN, width - others - GAP.length * (columns.length - 1));
  }
  const line = (cells: readonly string[]) =>
    fit(
      columns
        .map(({ isNumber }, index) => {
          const cell = fit(cells[index] ?? '', widths[index] ?? 0);
          const padding = ' '.repeat(Math.max(0, (widths[index] ?? 0) - widthOf(cell)));
          return isNumber === true ? padding + cell : cell + padding;
        })
        .join(GAP),
      width,
    ).trimEnd();
  return [line(columns.map(({ title }) => title)), ...rows.map(line)];
}

/** As much of a text as is at most `width` wide; a cut is shown. */
export function fit(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let shown = '';
  let used = 0;
  for (const character of text) {
    used += widthOf(character);
    if (used > width - 1) break;
    shown += character;
  }
  return `${shown}~`;
}

/** Scripts whose characters a terminal shows twice as wide, and pictures. */
const WIDE =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Extended_Pictographic}\uff01-\uff60]/u;
const COMBINING = /\p{Mark}/u;

/** How many places of a terminal a text takes. */
function widthOf(text: string): number {
  let width = 0;
  for (const character of text) {
    if (character < '\u0300') width++;
    else if (WIDE.test(character)) width += 2;
    else if (!COMBINING.test(character)) width++;
  }
  return width;
}
