/**
 * Refuses paths that servers read differently. Istio's policies compare a path as it is written, and many servers answer
 * `/items/NEW` or `/items/new;v=1` as `/items/new`.
 */
import { pathLike } from '../envoy/authorization.ts';
import { extension } from '../envoy/typed.ts';
import type { ServiceModel } from '../service-model.ts';
import {
  AMBIGUOUS_PATHS,
  answeredMethods,
  exactExpression,
  looseExpression,
  type HttpOperation,
} from '../operations/index.ts';
import type { ExportMode } from '../report/mode.ts';
import { REFUSALS, rulesFor } from '../report/shadow-rules.ts';
import type { Workload } from './options.ts';
import { envoyFilter, insertFirst, type Resource } from './resource.ts';

export function spellingsFilter(service: ServiceModel, workload: Workload, mode: ExportMode): Resource {
  const policy = {
    permissions: [...AMBIGUOUS_PATHS.map(pathLike), ...otherSpellings(exceptionsOf(service))],
    principals: [{ any: true }],
  };
  const value = extension(
    'waybill.spellings',
    'rbac',
    rulesFor(mode, REFUSALS, { action: 'DENY', policies: { 'ambiguous-path': policy } }),
  );
  return envoyFilter(`${workload.name}-waybill-paths`, workload, [insertFirst(value)]);
}

/** What one scope names more exactly than another; the policies take only the written form away from the other. */
function exceptionsOf({ inbound }: ServiceModel): readonly HttpOperation[] {
  const all = inbound.flatMap(({ operations }) => operations.flatMap(({ except }) => except));
  return [...new Map(all.map((one) => [JSON.stringify([one.method, one.path]), one])).values()];
}

function otherSpellings(exceptions: readonly HttpOperation[]): object[] {
  // `/items/new` and `/items/NEW` may both be in the graph.
  const named = exceptions.filter(({ path }) => path.every(({ kind }) => kind === 'literal'));
  return exceptions.map((exception) => {
    const written = [...new Set([exception, ...named].map(({ path }) => exactExpression(path)))];
    return {
      and_rules: {
        rules: [
          ...methodRules(exception),
          pathLike(looseExpression(exception.path)),
          { not_rule: { or_rules: { rules: written.map(pathLike) } } },
        ],
      },
    };
  });
}

function methodRules({ method }: HttpOperation): object[] {
  if (method === undefined) return [];
  const rules = answeredMethods(method).map((exact) => ({
    header: { name: ':method', string_match: { exact } },
  }));
  return [{ or_rules: { rules } }];
}
