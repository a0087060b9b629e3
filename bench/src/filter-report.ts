import type { FilterFigures } from './results.js';
import { median } from './statistics.js';
import { formatTable, type Cell } from './table.js';

/** What rules and formats cost, as plain text for people. */
export function formatFilters({ through, alone }: FilterFigures): string {
  const variants = [...new Set(through.map(({ variant }) => variant))];
  const speedOf = (variant: string) =>
    median(through.filter((run) => run.variant === variant).map(({ lines, seconds }) => lines / seconds));
  const plain = speedOf(variants[0] ?? '');
  const rows = variants.map((variant): Cell[] => {
    const runs = through.filter((run) => run.variant === variant);
    const cpu = (role: string) =>
      median(runs.map(({ cpuSecondsByRole, lines }) => ((cpuSecondsByRole[role] ?? NaN) / lines) * 1e6));
    const total = median(runs.map(({ cpuSeconds, lines }) => (cpuSeconds / lines) * 1e6));
    const speed = speedOf(variant);
    return [variant, speed, speed / plain, total, cpu('worker'), cpu('server')];
  });
  const head = ['cat through k2hft', 'lines/s', 'of no rule', 'CPU s/M lines', 'worker', 'server'];
  const aloneRows = alone.map(({ name, linesPerSecond, singleLinesPerSecond }): Cell[] => [
    name,
    linesPerSecond,
    singleLinesPerSecond,
  ]);
  const aloneHead = ['filter alone, one process', 'lines/s, 128 KiB writes', 'lines/s, single lines'];
  return [`Lines of 100 bytes.\n${formatTable(head, rows)}`, formatTable(aloneHead, aloneRows)].join('\n\n');
}
