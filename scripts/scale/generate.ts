/**
 * A large graph that is in order: every name declared, every scope reached, every budget held. The same numbers give
 * the same graph.
 *
 * Services stand in layers of three kinds. A tree is three levels deep: a top embeds three middles, each of which
 * embeds four leaves, which makes 16 tokens. All other calls are exchanges, which may lead anywhere, so that most of
 * the graph is joined in circles, as real ones are.
 */

export interface Size {
  readonly services: number;
  readonly calls: number;
  readonly clients: number;
  /** Files that the services are spread over. */
  readonly files: number;
  /** Whether clients stand outside every zone, and get references: who reads what is worked out in full. Default: false. */
  readonly outside?: boolean;
  /** Services of a layer. Default: a tenth of them, at most 1,000. */
  readonly perLayer?: number;
  /** Zones that the services are spread over. Default: one, `mesh`. */
  readonly zones?: number;
  /** Whether clients ask for users too, and every tenth service carries a claim of theirs. Default: false. */
  readonly subjects?: boolean;
}

/** Callees that a `read` embeds, by kind of layer: top, middle, leaf. */
const EMBEDDED = [3, 4, 0];
const SCOPES = ['read', 'write'];
const MAX_LAYER = 1_000;

/** Services of a layer: there are ten layers, or more of the largest, unless the size says otherwise. */
const perLayerOf = ({ services, perLayer }: Size): number =>
  perLayer ?? Math.min(MAX_LAYER, Math.ceil(services / 10));
const zonesOf = ({ zones = 1 }: Size): string[] =>
  Array.from({ length: zones }, (_, zone) => (zones === 1 ? 'mesh' : `zone-${zone}`));

export const nameOf = (service: number): string => `service-${service}`;

/** @returns texts by file name */
export function generate(size: Size): Map<string, string> {
  const targets = new Targets(size.services * SCOPES.length);
  const perService = Math.round(size.calls / size.services);
  const services = Array.from({ length: size.services }, (_, service) => {
    const taken = new Set([service]);
    const embedded = embeddedBy(service, size);
    for (const callee of embedded) taken.add(callee);
    const exchanges = Array.from({ length: perService - embedded.length }, () => {
      const target = targets.next((candidate) => !taken.has(calleeOf(candidate)));
      taken.add(calleeOf(target));
      return `${nameOf(calleeOf(target))}: { scopes: [${SCOPES[target % SCOPES.length]}], mode: exchange }`;
    });
    const half = Math.ceil(perService / 2) - embedded.length;
    const read = [...embedded.map((callee) => `${nameOf(callee)}: [read]`), ...exchanges.slice(0, half)];
    return serviceText(service, read, exchanges.slice(half), size);
  });
  const files = new Map([['graph.yaml', head(size)]]);
  const perFile = Math.ceil(size.services / size.files);
  for (let file = 0; file < size.files; file++) {
    const own = services.slice(file * perFile, (file + 1) * perFile);
    files.set(`team-${String(file).padStart(4, '0')}.yaml`, `waybill: 1\nservices:\n${own.join('')}`);
  }
  return files;
}

const calleeOf = (target: number): number => Math.floor(target / SCOPES.length);

/** Every scope of every service, again and again, in an order that looks random. */
class Targets {
  readonly #order: readonly number[];
  /** Passed over because somebody could not call them; the next who can, does. */
  #skipped: number[] = [];
  #at = 0;

  constructor(count: number) {
    this.#order = shuffled(count);
  }

  next(suits: (target: number) => boolean): number {
    const waiting = this.#skipped.findIndex(suits);
    if (waiting >= 0) return this.#skipped.splice(waiting, 1)[0]!;
    for (;;) {
      const target = this.#order[this.#at++ % this.#order.length]!;
      if (suits(target)) return target;
      this.#skipped.push(target);
    }
  }
}

/** Callees of the next layer, at places that depend on the service alone. */
function embeddedBy(service: number, size: Size): number[] {
  const perLayer = perLayerOf(size);
  const layer = Math.floor(service / perLayer);
  const below = (layer + 1) * perLayer;
  const width = Math.min(perLayer, size.services - below);
  if (width <= 0) return [];
  const count = EMBEDDED[layer % EMBEDDED.length]!;
  return Array.from({ length: count }, (_, at) => below + ((service * 7 + at * 31) % width));
}

function serviceText(service: number, read: readonly string[], write: readonly string[], size: Size): string {
  const zones = zonesOf(size);
  const zone =
    zones.length === 1 ? '' : `    zone: ${zones[Math.floor((service * 7) / 10) % zones.length]}\n`;
  const email = size.subjects && service % 10 === 0 ? ', email' : '';
  const calls = (lines: readonly string[]): string =>
    lines.length === 0 ? '' : `\n        calls:\n${lines.map((line) => `          ${line}\n`).join('')}`;
  return `  ${nameOf(service)}:
    owner: team-${service % 50}
${zone}    auth: { method: client_secret_basic, secret_env: SECRET_${service} }
    claims: [region]
    scopes:
      read:
        description: What ${nameOf(service)} tells
        claims: [tier${email}]${calls(read)}
      write:
        operations: [POST /${service}]${calls(write)}
`.replaceAll('\n\n', '\n');
}

function head(size: Size): string {
  const { clients, services, outside = false, subjects = false } = size;
  const zones = zonesOf(size);
  const perClient = Math.floor(Math.min(perLayerOf(size), services) / clients);
  const entries = (client: number): string =>
    Array.from(
      { length: perClient },
      (_, at) => `      ${nameOf(client * perClient + at)}: [read, write]\n`,
    ).join('');
  const all = Array.from(
    { length: clients },
    (_, client) => `  client-${client}:
    auth: { method: client_secret_basic, secret_env: CLIENT_${client} }
    ${outside ? 'token: opaque' : `zone: ${zones[0]}`}
    claims: { tier: gold }${subjects ? '\n    grants: [client_credentials, token_exchange]\n    subjects: [login]' : ''}
    calls:
${entries(client)}`,
  );
  return `waybill: 1
name: scale
issuer: { url: 'https://tokens.scale.example' }
zones: { ${zones.map((zone) => `${zone}: {}`).join(', ')} }
${subjects ? "subjects: { login: { issuer: 'https://login.scale.example', audience: app } }\n" : ''}claims:
  tier: { from: client, max_bytes: 16, zones: [${zones.join(', ')}] }
  region: { value: eu }
${subjects ? '  email: { from: subject, max_bytes: 64 }\n' : ''}defaults:
  audience: https://{name}.scale.example
  identity: spiffe://scale.example/{name}
  headers: { profile: envoy }
  zone: ${zones[0]}
  caller: mtls
clients:
${all.join('')}`;
}

/** Numbers below `count`, in an order that looks random and is always the same. */
function shuffled(count: number): number[] {
  const numbers = Array.from({ length: count }, (_, at) => at);
  let state = 20_260_101;
  for (let at = count - 1; at > 0; at--) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0; // Numerical Recipes' generator
    const other = Math.floor((state / 2 ** 32) * (at + 1));
    [numbers[at], numbers[other]] = [numbers[other]!, numbers[at]!];
  }
  return numbers;
}
