/** Compares the settings of the issuer, of subject providers and of claims. In: the authority of two graphs. */
import { isCarried, type ClaimPlan, type SubjectPlan } from '../../graph/index.ts';
import type { Authority } from './authority.ts';
import { difference, inProse, same, type Change, type ChangeKind, type Impact } from './change.ts';
import { carriedClaims } from './clients.ts';

export function compareIssuers(older: Authority, newer: Authority): Change[] {
  const [before, after] = [older.plan.issuer, newer.plan.issuer];
  const changes: Change[] = [];
  const differ = (
    kind: ChangeKind,
    was: unknown,
    is: unknown,
    what: string,
    mark: Impact = 'neutral',
  ): void => {
    if (!same(was, is)) changes.push({ mark, kind, party: { kind: 'issuer' }, what });
  };
  const { url, lifetime, reuse, signing, encoding, overflow } = after;
  const longer = lifetime > before.lifetime ? 'widens' : 'narrows';
  const life = `a root token lives ${lifetime} s, not ${before.lifetime} s`;
  const ignored = [before, after].map(({ ignoreScopes }) => [...ignoreScopes].sort());
  const dropped = `scopes that are dropped from requests: ${inProse([...after.ignoreScopes]) || 'none'}`;
  differ('issuer', before.url, url, `tokens are issued by ${url}, not by ${before.url}`, 'widens');
  differ('lifetime', before.lifetime, lifetime, life, longer);
  differ('reuse', before.reuse, reuse, `a client's tree is ${reusedFor(reuse)}`);
  differ('signing', before.signing, signing, `tokens are signed with ${signing}, not with ${before.signing}`);
  differ('encoding', before.encoding, encoding, `trees travel ${encoding}, not ${before.encoding}`);
  const overflows = `a tree that does not fit a hop: ${overflow}, not ${before.overflow}`;
  differ('overflow', before.overflow, overflow, overflows);
  for (const limit of ['tokens', 'depth', 'nested'] as const) {
    const [was, is] = [before.limits[limit], after.limits[limit]];
    differ('limits', was, is, `the limit \`${limit}\` of a tree is ${is}, not ${was}`);
  }
  differ('scope', ignored[0], ignored[1], dropped);
  const { contextType } = after;
  const typed = `the type of \`authorization_details\` is ${contextType}, not ${before.contextType}`;
  differ('issuer', before.contextType, contextType, typed);
  return [...changes, ...compareProviders(older, newer), ...compareClaims(older, newer)];
}

/** Neutral: the same client gets the same authority, and never for longer. */
function reusedFor(reuse: number | undefined): string {
  return reuse === undefined ? 'made anew for each request' : `given to it again for up to ${reuse} s`;
}

/** Of providers in both graphs; neutral where no client may exchange their tokens. */
function compareProviders(older: Authority, newer: Authority): Change[] {
  return [...newer.plan.subjects.values()].flatMap((after): Change[] => {
    const before = older.plan.subjects.get(after.name);
    if (!before) return [];
    const used = isUsed(after.name, older) && isUsed(after.name, newer);
    return compareProvider(before, after).map(([mark, what]) => ({
      mark: used ? mark : 'neutral',
      kind: 'provider',
      party: { kind: 'subject', name: after.name },
      what,
    }));
  });
}

function isUsed(subject: string, { plan }: Authority): boolean {
  return [...plan.clients.values()].some(({ subjects }) => subjects.some(({ name }) => name === subject));
}

