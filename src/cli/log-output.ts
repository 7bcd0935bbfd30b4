/** Where the log of an issuer goes: standard error, one JSON object a line. */
import { pino, type DestinationStream } from 'pino';
import { safeJson } from './escape.ts';

/** What is in a log was sent by others, and people look at logs in terminals: see `escape.ts`. */
export function logOutput(): DestinationStream {
  const output = pino.destination(2);
  return { write: (line) => output.write(safeJson(line)) };
}
