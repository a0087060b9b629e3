import { Counter, Gauge, Histogram, type LabelValues, type Registry } from 'prom-client';

export interface Sample {
  value: number;
  labels?: Readonly<Record<string, string>>;
}

/** A histogram as it was counted elsewhere: how many were at most so long, not cumulative. */
export interface HistogramSample {
  labels?: Readonly<Record<string, string>>;
  /** One more than there are bounds: the last counts what is beyond all of them. */
  counts: readonly number[];
  sum: number;
}

export interface MetricDefinition {
  name: string;
  help: string;
  labels?: readonly string[];
}

/**
 * Metrics that are read off a snapshot of the process's own counters when they are asked for: nothing is counted
 * twice, and nothing is done while nobody asks. One scrape takes one snapshot.
 */
export class SnapshotMetrics<Snapshot> {
  private cached: { snapshot: Snapshot } | undefined;

  constructor(
    private readonly registry: Registry,
    private readonly take: () => Snapshot,
  ) {}

  gauge(definition: MetricDefinition, samples: (snapshot: Snapshot) => Iterable<Sample>): this {
    const snapshot = () => this.snapshot();
    new Gauge({
      ...common(definition, this.registry),
      collect() {
        this.reset();
        for (const { labels, value } of samples(snapshot())) {
          if (labels === undefined) this.set(value);
          else this.set(labels, value);
        }
      },
    });
    return this;
  }

  counter(definition: MetricDefinition, samples: (snapshot: Snapshot) => Iterable<Sample>): this {
    const snapshot = () => this.snapshot();
    new Counter({
      ...common(definition, this.registry),
      collect() {
        this.reset();
        for (const { labels, value } of samples(snapshot())) {
          if (labels === undefined) this.inc(value);
          else this.inc(labels, value);
        }
      },
    });
    return this;
  }

  /** @param bounds upper bounds of the buckets, rising, without the infinite one */
  histogram(
    definition: MetricDefinition,
    bounds: readonly number[],
    samples: (snapshot: Snapshot) => Iterable<HistogramSample>,
  ): this {
    new CountedHistogram(definition, bounds, this.registry, () => samples(this.snapshot()));
    return this;
  }

  /** All metrics of one scrape are read in the same turn of the event loop. */
  private snapshot(): Snapshot {
    if (this.cached === undefined) {
      this.cached = { snapshot: this.take() };
      setImmediate(() => (this.cached = undefined));
    }
    return this.cached.snapshot;
  }
}

function common({ name, help, labels = [] }: MetricDefinition, registry: Registry) {
  return { name, help, labelNames: [...labels], registers: [registry] };
}

interface BucketValue {
  metricName: string;
  labels: LabelValues<string>;
  value: number;
}

/** prom-client counts histograms itself; this one shows what was counted elsewhere. */
class CountedHistogram extends Histogram {
  constructor(
    private readonly definition: MetricDefinition,
    private readonly bounds: readonly number[],
    registry: Registry,
    private readonly samples: () => Iterable<HistogramSample>,
  ) {
    super({ ...common(definition, registry), buckets: [...bounds] });
  }

  /** What the registry asks a histogram for. */
  getForPromString() {
    const { name, help } = this.definition;
    const values = [...this.samples()].flatMap((sample) => this.valuesOf(sample));
    return Promise.resolve({ name, help, type: 'histogram', aggregator: 'sum', values });
  }

  private valuesOf({ labels = {}, counts, sum }: HistogramSample): BucketValue[] {
    const { name } = this.definition;
    let cumulative = 0;
    const values: BucketValue[] = [...this.bounds, '+Inf'].map((bound, index) => {
      cumulative += counts[index] ?? 0;
      return { metricName: `${name}_bucket`, labels: { ...labels, le: bound }, value: cumulative };
    });
    values.push(
      { metricName: `${name}_sum`, labels: { ...labels }, value: sum },
      { metricName: `${name}_count`, labels: { ...labels }, value: cumulative },
    );
    return values;
  }
}
