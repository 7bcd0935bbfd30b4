/** Reads the text form of Prometheus (version 0.0.4), as a scraper does. */

/** One value: `name{label="value",…}` as it is written, and the number. */
export type Samples = ReadonlyMap<string, number>;

const SAMPLE = /^([a-zA-Z_:][\w:]*(?:\{(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\.)*",?)*\})?) (\S+)$/;

/** @throws Error for a line that is neither a sample nor a comment, and for a sample that stands there twice. */
export function samplesOf(text: string): Samples {
  const samples = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (line === '' || /^# (?:HELP|TYPE) \w+ ./.test(line)) continue;
    const [, name, value] = SAMPLE.exec(line) ?? [];
    if (name === undefined || value === undefined || samples.has(name))
      throw new Error(`not a line of metrics: ${line}`);
    samples.set(name, Number(value));
  }
  return samples;
}

/** The sum of all samples of a metric whose labels hold all of these texts. */
export function sumOf(samples: Samples, metric: string, ...labels: readonly string[]): number {
  return [...samples]
    .filter(
      ([name]) =>
        (name === metric || name.startsWith(`${metric}{`)) && labels.every((label) => name.includes(label)),
    )
    .reduce((sum, [, value]) => sum + value, 0);
}