function compareProvider(before: SubjectPlan, after: SubjectPlan): [Impact, string][] {
  const { name } = after;
  const changes: [Impact, string][] = [];
  const replaced = (what: string, was: string | undefined, is: string | undefined): void => {
    if (was !== is)
      changes.push([
        'widens',
        `${what} of ${name} is ${is ?? 'found by discovery'}, not ${was ?? 'found by discovery'}`,
      ]);
  };
  replaced('the issuer', before.issuer, after.issuer);
  replaced('the key set', before.jwksUri, after.jwksUri);
  replaced('the audience', before.audience, after.audience);
  replaced('the prefix of subjects', JSON.stringify(before.prefix), JSON.stringify(after.prefix));
  const set = (what: string, was: readonly string[], is: readonly string[], anyWhereEmpty = false): void => {
    const { added, removed } = difference(was, is);
    if (added.length + removed.length === 0) return;
    const sentence = `${what} of ${name}: ${inProse(is) || 'any'}, not ${inProse(was) || 'any'}`;
    const opens = anyWhereEmpty ? is.length === 0 || (was.length > 0 && added.length > 0) : added.length > 0;
    changes.push([opens ? 'widens' : 'narrows', sentence]);
  };
  set('the algorithms', before.algorithms, after.algorithms);
  set('the types of tokens', before.tokenTypes, after.tokenTypes);
  set('the authorized parties', before.authorizedParties, after.authorizedParties, true);
  if (before.act !== after.act)
    changes.push(
      after.act === 'ignore'
        ? ['widens', `a delegated token of ${name} (with \`act\`) counts as its user's own`]
        : ['narrows', `a delegated token of ${name} (with \`act\`) is refused`],
    );
  if (!same(before.acr && [...before.acr], after.acr && [...after.acr]))
    changes.push(['widens', `other logins of ${name} have the levels of the graph (\`acr\`)`]);
  if (before.subMaxBytes !== after.subMaxBytes)
    changes.push([
      after.subMaxBytes > before.subMaxBytes ? 'widens' : 'narrows',
      `a subject of ${name} has at most ${after.subMaxBytes} bytes, not ${before.subMaxBytes}`,
    ]);
  return changes;
}

/** Claims that tokens carry in both graphs. */
function compareClaims(older: Authority, newer: Authority): Change[] {
  const before = claimsOf(older);
  let carried: ReadonlySet<string> | undefined;
  return [...claimsOf(newer).values()].flatMap((claim): Change[] => {
    const earlier = before.get(claim.name);
    if (!earlier) return [];
    const party = { kind: 'claim', name: claim.name } as const;
    const counts = (): boolean => (carried ??= carriedClaims(older, newer)).has(claim.name);
    const changes: Change[] = [];
    if (!same(contentOf(earlier), contentOf(claim))) {
      const what = `the claim ${claim.name} is ${originOf(claim)}, not ${originOf(earlier)}`;
      changes.push({ mark: counts() ? 'widens' : 'neutral', kind: 'claim-source', party, what });
    }
    changes.push(
      ...compareAllowed(earlier, claim).map(([mark, what]): Change => ({
        mark: counts() ? mark : 'neutral',
        kind: 'claim-type',
        party,
        what,
      })),
    );
    const [was, is] = [earlier, claim].map(({ maxBytes }) => maxBytes);
    if (was !== undefined && is !== undefined && was !== is && [claim, earlier].every(isCarried)) {
      const mark = !counts() ? 'neutral' : is > was ? 'widens' : 'narrows';
      const what = `a value of the claim ${claim.name} has at most ${is} bytes, not ${was}`;
      changes.push({ mark, kind: 'claim-bound', party, what });
    }
    return changes;
  });
}

/** What values a claim can have. */
function compareAllowed(before: ClaimPlan, after: ClaimPlan): [Impact, string][] {
  const { name } = after;
  const changes: [Impact, string][] = [];
  if (before.type !== after.type) {
    const mark = before.type === 'any' ? 'narrows' : 'widens';
    changes.push([mark, `a value of the claim ${name} is of the type ${after.type}, not ${before.type}`]);
  }
  const texts = (values: readonly unknown[] | undefined): string[] | undefined =>
    values?.map((value) => JSON.stringify(value));
  const [was, is] = [texts(before.values), texts(after.values)];
  if (is && !was) changes.push(['narrows', `a value of the claim ${name} is now one of ${inProse(is)}`]);
  if (was && !is) changes.push(['widens', `a value of the claim ${name} is no longer one of a list`]);
  if (was && is) {
    const { added, removed } = difference(was, is);
    if (added.length > 0)
      changes.push(['widens', `a value of the claim ${name} may now be ${inProse(added)}`]);
    if (removed.length > 0)
      changes.push(['narrows', `a value of the claim ${name} may no longer be ${inProse(removed)}`]);
  }
  return changes;
}

function claimsOf(authority: Authority): ReadonlyMap<string, ClaimPlan> {
  const claims = new Map<string, ClaimPlan>();
  for (const { body } of authority.tokens.values())
    for (const { claim } of body.claims) claims.set(claim.name, claim);
  return claims;
}

/** The path of a value among the client's own claims has no effect on a token. */
function contentOf({ source }: ClaimPlan): unknown {
  return 'from' in source && source.from === 'client' ? { from: 'client' } : source;
}

function originOf({ source }: ClaimPlan): string {
  if ('value' in source) return JSON.stringify(source.value);
  return 'path' in source
    ? `${source.path} of the ${source.from}`
    : `set by the ${source.setBy} of a request`;
}
