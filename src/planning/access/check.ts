/**
 * Access analysis of a whole graph (rule 8). In: a plan and all its trees. Out: findings at each service whose
 * tokens other parties could present, and at each use of a claim that parties outside its zones can read.
 */
import { getOrAdd } from '../../get-or-add.ts';
import {
  partyNames,
  type ClaimPlan,
  type Findings,
  type Plan,
  type PlannedTrees,
  type ServicePlan,
} from '../../graph/index.ts';
import { Parties, describeParty, mayRead, type Party } from './parties.ts';
import { Readers, audiencesOf, type Block } from './readers.ts';
import { ZoneRemedies } from './zone-remedies.ts';

export function checkAccess(plan: Plan, trees: PlannedTrees, findings: Findings): void {
  const parties = new Parties(plan);
  const zoned = zonedClaims(trees, parties);
  const unchecked = [...plan.services.values()].some(({ caller }) => caller === 'none');
  if (zoned.size === 0 && !unchecked) return;
  const readers = new Readers({
    roots: trees.list.map(({ client, shape: { body }, calls }) => ({
      body,
      holders: parties.rootReaders(client, body.service, calls),
    })),
    bodies: trees.bodies.keys(),
    columns: parties,
    fetched: (branch) => trees.fetchedBy(branch),
  });
  const presenters = new FoundParties<ServicePlan>(parties);
  const outsiders = new Map<ServicePlan, FoundParties<ClaimPlan>>();
  for (const block of readers.blocks()) {
    if (unchecked) collectPresenters(readers, block, parties, presenters);
    if (zoned.size > 0) collectOutsiders(readers, block, zoned, parties, outsiders);
  }
  const forwarded = new Set<ServicePlan>();
  const sealed = new Set<ServicePlan>();
  for (const { callee, branch } of readers.edges) {
    if (branch.mode === 'forward') forwarded.add(callee);
    if (branch.seal) sealed.add(callee);
  }
  for (const [service, found] of presenters) {
    const how = { isForwarded: forwarded.has(service), isSealed: sealed.has(service) };
    reportPresenters(plan, service, found, how, findings);
  }
  if (outsiders.size === 0) return;
  const remedies = new ZoneRemedies(plan, readers);
  for (const [service, claims] of outsiders)
    for (const [claim, found] of claims) reportOutsiders(plan, service, claim, found, remedies, findings);
}

/**
 * A party that can read a token can take out the tokens that it embeds, and present them to every service that does not
 * check its caller.
 */
function collectPresenters(
  readers: Readers,
  block: Block,
  parties: Parties,
  presenters: FoundParties<ServicePlan>,
): void {
  const sets = new Map<ServicePlan, Uint32Array>();
  for (const { from, to, branch } of readers.edges) {
    if (branch.mode !== 'embed') continue;
    const presenter = readers.bodies[from]!.service;
    const audiences = audiencesOf(readers.bodies[to]!);
    const own = [presenter, ...audiences].map(parties.columnOf);
    for (const service of audiences) {
      if (service.caller !== 'none') continue;
      const set = getOrAdd(sets, service, () => block.set());
      block.collect(from, set, own);
    }
  }
  for (const [service, set] of sets) presenters.add(service, block, set);
}

/** The carried claims that some party must not read, with the columns of those parties. */
function zonedClaims(trees: PlannedTrees, parties: Parties): ReadonlyMap<ClaimPlan, readonly number[]> {
  const carried = new Set<ClaimPlan>();
  for (const { claims } of trees.bodies.keys())
    for (const { claim } of claims) if (claim.zones) carried.add(claim);
  const outside = [...carried].map(
    (claim) => [claim, parties.where((party) => !mayRead(claim, party))] as const,
  );
  return new Map(outside.filter(([, columns]) => columns.length > 0));
}

function collectOutsiders(
  readers: Readers,
  block: Block,
  zoned: ReadonlyMap<ClaimPlan, readonly number[]>,
  parties: Parties,
  outsiders: Map<ServicePlan, FoundParties<ClaimPlan>>,
): void {
  const masks = new Map([...zoned].map(([claim, columns]) => [claim, block.maskOf(columns)]));
  const sets = new Map<ServicePlan, Map<ClaimPlan, Uint32Array>>();
  for (const [row, { service, claims }] of readers.bodies.entries()) {
    for (const { claim } of claims) {
      const mask = masks.get(claim);
      if (!mask || !block.hasAny(row, mask)) continue;
      const ofService = getOrAdd(sets, service, () => new Map<ClaimPlan, Uint32Array>());
      const set = getOrAdd(ofService, claim, () => block.set());
      block.collectAmong(row, set, mask);
    }
  }
  for (const [service, ofService] of sets) {
    const found = getOrAdd(outsiders, service, () => new FoundParties<ClaimPlan>(parties));
    for (const [claim, set] of ofService) found.add(claim, block, set);
  }
}

/** Most names in a message; a large graph has thousands of parties. */
const SHOWN = 5;

interface Found {
  /** No more than are shown. */
  readonly outside: Party[];
  readonly inside: Party[];
  readonly count: { outside: number; inside: number };
  /** Whether there are more than are counted. */
  readonly isCut?: boolean;
}

