/** Says what a JSON file holds in which no record of its format was found: another format, an error, nothing. */
import type { JsonHandlers, Outline } from '../json/scanner.ts';
import { bounded } from '../spans/operation.ts';
import type { Holding } from './source.ts';
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

/**
 * @param own keys of the format itself.
 * @param lacks a clause for a file that has one of them but no record.
 */
export function contentsFor(own: readonly string[], lacks: string) {
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

  return {
    /** Where servers write errors into what they answer. */
    get handlers(): JsonHandlers['take'] {
      return [
        [['errors', '*'], error],
        [['error'], error],
        [['message'], error],
      ];
    },
    /** How many errors the file reports. */
    get errorCount(): number {
      return errorCount;
    },
    holding({ keys, hasList }: Outline): Holding {
      if (errors.length > 0) return { isOfFormat: false, says: `it holds an error: ${errors.join('; ')}` };
      if (own.some((key) => keys.has(key))) return { isOfFormat: true, says: lacks };
      const known = KINDS.find(([key]) => keys.has(key));
      if (known) return { isOfFormat: false, says: known[1] };
      if (hasList && keys.size === 0) return { isOfFormat: true, says: lacks };
      if (keys.size === 0) return { isOfFormat: false, says: 'it has no keys' };
      const shown = [...keys].slice(0, MAX_SHOWN_KEYS).map((key) => `\`${key}\``);
      const more = keys.size > shown.length ? ', …' : '';
      return { isOfFormat: false, says: `its keys are ${shown.join(', ')}${more}` };
    },
  };
}
