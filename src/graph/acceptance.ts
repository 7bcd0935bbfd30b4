/**
 * Findings that the authors of a graph have looked at and live with: a code, a place, a reason, and a day until which
 * that holds. In: what the files say under `accepted`, and all findings. Out: those that are left, and those that were
 * accepted. Each place is accepted by itself: a cause with other places stands there. Only warnings can be: an error must not be silenced by the change that brings it.
 */
import { getOrAdd } from '../get-or-add.ts';
import { explanations, type FindingCode } from './explanations.ts';
import { mergeCauses } from './causes.ts';
import { dayOf, isDay } from './day.ts';
import { compareByPlace, type Finding, type Findings, type Found, type Place } from './finding.ts';
import { Fields } from './declare/fields.ts';
import type { At } from './declare/declaration.ts';
import type { GraphDocument } from './load/merge.ts';
import type { MapEntry, MapNode, Node } from './load/yaml.ts';
import { didYouMean } from './names.ts';

export interface AcceptedFinding extends Finding {
  readonly reason: string;
  /** The last day on which it counts as accepted, YYYY-MM-DD in UTC. */
  readonly until: string;
}

interface Acceptance {
  readonly code: FindingCode;
  readonly at: At<string>;
  readonly reason: string;
  readonly until: string;
}

/** What says that something else was or was not accepted is not accepted itself. */
const NEVER: ReadonlySet<string> = new Set(['unused-acceptance', 'too-many-findings']);

export class Acceptances {
  readonly #list: readonly Acceptance[];
  readonly #owners: Owners | undefined;

  /**
   * Judges what is written under `accepted`; what is wrong there accepts nothing.
   *
   * @param overlays those that the document has applied.
   */
  constructor(document: GraphDocument, overlays: readonly MapNode[], findings: Findings) {
    this.#list = document.accepted.flatMap((node) => readAcceptance(new Fields(node), findings) ?? []);
    this.#owners = this.#list.length > 0 ? new Owners(document, overlays) : undefined;
  }

  /**
   * @param now seconds since the epoch.
   * @param unjudged kinds of findings that were not looked for.
   * @returns by file and place: the findings that stand, and those that are accepted.
   */
  apply(
    findings: Findings,
    now: number,
    unjudged: readonly FindingCode[] = [],
  ): { readonly open: readonly Finding[]; readonly accepted: readonly AcceptedFinding[] } {
    const owners = this.#owners;
    if (!owners) return { open: mergeCauses(findings.sorted()), accepted: [] };
    const today = dayOf(now);
    const used = new Set<Acceptance>();
    const covered = new Map<Found, Acceptance>();
    const ended = new Map<Found, string>();
    for (const found of findings.sorted()) {
      const owner = found.severity === 'warning' ? owners.of(found) : undefined;
      const meant = this.#list.filter(({ code, at }) => code === found.code && owner?.has(at.value));
      for (const each of meant) used.add(each);
      const holding = meant.find(({ until }) => until >= today);
      if (holding) covered.set(found, holding);
      else if (meant[0]) ended.set(found, meant[0].until);
    }
    // With an error, much is not looked at; what would be accepted there may come yet.
    for (const each of this.#list) {
      if (used.has(each) || unjudged.includes(each.code)) continue;
      if (findings.hasErrors) findings.leaveOut('unused-acceptance');
      else reportUnused(each, findings);
    }
    const open = findings.sorted().flatMap((found): Found[] => {
      if (covered.has(found)) return [];
      const until = ended.get(found);
      return [until === undefined ? found : { ...found, note: `It was accepted until ${until}.` }];
    });
    return { open: mergeCauses(open), accepted: mergeAccepted(covered) };
  }
}

/** What was accepted for one reason until one day, and has one cause, is one. */
function mergeAccepted(covered: ReadonlyMap<Found, Acceptance>): AcceptedFinding[] {
  const alike = new Map<string, { reason: string; until: string; found: Found[] }>();
  for (const [found, { reason, until }] of covered)
    getOrAdd(alike, JSON.stringify([reason, until]), () => ({ reason, until, found: [] })).found.push(found);
  return [...alike.values()]
    .flatMap(({ reason, until, found }) =>
      mergeCauses(found).map((finding): AcceptedFinding => ({ ...finding, reason, until })),
    )
    .sort(compareByPlace);
}

