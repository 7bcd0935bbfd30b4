/** Trees whose structure was changed, at all who give authority for a token: nothing is accepted as more than was issued. */
import { LRUCache } from 'lru-cache';

import { proofOf } from '../../../src/cli/output/tree-proof.ts';
import { isWaybillError } from '../../../src/errors.ts';
import { extractor, type CallHeaders, type Extractor } from '../../../src/middleware/index.ts';
import {
  keySet,
  pack,
  tokenVerifier,
  unfoldTree,
  unpack,
  verifyTree,
  type TokenVerifier,
} from '../../../src/token/index.ts';
import { diceOf, type Dice } from '../dice.ts';
import { refusal } from '../judge.ts';
import { editJwt } from '../mutate/jwt.ts';
import { bundleOf, closed, editPacked } from '../mutate/packed.ts';
import { recut } from '../mutate/recut.ts';
import { changedTree } from '../mutate/tree.ts';
import { ACCEPTED, Broken, refusedAs, type OpenTarget, type Outcome, type Target } from '../target.ts';
import {
  GATEWAY,
  growForest,
  isSealed,
  payloadOf,
  type Forest,
  type Grown,
  type Payload,
  type Whole,
} from '../world/forest.ts';
import { plainText } from '../world/plain.ts';
import { ISSUER, clock, forgerKey, partyOf, publishedBy } from '../world/shop.ts';

export const trees: Target = {
  name: 'trees',
  reads: 'trees with another structure: extractors of every service, exchange, introspection, swap, proof',
  open,
};

/** Bytes of choices: one input is what is done to which tree, and who reads it. */
const CHOICES = 40;
const VAULT = 'https://vault.fuzz.example';
/** Bytes; no tree of the forest is larger. */
const BUDGET = 128 * 1024;

async function open(): Promise<OpenTarget> {
  const readers = new Readers(await growForest());
  return {
    input: (dice) => dice.bytes(CHOICES),
    run: (input) => readers.run(diceOf(input)),
  };
}

/** A token as it is presented, and its parts that the issuer's key signed though it never issued them. */
interface Presented {
  readonly token: string;
  readonly odd: ReadonlySet<string>;
}

class Readers {
  readonly #forest: Forest;
  readonly #extractors: ReadonlyMap<string, Extractor>;
  readonly #verify: TokenVerifier;
  readonly #unpacked = new LRUCache<string, string>({ max: 1_000 });

