export type Cell = string | number | undefined;

/** What stands where nothing was measured. */
const NOTHING = '–';
const GAP = '  ';

/**
 * Formats a figure for people: three digits that count, thousands apart, so that columns of very different
 * magnitudes stay readable (29 300 000, 4 510, 12.3, 0.045).
 */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return NOTHING;
  if (value === 0) return '0';
  const rounded = Number(value.toPrecision(3));
  if (Math.abs(rounded) < 100) return String(rounded);
  return String(Math.round(rounded)).replace(/\B(?=(\d{3})+$)/g, ' ');
}

/** Lays out plain text columns: the first to the left, the others to the right, without trailing blanks. */
export function formatTable(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const texts = [head, ...rows].map((row) => row.map(formatCell));
  const widths = head.map((_, column) => Math.max(...texts.map((row) => (row[column] ?? '').length)));
  const lines = texts.map((row) => layOut(row, widths));
  lines.splice(1, 0, widths.map((width) => '-'.repeat(width)).join(GAP));
  return lines.join('\n');
}

function formatCell(cell: Cell): string {
  if (cell === undefined) return NOTHING;
  return typeof cell === 'number' ? formatNumber(cell) : cell;
}

function layOut(row: readonly string[], widths: readonly number[]): string {
  const cells = widths.map((width, column) => {
    const text = row[column] ?? '';
    return column === 0 ? text.padEnd(width) : text.padStart(width);
  });
  return cells.join(GAP).trimEnd();
}
