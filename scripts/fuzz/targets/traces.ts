/** Traces, meshes and policies: from their bytes to a graph, which is then compared with them. */
import path from 'node:path';

import {
  draftGraph,
  findDrift,
  mergeObservation,
  observe,
  type Observation,
  type SourceFormat,
} from '../../../src/architect/traces/index.ts';
import { compileGraph, type Compiled } from '../../../src/planning/compile.ts';
import { refusal, Secrets } from '../judge.ts';
import { scratchGraph, type ScratchGraph } from '../world/scratch-graph.ts';
import { editDocument } from '../mutate/document.ts';
import { ACCEPTED, Broken, type OpenTarget, type Outcome, type Target } from '../target.ts';
import { clock } from '../world/shop.ts';
import { observations } from '../world/observations.ts';

export const traces: Target = {
  name: 'traces',
  reads: 'files of jaeger, zipkin, otlp, kiali and istio: import, drift, import --into',
  open,
};

const TRUE_GRAPH = path.resolve(import.meta.dirname, '../../../graphs/hello.yaml');
/** Most bytes of a graph for a file: its heading and names, and a few lines for each observation. */
const FIXED_BYTES = 16_384;
const BYTES_PER_BYTE = 40;

async function open(): Promise<OpenTarget> {
  const seeds = observations();
  const scratch = scratchGraph();
  const other = compileGraph([TRUE_GRAPH], { clock });
  return {
    input(dice) {
      const { format, text } = dice.pick(seeds);
      const others = seeds.filter((seed) => seed.format === format).map((seed) => seed.text);
      let edited = text;
      for (let edits = dice.below(4); edits > 0; edits -= 1) edited = editDocument(edited, others, dice);
      return Buffer.from(`${dice.oneIn(40) ? dice.pick(seeds).format : format}\n${edited}`);
    },
    run: (input) => run(input, scratch, other),
    close: async () => scratch.close(),
  };
}

async function run(input: Buffer, scratch: ScratchGraph, other: Compiled): Promise<Outcome> {
  const end = input.indexOf(10);
  const format = input.subarray(0, Math.max(0, end)).toString() as SourceFormat;
  const file = input.subarray(end + 1);
  if (!['jaeger', 'zipkin', 'otlp', 'kiali', 'istio'].includes(format))
    return { kind: 'refused', code: 'no_format' };
  let observation: Observation;
  let text: string;
  try {
    observation = await observe([{ name: 'traces', chunks: chunksOf(file) }], format);
    text = draftGraph(observation, { name: 'fuzz', origin: 'traces' });
  } catch (error) {
    return refusal(error, new Secrets());
  }
  if (text.length > FIXED_BYTES + BYTES_PER_BYTE * file.length)
    throw new Broken('bounded work', 'a graph is many times as large as its source');
  const { draft, findings } = scratch.compile(text);
  const error = findings.find(({ severity }) => severity === 'error');
  if (error) throw new Broken('plain path', `import writes a graph with the error ${error.code}`);
  // Nothing that was seen is undeclared in the graph that was drawn from it, and nothing is to be added.
  if (!findDrift(draft!, observation).ok)
    throw new Broken('plain path', 'a graph lacks what it was drawn from');
  const { changes, byHand } = mergeObservation(draft!, observation, { newParties: scratch.file });
  if (changes.length + byHand.length > 0) throw new Broken('plain path', 'a second import changes the graph');
  try {
    findDrift(other.draft!, observation);
    mergeObservation(other.draft!, observation, { newParties: scratch.file });
  } catch (thrown) {
    refusal(thrown, new Secrets());
  }
  return ACCEPTED;
}

/** Cut at places that the bytes themselves determine: readers of a stream must not depend on them. */
async function* chunksOf(file: Buffer): AsyncGenerator<Buffer> {
  const size = file.length % 3 === 0 ? file.length : 1 + ((file.length * 7_919) % 4_096);
  for (let at = 0; at < file.length; at += size) yield file.subarray(at, at + size);
}
