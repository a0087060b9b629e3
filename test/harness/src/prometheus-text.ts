import assert from 'node:assert/strict';

export interface ScrapedSample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

export interface Scrape {
  /** By metric family. */
  families: Map<string, { type: string; help: string; samples: ScrapedSample[] }>;
  /** The one sample with this name whose labels include these; throws when there is none, or more. */
  value(name: string, labels?: Record<string, string>): number;
  /** How many samples have this name. */
  count(name: string): number;
}

/** prom-client writes Nan, which Prometheus reads as any spelling of it. */
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (N[Aa][Nn]|[+-]Inf|[+-]?[0-9.]+(?:e[+-]?[0-9]+)?)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/gy;

/** Reads Prometheus' text format as a scraper does: throws for whatever it would refuse. */
export function parseScrape(text: string): Scrape {
  assert.ok(text.endsWith('\n'), 'the last line has its newline');
  const families: Scrape['families'] = new Map();
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const [, kind, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (kind === 'HELP') {
      assert.ok(!families.has(name), `${name} has two families`);
      families.set(name, { type: 'untyped', help: rest, samples: [] });
    } else if (kind === 'TYPE') {
      const family = families.get(name);
      assert.ok(family !== undefined && family.samples.length === 0, `${name}: its type comes first`);
      family.type = rest;
    } else {
      addSample(families, line);
    }
  }
  const samples = [...families.values()].flatMap((family) => family.samples);
  return {
    families,
    value(name, labels = {}) {
      const found = samples.filter(
        (sample) =>
          sample.name === name &&
          Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
      );
      assert.equal(found.length, 1, `${found.length} samples are ${name} ${JSON.stringify(labels)}`);
      return found[0]?.value ?? NaN;
    },
    count: (name) => samples.filter((sample) => sample.name === name).length,
  };
}

/** What Prometheus' own linter asks of our names: base units at the end, counters and only they in `_total`. */
export function lintScrape({ families }: Scrape, prefix = 'k2hft_'): void {
  for (const [name, { type, help, samples }] of families) {
    if (!name.startsWith(prefix)) continue;
    assert.ok(help.length > 0, `${name} has no help`);
    assert.match(name, /^[a-z][a-z0-9_]*$/, `${name} is snake case`);
    assert.equal(name.endsWith('_total'), type === 'counter', `${name} is a ${type}`);
    assert.doesNotMatch(
      name,
      /(milli|micro|nano)seconds|_(ms|minutes|hours|kb|kib|mb|mib)(_|$)|percent/,
      name,
    );
    assert.doesNotMatch(name, /_(counter|gauge|histogram)(_|$)/, name);
    const seen = new Set(samples.map((sample) => sample.name + JSON.stringify(sample.labels)));
    assert.equal(seen.size, samples.length, `${name} has a series twice`);
    if (type === 'histogram') lintHistogram(name, samples);
  }
}

function lintHistogram(name: string, samples: readonly ScrapedSample[]): void {
  const previous = new Map<string, number>();
  for (const { name: sampleName, labels, value } of samples) {
    const { le, ...others } = labels;
    const series = JSON.stringify(others);
    if (sampleName === `${name}_bucket`) {
      assert.ok(le !== undefined && value >= (previous.get(series) ?? 0), `${name}: buckets are cumulated`);
      previous.set(series, value);
    } else if (sampleName === `${name}_count`) {
      assert.equal(value, previous.get(series), `${name}: the infinite bucket counts all`);
    }
  }
}

function addSample(families: Scrape['families'], line: string): void {
  const [, name = '', labelText = '', number = ''] = SAMPLE.exec(line) ?? [];
  assert.ok(name !== '', `no sample: ${line}`);
  const family = families.get(name) ?? families.get(name.replace(/_(bucket|sum|count)$/, ''));
  assert.ok(family !== undefined, `no family of ${name}`);
  const labels: Record<string, string> = {};
  let read = 0;
  for (const [whole, label = '', value = ''] of labelText.matchAll(LABEL)) {
    labels[label] = value.replace(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
    read += whole.length;
  }
  assert.equal(read, labelText.length, `labels that make no sense: ${line}`);
  family.samples.push({ name, labels, value: number.endsWith('Inf') ? Infinity : Number(number) });
}