function readAcceptance(fields: Fields, findings: Findings): Acceptance | undefined {
  const code = fields.text('code');
  const at = fields.text('at');
  const reason = fields.text('reason');
  const until = fields.text('until');
  if (!code || !at || !reason || !until) return undefined; // the schema has said so
  if (!isCode(code.value)) {
    findings.add(
      'unknown-code',
      code,
      `No finding has the code ${code.value}.`,
      () => didYouMean(code.value, Object.keys(explanations)) || '`waybill explain` lists them all.',
    );
    return undefined;
  }
  if (explanations[code.value].severity === 'error' || NEVER.has(code.value)) {
    findings.add(
      'accepted-error',
      code,
      `${code.value} cannot be accepted: only warnings about the graph can.`,
      'Mend what it tells of.',
    );
    return undefined;
  }
  if (!isDay(until.value)) {
    findings.add('invalid-value', until, `${until.value} is no day.`, 'Write a day as 2027-03-31.');
    return undefined;
  }
  return { code: code.value, at, reason: reason.value, until: until.value };
}

function isCode(text: string): text is FindingCode {
  return Object.hasOwn(explanations, text);
}

function reportUnused({ code, at }: Acceptance, findings: Findings): void {
  findings.add(
    'unused-acceptance',
    at,
    `Nothing is found with the code ${code} at ${at.value}.`,
    'Take it out, or name the place as `service`, `service:scope`, `claims.name`, `zones.name`, `conditions.name`, or a setting as `defaults` or `vars.name`.',
  );
}

interface Owner {
  readonly line: number;
  readonly column: number;
  readonly names: ReadonlySet<string>;
}

/** Whose every place of the files is: what was declared last before it. */
class Owners {
  readonly #files = new Map<string, Owner[]>();

  constructor({ sections, settings }: GraphDocument, overlays: readonly MapNode[]) {
    for (const [section, entries] of Object.entries(sections)) this.#addSection(section, entries);
    for (const [name, node] of Object.entries(settings)) this.#addSetting(node, node, [name]);
    for (const { entries } of overlays) {
      for (const [name, { key, value }] of entries) {
        if (!Object.hasOwn(sections, name)) this.#addSetting(key, value, [name]);
        else if (value.kind === 'map') this.#addSection(name, value.entries);
      }
    }
    for (const owners of this.#files.values()) owners.sort(compareInFile);
  }

  /** @param names those of what is around it, and last its own: `vars`, `vars.domain`. */
  #addSetting(place: Place, value: Node, names: readonly string[]): void {
    this.#add(place, names);
    for (const [name, entry] of new Fields(value).entries())
      this.#addSetting(entry.key, entry.value, [...names, `${names.at(-1)}.${name}`]);
  }

  #addSection(section: string, entries: ReadonlyMap<string, MapEntry>): void {
    for (const [name, entry] of entries) {
      const names = [name, `${section}.${name}`];
      this.#add(entry.key, isParty(section) ? names : names.slice(1));
      if (section === 'services') this.#addScopes(name, names, entry);
    }
  }

  #addScopes(service: string, names: readonly string[], { value }: MapEntry): void {
    const fields = new Fields(value);
    for (const [, { key }] of fields.entries()) this.#add(key, names);
    for (const [scope, { key }] of fields.entries('scopes'))
      this.#add(key, [`${service}:${scope}`, `services.${service}:${scope}`]);
  }

  #add({ source, offset }: Place, names: readonly string[]): void {
    const owners = getOrAdd(this.#files, source.file, () => []);
    owners.push({ ...source.locate(offset), names: new Set(names) });
  }

  /** All names of what a finding is about. */
  of(found: Found): ReadonlySet<string> | undefined {
    return this.#files.get(found.file)?.findLast((owner) => compareInFile(owner, found) <= 0)?.names;
  }
}

function isParty(section: string): boolean {
  return section === 'clients' || section === 'services' || section === 'subjects';
}

function compareInFile(a: Pick<Owner, 'line' | 'column'>, b: Pick<Owner, 'line' | 'column'>): number {
  return a.line - b.line || a.column - b.column;
}