  constructor(forest: Forest) {
    const { plan, keys } = forest;
    const fetch = publishedBy(keys);
    this.#forest = forest;
    this.#extractors = new Map(
      [...plan.services.values()].map(({ audience }) => [
        audience,
        extractor({
          ...{ issuer: ISSUER, audience, caller: 'mtls', gateways: [GATEWAY], clock, fetch },
          ...{ jwksUri: `${ISSUER}/jwks`, budget: { inbound: BUDGET, outbound: BUDGET } },
          ...(audience === VAULT
            ? { decryption: { keys: [forest.vaultKey.privateJwk] }, seal: 'require' as const }
            : {}),
        }),
      ]),
    );
    this.#verify = tokenVerifier({ issuer: ISSUER, keys: keySet(keys.jwks), clock, maxBytes: BUDGET });
  }

  async run(dice: Dice): Promise<Outcome> {
    const reader = dice.below(16);
    const presented = presentedIn(this.#forest, dice);
    try {
      if (reader < 10) return await this.#extract(presented, dice);
      if (reader < 12) return await this.#exchange(presented, dice);
      if (reader < 14) return await this.#introspect(presented, dice);
      return await this.#prove(presented);
    } catch (error) {
      return refusal(error, this.#forest.secrets, presented.token);
    }
  }

  /** The service for which the token says it is, and its caller; sometimes others. */
  async #extract(presented: Presented, dice: Dice): Promise<Outcome> {
    const seen = glimpse(presented.token, this.#forest);
    const services = [...this.#forest.plan.services.values()];
    const own = services.find(({ audience }) => [seen.aud].flat().includes(audience));
    const { audience, identity } = own === undefined || dice.oneIn(12) ? dice.pick(services) : own;
    const presenter = dice.oneIn(12) ? dice.pick(services).identity : (seen.act?.sub ?? GATEWAY);
    const certificate = { uris: [presenter] };
    const context = await this.#extractors
      .get(audience)!
      .authenticate({ authorization: `Bearer ${presented.token}`, peer: certificate });
    const payload = this.#payloadOf(presented, 'the extractor');
    mustHold(
      [payload.aud].flat().includes(audience),
      'the extractor accepts a token that is for another service',
    );
    mustHold(
      audience !== VAULT || isSealed(presented.token.trim()),
      'the extractor accepts a token without its seal',
    );
    mustHold(
      presenter === (payload.act?.sub ?? GATEWAY),
      'the extractor accepts a token that another party presents',
    );
    const { embedded = {}, on_demand: _names, held: _held, ...shown } = payload;
    const { embedded: _none, on_demand: _same, held: _too, ...said } = context.claims as Partial<Payload>;
    mustHold(isSame(said, shown), 'the extractor shows other claims');
    mustHold(isSame(context.scopes, payload.scope.split(' ')), 'the extractor shows other scopes');
    const actors = actorsOf(payload);
    mustHold(isSame(context.lineage.actors, actors), 'the extractor shows another lineage');
    mustHold(
      !context.lineage.complete || actors.at(-1) === payload.client_id,
      'the extractor shows a lineage as complete that does not begin at the client',
    );
    for (const name of [...Object.keys(embedded), dice.pick(services).name]) {
      await this.#handOn(() => context.headersFor(name), { payload, name, identity }, presented);
    }
    return ACCEPTED;
  }

  /** What a service sends on is what it holds for that callee, and of its own request. */
  async #handOn(
    take: () => CallHeaders,
    { payload, name, identity }: { payload: Payload; name: string; identity: string },
    { odd }: Presented,
  ): Promise<void> {
    let sent: string | undefined;
    try {
      sent = plainText((take().authorization ?? '').slice('Bearer '.length));
    } catch (error) {
      if (isWaybillError(error)) return;
      throw error;
    }
    mustHold(
      sent !== undefined && sent === payload.embedded?.[name],
      'the extractor hands out what it does not hold',
    );
    // Nobody but the callee can read it, who checks it.
    if (isSealed(sent!)) return;
    const child = payloadOf(sent!);
    const kin: readonly (keyof Payload)[] = ['iss', 'sub', 'txn'];
    mustHold(
      kin.every((claim) => child[claim] === payload[claim]) && child.exp <= payload.exp,
      'the extractor hands out a child of another tree',
    );
    const above = child.act?.act;
    mustHold(
      above === undefined || isSame(above, payload.act ?? { sub: payload.client_id }),
      'the extractor hands out a child with other actors',
    );
    // A callee checks what its caller did not.
    if (odd.size > 0 || !this.#extractors.has(child.aud)) return;
    const certificate = { uris: [identity] };
    await this.#extractors
      .get(child.aud)!
      .authenticate({ authorization: `Bearer ${sent}`, peer: certificate });
  }

  async #exchange(presented: Presented, dice: Dice): Promise<Outcome> {
    const { plan, issuer } = this.#forest;
    const seen = glimpse(presented.token, this.#forest);
    const services = [...plan.services.values()].filter(({ auth }) => auth !== undefined);
    const own = services.find(({ audience }) => audience === [seen.aud].flat()[0]);
    const service = own === undefined || dice.oneIn(3) ? dice.pick(services) : own;
    const held = [...Object.keys(seen.on_demand ?? {}), ...Object.keys(seen.embedded ?? {})];
    const callee = dice.pick([...held, dice.pick([...plan.services.keys()])]);
    const [scope = ''] = plan.services.get(callee)?.scopes.keys() ?? [];
    const scopes = dice.oneIn(3) ? [scope] : [];
    const { token } = await issuer.exchange(service, {
      ...{ subjectToken: presented.token, audiences: [callee], resources: [], scopes },
      encoding: 'nested',
    });
    if (isSealed(token)) return ACCEPTED;
    const payload = this.#payloadOf(presented, 'an exchange');
    mustHold(
      [payload.aud].flat()[0] === service.audience,
      'an exchange accepts a token that is for another service',
    );
    const known = this.#forest.byText.get(this.#plain(presented.token) ?? '');
    const whole = known?.whole.children.get(callee);
    // What an odd token may fetch was never recorded; that it is not more than the graph gives is `waybill test`'s.
    if (known !== undefined) {
      mustHold(whole !== undefined, 'an exchange gives a token that the presented one does not lead to');
      requireWithin(token, whole!, known.payload);
    }
    return ACCEPTED;
  }

  async #introspect(presented: Presented, dice: Dice): Promise<Outcome> {
    const { plan, issuer } = this.#forest;
    const seen = glimpse(presented.token, this.#forest);
    const own = [...plan.services.values()].find(({ audience }) => audience === [seen.aud].flat()[0]);
    const party = dice.pick(['edge', 'edge', seen.client_id, own?.name ?? 'front', 'mail']);
    if (!plan.clients.has(party) && !plan.services.has(party)) return refusedAs('no_party');
    const form = dice.oneIn(2) ? 'token' : 'claims';
    const answer = await issuer.introspect(partyOf(plan, party), { token: presented.token, form });
    if (!answer.active) return refusedAs('inactive');
    const payload = this.#payloadOf(presented, 'introspection');
    const mayKnow =
      (party === 'edge' && payload.act === undefined) ||
      party === payload.client_id ||
      [payload.aud].flat().includes(plan.services.get(party)?.audience ?? '');
    mustHold(mayKnow, 'introspection answers a party that may not know the token');
    const { active: _active, token_type: _type, ...said } = answer.claims ?? {};
    for (const [claim, value] of Object.entries(said))
      mustHold(isSame(value, payload[claim]), 'introspection shows other claims');
    if (answer.token !== undefined)
      mustHold(
        this.#plain(answer.token) === this.#plain(presented.token),
        'a swap gives another token than was presented',
      );
    return ACCEPTED;
  }

  async #prove(presented: Presented): Promise<Outcome> {
    const tree = unfoldTree(unpack(presented.token));
    const verdicts = await verifyTree(tree, this.#verify);
    const failed = verdicts.map(({ outcome }) => outcome).find((outcome) => isWaybillError(outcome));
    if (failed !== undefined) throw failed;
    if (!proofOf(tree, this.#forest.plan).holds) return refusedAs('not_proved');
    for (const { node } of verdicts) this.#payloadOf({ ...presented, token: node.compact }, 'a proof');
    return ACCEPTED;
  }

  /** As a reader of the specification alone unpacks it, which is slow. A header may have blanks around its token. */
  #plain(token: string): string | undefined {
    const trimmed = token.trim();
    const inside = this.#forest.opened.get(trimmed);
    if (inside !== undefined) return inside;
    const known = this.#unpacked.get(trimmed);
    if (known !== undefined) return known;
    const text = plainText(trimmed);
    if (text !== undefined && this.#forest.byText.has(text)) this.#unpacked.set(trimmed, text);
    return text;
  }

  /** @throws Broken unless the token was issued as it is, or signed so by mistake. */
  #payloadOf({ token, odd }: Presented, where: string): Payload {
    const text = this.#plain(token);
    const known = text === undefined ? undefined : this.#forest.byText.get(text)?.payload;
    if (known !== undefined) return known;
    mustHold(text !== undefined && odd.has(text), `${where} accepts a token that was never issued`);
    return payloadOf(text!);
  }
}

/** A tree, changed in its structure or in how it is written. */
function presentedIn(forest: Forest, dice: Dice): Presented {
  const tree = dice.pick(dice.oneIn(4) ? forest.tokens : forest.trees);
  const form = dice.below(16);
  const packed = (): readonly string[] => forest.trees.map((one) => one.packed);
  if (form === 0) {
    const token = editPacked(tree.packed, { others: packed(), nested: [tree.text] }, dice);
    return { token, odd: NONE };
  }
  if (form === 1) return { token: mixed(tree, dice.pick(forest.trees), dice), odd: NONE };
  if (form === 2) {
    const others = forest.trees.map(({ text }) => text);
    return { token: editJwt(tree.text, { others, forger: forgerKey.sign }, dice), odd: NONE };
  }
  const { text, odd } = changedTree(tree, forest, dice);
  return { token: form < 10 || isSealed(text) ? text : packedAs(text, form, forest, dice), odd };
}

const NONE: ReadonlySet<string> = new Set();

function packedAs(text: string, form: number, { byText }: Forest, dice: Dice): string {
  if (form < 15) return byText.get(text)?.packed ?? pack(text);
  const bundle = recut(text, dice);
  return bundle === undefined ? text : closed(bundle, dice);
}

/** The records of one bundle with the signatures and ids of another. */
function mixed(one: Grown, other: Grown, dice: Dice): string {
  const [body, pool] = [bundleOf(one.packed), bundleOf(other.packed)];
  if (!body || !pool) return one.text;
  return closed({ body: body.body, pool: pool.pool }, dice);
}

/** What a token says before anyone has looked at it. */
function glimpse(token: string, { opened }: Forest): Partial<Payload> & { readonly client_id: string } {
  try {
    return { ...payloadOf(opened.get(token) ?? unpack(token, { maxNestedBytes: BUDGET })) };
  } catch {
    return { client_id: '' };
  }
}

/** Of a root its client alone. */
function actorsOf({ act, client_id: client }: Payload): string[] {
  const names: string[] = [];
  for (let actor = act; actor; actor = actor.act) names.push(actor.sub);
  return names.length === 0 ? [client] : names;
}

/** Times and ids; the others are compared one by one. */
const OF_ITS_OWN = new Set(['iat', 'exp', 'jti', 'txn', 'scope', 'embedded', 'on_demand', 'held']);

/**
 * A fetched tree is at most the one that would have been inside.
 *
 * @throws Broken
 */
function requireWithin(text: string, whole: Whole, subject: Payload): void {
  const payload = payloadOf(text);
  const [mine, theirs] = [payload, whole.payload].map((one) =>
    Object.entries(one).filter(([name]) => !OF_ITS_OWN.has(name)),
  );
  const allowed = new Map(theirs);
  mustHold(
    mine!.every(([name, value]) => isSame(value, allowed.get(name))),
    'a fetched token says something else than one that would have been inside',
  );
  const scopes = whole.payload.scope.split(' ');
  mustHold(
    payload.scope.split(' ').every((scope) => scopes.includes(scope)),
    'a fetched token has more scopes',
  );
  mustHold(
    payload.txn === subject.txn && payload.exp <= subject.exp,
    'a fetched token is not of the presented one',
  );
  for (const [name, child] of Object.entries(payload.embedded ?? {})) {
    // Sealed with a new key each time; it is opened in the tests of exchanges.
    if (isSealed(child)) continue;
    const inside = whole.children.get(name);
    mustHold(inside !== undefined, 'a fetched token holds a child that was not to be inside');
    requireWithin(child, inside!, subject);
  }
  for (const [name, audience] of Object.entries(payload.on_demand ?? {}))
    mustHold(whole.children.get(name)?.payload.aud === audience, 'a fetched token lets more be fetched');
}

/** @throws Broken */
function mustHold(holds: boolean, message: string): void {
  if (!holds) throw new Broken('nothing wider', message);
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
