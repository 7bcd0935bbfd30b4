import { ModelReader } from './body.ts';
import { Model } from './model.ts';
import { PRIMING } from './priming-bodies.ts';
import { RecordReader } from './record-reader.ts';

/** What every model begins with. */
let primed: Model | undefined;

/** The one model at work: nothing here waits, so no two tokens are ever in hand together. */
const working = new Model();

/** The model as it is before the first byte of a body. It is good until this is called again. */
export function primedModel(): Model {
  primed ??= prime();
  working.become(primed);
  return working;
}

/** Reads the priming bodies with one model, which learns from each. Their pools are zeros. */
function prime(): Model {
  const model = new Model();
  const pool = { take: (count: number) => new Uint8Array(count) };
  const bounds = { maxTokens: 1024, maxDepth: 64, maxNested: 2 ** 20 };
  for (const body of PRIMING) {
    new RecordReader(new ModelReader(model, Buffer.from(body, 'base64url'), 8192), pool, bounds).root();
  }
  return model;
}
