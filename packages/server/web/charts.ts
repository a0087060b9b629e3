import { Chart, type Line } from './chart-canvas.js';
import { elementOf, setText } from './document.js';
import { formatByteRate, formatCount, formatDuration, shortId } from './format.js';
import type { History, Series } from './overview.js';

type Measure = keyof Series;

/** The style sheet has so many colours for sources. */
const COLOURS = 6;

/** The three charts, for all sources or for one. */
export class Charts {
  private readonly charts: Record<Measure, Chart> = {
    records: new Chart({ title: 'Records', unit: 'per second', format: formatCount, atLeast: 1 }),
    bytes: new Chart({ title: 'Bytes', unit: 'per second', format: formatByteRate, atLeast: 100 }),
    lagSeconds: new Chart({
      title: 'Lag',
      unit: 'from write to arrival',
      format: (seconds) => formatDuration(seconds * 1000),
      atLeast: 0.1,
    }),
  };

  /** Which source has which colour: it keeps it while it is shown, however busy the others become. */
  private readonly colours: (string | undefined)[] = Array.from({ length: COLOURS }, () => undefined);

  /** @param showAll the reader wants all sources again */
  constructor(showAll: () => void) {
    elementOf('charts').append(...Object.values(this.charts).map(({ element }) => element));
    elementOf('charts-all').addEventListener('click', showAll);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      for (const chart of Object.values(this.charts)) chart.rebuild();
    });
  }

  /** @param chosen the source that alone is wanted; empty: all */
  show(history: History, chosen: string): void {
    elementOf('charts-all').hidden = chosen === '';
    setText(elementOf('charts-choice'), choiceText(history, chosen));
    this.giveColours(
      history.sources.map(({ id }) => id),
      chosen === '',
    );
    for (const measure of Object.keys(this.charts) as Measure[]) {
      this.charts[measure].show(history.timesSeconds, this.linesOf(history, chosen, measure));
    }
  }

  private giveColours(ids: readonly string[], areAll: boolean): void {
    const { colours } = this;
    if (areAll)
      colours.forEach((id, index) => {
        if (id !== undefined && !ids.includes(id)) colours[index] = undefined;
      });
    for (const id of ids) {
      if (colours.includes(id)) continue;
      const free = colours.indexOf(undefined);
      if (free >= 0) colours[free] = id;
    }
  }

  private linesOf({ total, sources }: History, chosen: string, measure: Measure): Line[] {
    const ordered = sources.toSorted((a, b) => this.colours.indexOf(a.id) - this.colours.indexOf(b.id));
    const lines = ordered.map((source): Line => ({
      label: labelOf(source, sources),
      values: source[measure],
      colour: `--line-${Math.max(1, this.colours.indexOf(source.id) + 1)}`,
      isFilled: chosen !== '',
    }));
    if (chosen !== '') return lines;
    const label = measure === 'lagSeconds' ? 'Greatest' : 'All';
    return [{ label, values: total[measure], colour: '--line-all', isFilled: true }, ...lines];
  }
}

function choiceText({ sources }: History, chosen: string): string {
  if (chosen !== '') {
    const [source] = sources;
    return source === undefined
      ? `source ${shortId(chosen)} is not among the busiest: no history of it is kept`
      : `only ${source.host} (${shortId(chosen)})`;
  }
  return sources.length > 1 ? 'all sources, and the busiest of them' : 'all sources';
}

/** Sources of one host are told apart by their ids. */
function labelOf(source: History['sources'][number], all: History['sources']): string {
  const isUnique = all.filter(({ host }) => host === source.host).length === 1;
  return isUnique && source.host !== '' ? source.host : `${source.host} ${shortId(source.id)}`.trim();
}
