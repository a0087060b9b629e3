const BLOCKS = '▁▂▃▄▅▆▇█';
/** For terminals that know no more. */
const PLAIN = '_.-=+*#@';

/** A line of bars, as high as each value is beside the highest; nothing at all is the lowest bar. */
export function trendOf(values: readonly number[], isUnicode: boolean): string {
  const bars = isUnicode ? BLOCKS : PLAIN;
  const highest = Math.max(1, ...values);
  return values
    .map((value) => bars[Math.ceil((Math.max(0, value) / highest) * (bars.length - 1))] ?? '')
    .join('');
}

/** In a word, from the mean of the first half and of the second. */
export function directionOf(values: readonly number[]): 'rising' | 'falling' | 'steady' {
  const half = Math.floor(values.length / 2);
  const [before, now] = [mean(values.slice(0, half)), mean(values.slice(half))];
  if (half === 0 || Math.abs(now - before) <= 0.1 * Math.max(before, now)) return 'steady';
  return now > before ? 'rising' : 'falling';
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
