import { make, setAttribute, setText } from './document.js';

/** One line of a chart. */
export interface Line {
  label: string;
  values: (number | null)[];
  /** Name of the custom property of the style sheet that holds its colour. */
  colour: string;
  isFilled: boolean;
}

export interface ChartOptions {
  title: string;
  /** Said after the title, such as "per second". */
  unit: string;
  format: (value: number) => string;
  /** What the axis reaches at least: noise around nothing must not look like mountains. */
  atLeast: number;
}

const HEIGHT_PX = 150;
const SPAN_SECONDS = 15 * 60;
/** So much is shown at least: the first points are few. */
const SPAN_SECONDS_MIN = 2 * 60;

/** Charts with this key show the same moment when one of them is pointed at. */
const SYNC_KEY = 'moments';

/** A small chart of the last quarter of an hour, with a legend that says the values of the moment that is pointed at. */
export class Chart {
  readonly element: HTMLElement;
  private readonly place: HTMLElement;
  private readonly now: HTMLElement;
  private plot: uPlot | undefined;
  private times: number[] = [];
  private lines: readonly Line[] = [];
  private built = '';

  constructor(private readonly options: ChartOptions) {
    this.now = make('output');
    this.place = make('div', 'plot');
    this.place.tabIndex = 0;
    this.place.setAttribute('role', 'img');
    const title = make('figcaption', '', make('strong', '', options.title), ` ${options.unit} `, this.now);
    this.element = make('figure', '', title, this.place);
    new ResizeObserver(() => {
      this.fit();
    }).observe(this.place);
    this.place.addEventListener('keydown', (event) => {
      this.step(event);
    });
    this.place.addEventListener('blur', () => {
      this.plot?.setCursor({ left: -10, top: -10 });
    });
  }

  show(times: number[], lines: readonly Line[]): void {
    if (times.length === 0) return;
    this.times = times;
    this.lines = lines;
    const shape = JSON.stringify(lines.map(({ label, colour, isFilled }) => [label, colour, isFilled]));
    if (this.plot === undefined || shape !== this.built) this.build(shape);
    else this.plot.setData(this.data());
    this.describe();
  }

  /** After the colours have changed. */
  rebuild(): void {
    if (this.plot !== undefined) this.build(this.built);
  }

  private build(shape: string): void {
    this.plot?.destroy();
    this.built = shape;
    this.plot = new uPlot(this.plotOptions(), this.data(), this.place);
  }

  private data(): uPlot.AlignedData {
    return [this.times, ...this.lines.map(({ values }) => values)];
  }

  private plotOptions(): uPlot.Options {
    const { format, atLeast } = this.options;
    const style = getComputedStyle(document.documentElement);
    const colourOf = (name: string): string => style.getPropertyValue(name).trim();
    const axis: uPlot.Axis = {
      stroke: colourOf('--dim'),
      font: '12px system-ui, sans-serif',
      grid: { stroke: colourOf('--grid'), width: 1 },
      ticks: { stroke: colourOf('--grid'), width: 1, size: 4 },
    };
    return {
      width: this.widthPx(),
      height: HEIGHT_PX,
      cursor: { sync: { key: SYNC_KEY }, drag: { x: false, y: false }, y: false },
      legend: { live: true },
      // While nobody points at a moment, the legend tells the newest.
      hooks: {
        setCursor: [
          (plot) => {
            if (typeof plot.cursor.idx !== 'number') plot.setLegend({ idx: this.times.length - 1 }, false);
          },
        ],
      },
      scales: {
        x: {
          time: true,
          range: () => this.span(),
        },
        y: {
          range: (_plot, _least, greatest: number | null) => [0, Math.max(greatest ?? 0, atLeast) * 1.08],
        },
      },
      axes: [
        {
          ...axis,
          size: 28,
          space: 70,
          incrs: [60, 120, 300, 600],
          values: (_plot, splits) => splits.map(clock),
        },
        { ...axis, size: 72, space: 34, values: (_plot, splits) => splits.map(format) },
      ],
      series: [
        { label: 'Time', value: (_plot, seconds) => timeText(seconds) },
        ...this.lines.map(({ label, colour, isFilled }): uPlot.Series => ({
          label,
          stroke: colourOf(colour),
          width: 1.5,
          // One point alone is no line.
          points: { show: () => this.times.length === 1 },
          value: (_plot, value: number | null) => (value === null ? '–' : format(value)),
          ...(isFilled ? { fill: colourOf('--fill') } : {}),
        })),
      ],
    };
  }

  private span(): [first: number, last: number] {
    const last = this.times.at(-1) ?? 0;
    const first = Math.min(this.times[0] ?? 0, last - SPAN_SECONDS_MIN);
    return [Math.max(first, last - SPAN_SECONDS), last];
  }

  private widthPx(): number {
    return Math.max(200, this.place.clientWidth);
  }

  private fit(): void {
    if (this.plot !== undefined && this.plot.width !== this.widthPx())
      this.plot.setSize({ width: this.widthPx(), height: HEIGHT_PX });
  }

  /** The arrow keys point at a moment, as the mouse does. */
  private step(event: KeyboardEvent): void {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const { plot } = this;
    if (step === undefined || plot === undefined || this.times.length === 0) return;
    event.preventDefault();
    const last = this.times.length - 1;
    const index = Math.min(last, Math.max(0, (plot.cursor.idx ?? last) + step));
    plot.setCursor({ left: plot.valToPos(this.times[index] ?? 0, 'x'), top: 0 });
    const values = this.lines.map(({ label, values: all }) => `${label} ${this.textAt(all, index)}`);
    setAttribute(this.place, 'aria-label', `${timeText(this.times[index] ?? 0)}: ${values.join(', ')}`);
  }

  private describe(): void {
    const [first] = this.lines;
    const values = first?.values ?? [];
    const newest = this.textAt(values, values.length - 1);
    setText(this.now, values.length === 0 ? '' : newest);
    const greatest = this.options.format(Math.max(0, ...values.map((value) => value ?? 0)));
    const text = `Chart: ${this.options.title} ${this.options.unit}, ${first?.label ?? 'nothing yet'}. Now ${newest}, at most ${greatest} in the last 15 minutes. The arrow keys tell the values.`;
    if (document.activeElement !== this.place) setAttribute(this.place, 'aria-label', text);
  }

  private textAt(values: readonly (number | null)[], index: number): string {
    const value = values[index] ?? undefined;
    return value === undefined ? '–' : this.options.format(value);
  }
}

function clock(seconds: number): string {
  return timeText(seconds).slice(0, 5);
}

function timeText(seconds: number | null): string {
  if (seconds === null) return '–';
  const date = new Date(seconds * 1000);
  return [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
}
