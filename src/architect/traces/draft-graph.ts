/** Drafts the text of a first graph from an observation. */
import { WaybillError } from '../../errors.ts';
import { draftNames } from './draft/draft-names.ts';
import { buildDraft } from './draft/build-draft.ts';
import { legalName } from './draft/names.ts';
import { renderDraft } from './draft/yaml.ts';
import { warningText } from './import-warnings.ts';
import type { Observation } from './observation.ts';

export interface DraftOptions {
  readonly name: string;
  /** What the observation was read from; printed in the heading. */
  readonly origin: string;
}

/**
 * @returns a graph file that passes `waybill check`.
 * @throws WaybillError `source_unsuitable` if the observation has no request that could carry a token.
 */
export function draftGraph(observation: Observation, { name, origin }: DraftOptions): string {
  const draft = buildDraft(observation, draftNames(observation));
  if (draft.services.length === 0) throw nothingUsable(observation);
  return renderDraft(draft, { name: legalName(name, 'graph'), origin, warnings: observation.warnings });
}

export function nothingUsable({ read, warnings, services }: Observation): WaybillError {
  const left = warnings.map(warningText);
  const named = [...services.keys()].slice(0, 5).join(', ');
  return new WaybillError(
    'source_unsuitable',
    [
      `No request that could carry a token, in ${read.count.toLocaleString('en')} ${read.what}.`,
      ...(named === '' ? [] : [`Everything happens inside ${named}, or in messages without a reply.`]),
      ...left,
    ].join(' '),
  );
}