/** Collects parties block by block. */
class FoundParties<What> {
  readonly #parties: Parties;
  readonly #found = new Map<What, Found>();

  constructor(parties: Parties) {
    this.#parties = parties;
  }

  add(what: What, block: Block, set: Uint32Array): void {
    for (const column of block.columnsOf(set)) {
      const party = this.#parties.list[column]!;
      const found = getOrAdd(this.#found, what, () => ({
        outside: [],
        inside: [],
        count: { outside: 0, inside: 0 },
      }));
      const side = party.outside ? 'outside' : 'inside';
      if (found.count[side]++ < SHOWN) found[side].push(party);
    }
  }

  [Symbol.iterator](): Iterator<[What, Found]> {
    return this.#found[Symbol.iterator]();
  }
}

function reportPresenters(
  plan: Plan,
  service: ServicePlan,
  found: Found,
  { isForwarded, isSealed }: { readonly isForwarded: boolean; readonly isSealed: boolean },
  findings: Findings,
): void {
  const named = [...found.outside, ...found.inside];
  const client = named.some(({ kind, name }) => kind === 'client' && plan.clients.get(name)?.token === 'jwt');
  findings.add(
    found.count.outside > 0 ? 'spendable-outside' : 'spendable-by-others',
    service,
    `${service.name} does not check its callers, and these could present a token that is not theirs: ${names(plan, found, ({ outside }) => outside)}.`,
    `${isSealed ? CARRIED : ''}${waysToEnd(false, isForwarded, client)}`,
    [],
    {
      key: `${isForwarded ? 'forwarded' : 'unchecked'}${isSealed ? ' sealed' : ''}`,
      part: { name: service.name, found, client },
      words: (parts) => ({
        message: `${partyNames(parts.map(({ name }) => name))} do not check their callers, and these could present tokens that are not theirs: ${names(plan, together(parts.map((part) => part.found)), ({ outside }) => outside)}.`,
        hint: `${isSealed ? CARRIED : ''}${waysToEnd(
          true,
          isForwarded,
          parts.some((part) => part.client),
        )} \`waybill plan --holders\` shows who can present which.`,
      }),
    },
  );
}

/** Sealing is no caller check. */
const CARRIED = 'Sealing hides what a token says, and whoever carries it can still present it. ';

/** @param client whether a client is among those who could present a token. */
function waysToEnd(several: boolean, isForwarded: boolean, client: boolean): string {
  const [it, its, token] = several ? ['them', 'their', 'tokens'] : ['it', 'its', 'token'];
  const ways = [
    isForwarded ? `embed ${its} ${token}` : `let ${it} check ${its} callers (\`caller: mtls\`)`,
    `fetch ${its} ${token} on demand (\`mode: exchange\`)`,
    ...(client ? [`give ${its} clients opaque tokens (\`token: opaque\`)`] : []),
  ];
  return `${capitalised(ways.slice(0, -1).join(', '))}, or ${ways.at(-1)}.`;
}

/** Of several services: the first parties of each. */
function together(all: readonly Found[]): Found {
  const distinct = (parties: readonly Party[]): Party[] => [...new Set(parties)];
  const outside = distinct(all.flatMap((found) => found.outside));
  const inside = distinct(all.flatMap((found) => found.inside));
  const isCut = all.some(
    (found) => found.count.outside > found.outside.length || found.count.inside > found.inside.length,
  );
  return { outside, inside, count: { outside: outside.length, inside: inside.length }, isCut };
}

function reportOutsiders(
  plan: Plan,
  service: ServicePlan,
  claim: ClaimPlan,
  found: Found,
  remedies: ZoneRemedies,
  findings: Findings,
): void {
  const uses = [...service.claims, ...[...service.scopes.values()].flatMap((scope) => scope.claims)];
  const zones = [...(claim.zones ?? [])];
  const only = zones.length === 0 ? 'no zone' : `the zone${zones.length > 1 ? 's' : ''} ${partyNames(zones)}`;
  const message = (tokens: string, all: Found) =>
    `The claim ${claim.name} is only for ${only}, but these can read it in the ${tokens}: ${names(plan, all, () => true)}.`;
  const parties = [...found.outside, ...found.inside];
  findings.add(
    'claim-outside-zone',
    uses.find((use) => use.claim === claim)?.at,
    message(`token of ${service.name}`, found),
    remedies.hint(claim, [{ service, parties }]),
    [],
    {
      key: claim.name,
      part: { service, found, parties },
      words: (parts) => ({
        message: message(
          `tokens of ${partyNames(parts.map((part) => part.service.name))}`,
          together(parts.map((part) => part.found)),
        ),
        hint: remedies.hint(claim, parts),
      }),
    },
  );
}

/** @param withZone parties whose zone is shown. */
function names(
  plan: Plan,
  { outside, inside, count, isCut }: Found,
  withZone: (party: Party) => boolean,
): string {
  const shown = [...outside, ...inside]
    .slice(0, SHOWN)
    .map((party) => describeParty(plan, party, withZone(party)));
  const more = count.outside + count.inside - shown.length;
  if (isCut) return `${shown.join(', ')} and others`;
  return more > 0 ? `${shown.join(', ')} and ${more} more` : shown.join(', ');
}

function capitalised(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
