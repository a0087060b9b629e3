import { delayMark } from './delay.js';
import { elementOf, make, setAttribute, setText } from './document.js';
import { formatByteRate, formatBytes, formatCount, formatDuration } from './format.js';
import type { Overview } from './overview.js';

interface Tile {
  title: string;
  value: (overview: Overview) => string;
  /** A smaller second line. */
  more: (overview: Overview) => string;
  mark?: (overview: Overview) => 'bad' | 'warn' | undefined;
}

const TILES: readonly Tile[] = [
  {
    title: 'Records',
    value: ({ rate }) => `${formatCount(rate.records)}/s`,
    more: ({ totals }) => `${formatCount(totals.records)} in all`,
  },
  {
    title: 'Bytes',
    value: ({ rate }) => formatByteRate(rate.bytes),
    more: ({ totals }) => `${formatBytes(totals.bytes)} in all`,
  },
  {
    title: 'Sources',
    value: ({ sourcesConnected }) => `${sourcesConnected} connected`,
    more: ({ sourcesAway }) => (sourcesAway === 0 ? 'none away' : `${sourcesAway} away`),
  },
  {
    title: 'Greatest lag',
    value: ({ lag }) => (lag === null ? 'idle' : formatDuration(lag.ms)),
    more: ({ lag }) => (lag === null ? 'nothing has come lately' : lag.host),
    mark: ({ lag }) => (lag === null ? undefined : delayMark(lag.ms)),
  },
  {
    title: 'Not safe yet',
    value: ({ unsafeBytes }) => formatBytes(unsafeBytes),
    more: ({ unsafeBytes }) => (unsafeBytes === 0 ? 'all is on the disk' : 'on the way to the disk'),
  },
];

/** The figures at the top. */
export class Summary {
  private readonly shown: { value: HTMLElement; more: HTMLElement }[];

  constructor() {
    this.shown = TILES.map(({ title }) => {
      const value = make('strong');
      const more = make('small');
      elementOf('summary').append(make('div', '', make('dt', '', title), make('dd', '', value, more)));
      return { value, more };
    });
  }

  show(overview: Overview): void {
    TILES.forEach((tile, index) => {
      const place = this.shown[index];
      if (place === undefined) return;
      setText(place.value, tile.value(overview));
      setText(place.more, tile.more(overview));
      setAttribute(place.value, 'data-mark', tile.mark?.(overview) ?? '');
    });
  }
}
