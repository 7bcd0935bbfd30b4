/**
 * Reads the records of a format out of JSON. Of a file without any it says what the file holds: another format, an error,
 * nothing.
 */
import { WaybillError } from '../../../errors.ts';
import { JsonScanner, type JsonHandlers, type Outline } from '../json/scanner.ts';
import { bounded } from '../spans/operation.ts';
import type { Holding, SourceReader } from './source.ts';
import { asObject, member, rawText } from './values.ts';

/** Keys that only one kind of file has, and what to do about it. */
const KINDS: readonly (readonly [key: string, says: string])[] = [
  ['resourceSpans', 'it is OTLP: use --from otlp'],
  ['batches', 'it is OTLP: use --from otlp'],
  [
    'resource_spans',
    'it has `resource_spans`, a name of the protobuf form. OTLP as JSON has `resourceSpans`: export it with those names',
  ],
  ['resourceMetrics', 'it has `resourceMetrics`: metrics, not traces'],
  ['resource_metrics', 'it has `resource_metrics`: metrics, not traces'],
  ['resourceLogs', 'it has `resourceLogs`: logs, not traces'],
  ['resource_logs', 'it has `resource_logs`: logs, not traces'],
  ['resourceProfiles', 'it has `resourceProfiles`: profiles, not traces'],
  ['elements', 'it looks like a graph of Kiali: use --from kiali'],
  ['apiVersion', 'it looks like a Kubernetes resource: for policies of Istio use --from istio'],
  ['waybill', 'it is a graph of Waybill: name all files of a graph with --graph'],
];
const MAX_ERRORS = 3;
const MAX_SHOWN_KEYS = 6;

export interface JsonFormat extends JsonHandlers {
  /** Keys of the format itself. */
  readonly own: readonly string[];
  /** A clause for a file that has one of them but no record. */
  readonly lacks: string;
  /** Called at the end of the file, with the number of errors that it reports. */
  readonly ended?: (errors: number) => void;
}

export function jsonReader(file: string, { own, lacks, take, leave = [], ended }: JsonFormat): SourceReader {
  const errors: string[] = [];
  let errorCount = 0;

  function error(value: unknown): void {
    const object = asObject(value);
    const text =
      typeof value === 'string'
        ? value
        : (['msg', 'message'].map((key) => rawText(object, key)).find(Boolean) ?? '');
    const code = ['code', 'httpCode']
      .map((key) => member(object, key))
      .find((one) => typeof one === 'number');
    if (text === '' && code === undefined) return;
    errorCount++;
    if (errors.length >= MAX_ERRORS) return;
    errors.push(bounded(code === undefined ? text : `${text || 'no message'} (code ${String(code)})`));
  }

  // Where servers write errors into what they answer.
  const errorPaths = [['errors', '*'], ['error'], ['message']].map((path) => [path, error] as const);
  const scanner = new JsonScanner(file, { take: [...errorPaths, ...take], leave });
  return {
    write: (chunk) => scanner.write(chunk),
    end() {
      scanner.end();
      ended?.(errorCount);
    },
    holding() {
      if (errors.length > 0) return { isOfFormat: false, says: `it holds an error: ${errors.join('; ')}` };
      return holdingOf(scanner.outline, own, lacks);
    },
  };
}

function holdingOf({ keys, hasList }: Outline, own: readonly string[], lacks: string): Holding {
  if (own.some((key) => keys.has(key))) return { isOfFormat: true, says: lacks };
  const known = KINDS.find(([key]) => keys.has(key));
  if (known) return { isOfFormat: false, says: known[1] };
  if (hasList && keys.size === 0) return { isOfFormat: true, says: lacks };
  if (keys.size === 0) return { isOfFormat: false, says: 'it has no keys' };
  const shown = [...keys].slice(0, MAX_SHOWN_KEYS).map((key) => `\`${key}\``);
  const more = keys.size > shown.length ? ', …' : '';
  return { isOfFormat: false, says: `its keys are ${shown.join(', ')}${more}` };
}

/** Refuses a file at a value that another format has. */
export function refuses(file: string, message: string): () => never {
  return () => {
    throw new WaybillError('source_unsuitable', `${file}: ${message}.`);
  };
}
