/**
 * `owners`: every party has one, stands in a file of that owner, and is in no zone of others. So whoever may change a file can
 * speak for the owners of that file alone.
 */
import { dirname, relative, resolve, sep } from 'node:path';
import { getOrAdd } from '../../get-or-add.ts';
import type {
  ClientDeclaration,
  GraphDeclaration,
  OwnerDeclaration,
  ServiceDeclaration,
} from '../declare/declaration.ts';
import { causeOfParties } from '../causes.ts';
import type { Findings, Place } from '../finding.ts';
import { pointerTo } from '../misread.ts';
import { fewNames } from '../name-list.ts';
import { matchesPath, patternFault } from '../path-pattern.ts';
import { checkKnown } from './names.ts';

type Party = ClientDeclaration | ServiceDeclaration;

export function checkOwners(graph: GraphDeclaration, findings: Findings): void {
  const parties: Party[] = [...graph.clients.values(), ...graph.services.values()];
  for (const party of parties) checkZone(party, graph, findings);
  const { owners } = graph;
  if (!owners) return;
  for (const zone of graph.zones.values())
    for (const owner of zone.owners ?? []) checkKnown('unknown-owner', 'owner', owner, owners, findings);
  for (const owner of owners.values()) checkPatterns(owner, findings);
  const files = new FilesOfOwners(graph);
  for (const party of parties) checkOwner(party, owners, files, findings);
}

function checkOwner(
  party: Party,
  owners: ReadonlyMap<string, OwnerDeclaration>,
  files: FilesOfOwners,
  findings: Findings,
): void {
  const { name, owner } = party;
  if (!owner) {
    findings.add(
      'missing-key',
      party,
      `${name} has no \`owner\`.`,
      `Name who answers for it: ${fewNames([...owners.keys()])}.`,
      [pointerTo('scopes' in party ? 'services' : 'clients', name)],
      causeOfParties('without owner', name, (names) => `${names} have no \`owner\`.`),
    );
    return;
  }
  checkKnown('unknown-owner', 'owner', owner, owners, findings);
  const declared = owners.get(owner.value);
  if (!declared) return;
  const file = files.pathOf(party, declared);
  if (files.include(file, declared)) return;
  findings.add(
    'owner-outside-path',
    party,
    `${name} belongs to ${owner.value} and stands in ${file}, which is not among the files of ${owner.value}: ${fewNames(declared.paths.map(({ value }) => value))}.`,
    'Move it to a file of its owner, or ask whoever reviews `owners` to add this one.',
    [pointerTo('owners', owner.value)],
    causeOfParties(
      `${file} of ${owner.value}`,
      name,
      (names) =>
        `${names} belong to ${owner.value} and stand in ${file}, which is not among the files of ${owner.value}.`,
    ),
  );
}

function checkPatterns({ paths }: OwnerDeclaration, findings: Findings): void {
  for (const path of paths) {
    const fault = patternFault(path.value);
    if (fault === undefined) continue;
    findings.add(
      'invalid-value',
      path,
      `The pattern ${JSON.stringify(path.value)} ${fault}.`,
      'For example payments/*.yaml, or payments/** for all files in a folder and below.',
    );
  }
}

/** Where parties stand, as the owners' patterns name it. */
class FilesOfOwners {
  readonly #files: GraphDeclaration['files'];
  readonly #known = new Map<OwnerDeclaration, Map<string, boolean>>();
  readonly #paths = new Map<string, string>();

  constructor({ files }: GraphDeclaration) {
    this.#files = files;
  }

  /** Relative to the file that lists the owners. */
  pathOf({ source }: Place, owner: OwnerDeclaration): string {
    const file = this.#files.get(source) ?? source.file;
    return getOrAdd(this.#paths, file, () => {
      const list = this.#files.get(owner.source) ?? owner.source.file;
      return relative(dirname(resolve(list)), resolve(file)).replaceAll(sep, '/');
    });
  }

  include(path: string, owner: OwnerDeclaration): boolean {
    const known = getOrAdd(this.#known, owner, () => new Map<string, boolean>());
    return getOrAdd(
      known,
      path,
      () =>
        !path.startsWith('../') &&
        owner.paths.some(({ value }) => !patternFault(value) && matchesPath(value, path)),
    );
  }
}

function checkZone(
  { name, owner, zone, ...at }: Party,
  { zones }: GraphDeclaration,
  findings: Findings,
): void {
  const owners = zone && zones.get(zone.value)?.owners;
  if (!owners || owners.some(({ value }) => value === owner?.value)) return;
  findings.add(
    'zone-closed',
    { source: at.source, offset: at.offset },
    `${name} is in the zone ${zone.value} and belongs to ${owner?.value ?? 'no one'}; the zone is for: ${fewNames(owners.map(({ value }) => value)) || 'no one'}.`,
    'Put it into another zone, or ask whoever owns the zone to add its owner.',
    [pointerTo('zones', zone.value)],
    causeOfParties(
      `${zone.value} of ${owner?.value ?? ''}`,
      name,
      (names) => `${names} are in the zone ${zone.value} and belong to ${owner?.value ?? 'no one'}.`,
    ),
  );
}
