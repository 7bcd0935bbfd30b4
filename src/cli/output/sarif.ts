/** Findings as SARIF 2.1.0 (OASIS), for code hosts and editors. */
import { isAbsolute } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Invocation, Location, Log, ReportingDescriptor, Result } from 'sarif';
import {
  explanations,
  type AcceptedFinding,
  type Finding,
  type FindingCode,
  type FindingPlace,
} from '../../graph/index.ts';

interface Results {
  readonly findings: readonly Finding[];
  /** What is said of findings that an error has kept back: a notification (section 3.58). */
  readonly leftOut: string | undefined;
  /** Warnings that the graph accepts: suppressed results (section 3.35). */
  readonly accepted: readonly AcceptedFinding[];
  /** Gives a file's path in the repository. */
  readonly pathOf: (file: string) => string;
}

/** @param version of this program. */
export function sarif({ findings, leftOut, accepted, pathOf }: Results, version: string): Log {
  const codes = [...new Set([...findings, ...accepted].map(({ code }) => code))].sort();
  const result = (finding: Finding) => resultOf(finding, codes, pathOf);
  return {
    $schema: 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'waybill', version, rules: codes.map(ruleOf) } },
        columnKind: 'utf16CodeUnits',
        ...(leftOut === undefined ? {} : { invocations: [invocation(leftOut)] }),
        results: [
          ...findings.map(result),
          ...accepted.map((finding): Result => ({
            ...result(finding),
            suppressions: [{ kind: 'inSource', justification: `${finding.reason} (until ${finding.until})` }],
          })),
        ],
      },
    ],
  };
}

function invocation(text: string): Invocation {
  return { executionSuccessful: true, toolExecutionNotifications: [{ level: 'note', message: { text } }] };
}

function ruleOf(code: FindingCode): ReportingDescriptor {
  const { severity, title, text } = explanations[code];
  return {
    id: code,
    shortDescription: { text: title },
    fullDescription: { text },
    defaultConfiguration: { level: severity },
  };
}

function resultOf(finding: Finding, codes: readonly FindingCode[], pathOf: Results['pathOf']): Result {
  const { code, severity, file, message, hint, places } = finding;
  return {
    ruleId: code,
    ruleIndex: codes.indexOf(code),
    level: severity,
    message: { text: hint === '' ? message : `${message} ${hint}` },
    ...(file === '' ? {} : { locations: [locationOf(finding, pathOf)] }),
    // Section 3.27.22: further places of the same cause. `locations` is for what only a change at all of them mends.
    ...(places.length === 0
      ? {}
      : {
          relatedLocations: places.map((place, id) => ({
            id,
            ...locationOf(place, pathOf),
            message: { text: 'Also here.' },
          })),
        }),
  };
}

function locationOf({ file, line, column }: FindingPlace, pathOf: Results['pathOf']): Location {
  return {
    physicalLocation: {
      artifactLocation: { uri: uriOf(pathOf(file)) },
      region: { startLine: line, startColumn: column },
    },
  };
}

/** Relative to the top of the repository; a path outside it becomes a file URL. */
function uriOf(file: string): string {
  return isAbsolute(file) ? pathToFileURL(file).href : file.split('/').map(encodeURIComponent).join('/');
}
