/**
 * Reads the extractor's options once, when it is created: frozen, with every default filled in. A wrong option is a
 * `usage` error that names it, so that a service with a slip in its configuration does not start.
 */

import { isWaybillError } from '../../errors.ts';
import { DEFAULT_READER_LIMITS } from '../../protocol.ts';
import { sealOpener, type SealOpener } from '../../token/index.ts';
import {
  requireAudiences,
  requireEntries,
  requireNames,
  requireNumber,
  requireOneOf,
  requireSecure,
  requireText,
  requireTexts,
  usage,
} from '../option-checks.ts';
import { originsOf } from '../request/addresses.ts';
import {
  CACHED_PROOFS,
  DEFAULT_BUDGET,
  SHARED_NAMES,
  readSharedOptions,
  type SharedSettings,
} from '../shared-options.ts';
import type { BudgetOptions, ExtractorOptions } from './options.ts';
import { parsePrefix, type PrefixedValue } from './url-prefix.ts';

export interface Settings extends SharedSettings {
  /** The first one. */
  readonly audience: string;
  readonly audiences: readonly string[];
  readonly caller: 'none' | 'mtls';
  /** Absent where the service has no keys for sealed tokens. */
  readonly unseal: SealOpener | undefined;
  readonly requireSeal: boolean;
  readonly unboundRoots: 'refuse' | 'accept';
  readonly gateways: readonly string[];
  readonly addresses: readonly string[];
  /** URL prefix → callee's name or audience. */
  readonly routes: readonly PrefixedValue<string>[];
  readonly inbound: number;
  readonly unpacked: number;
  readonly outbound: number | Readonly<Record<string, number>>;
  readonly cachedTokens: number;
  readonly cachedExchanges: number;
  readonly cachedProofs: number;
  readonly tokenEndpoint: string | undefined;
  readonly revocation: 'none' | 'introspect';
  readonly revocationMaxAge: number;
}

const OPTION_NAMES = [
  ...['audience', 'caller', 'unboundRoots', 'gateways', 'routes', 'budget', 'cache', 'decryption', 'seal'],
  ...['tokenEndpoint', 'revocation', 'revocationMaxAge'],
  ...SHARED_NAMES,
];

/** @throws WaybillError `usage` */
export function readSettings(options: ExtractorOptions): Settings {
  requireNames(options, OPTION_NAMES, 'extractor()');
  const { budget = {}, cache = {}, unboundRoots = 'refuse', gateways = [] } = options;
  requireNames(budget, ['inbound', 'unpacked', 'outbound'], 'budget');
  requireNames(cache, ['tokens', 'exchanged', 'proofs'], 'cache');
  const shared = readSharedOptions(options);
  const audiences = requireAudiences(options.audience);
  return Object.freeze({
    ...shared,
    audience: audiences[0]!,
    audiences,
    ...readSeal(options, audiences),
    caller: readCaller(options.caller),
    unboundRoots: requireOneOf(unboundRoots, ['refuse', 'accept'], 'unboundRoots'),
    gateways: requireTexts(gateways, 'gateways'),
    addresses: shared.addresses ?? audiences.flatMap(originsOf),
    routes: readRoutes(options.routes ?? {}),
    inbound: requireNumber(budget.inbound ?? DEFAULT_BUDGET, 1, 'budget.inbound'),
    unpacked: requireNumber(budget.unpacked ?? DEFAULT_READER_LIMITS.nested, 1, 'budget.unpacked'),
    outbound: readOutbound(budget.outbound ?? DEFAULT_BUDGET),
    cachedTokens: requireEntries(cache.tokens ?? 1000, 0, 'cache.tokens'),
    cachedExchanges: requireEntries(cache.exchanged ?? 1000, 1, 'cache.exchanged'),
    cachedProofs: requireEntries(cache.proofs ?? CACHED_PROOFS, 1, 'cache.proofs'),
    tokenEndpoint: requireSecure(options.tokenEndpoint, 'tokenEndpoint', shared.insecureHosts),
    revocation: readRevocation(options),
    revocationMaxAge: requireNumber(options.revocationMaxAge ?? 5, 0, 'revocationMaxAge'),
  });
}

/** What is inside of a sealed token is smaller than the token, and so within `budget.inbound` too. */
function readSeal(
  { decryption, seal = 'accept' }: ExtractorOptions,
  audiences: readonly string[],
): Pick<Settings, 'unseal' | 'requireSeal'> {
  const requireSeal = requireOneOf(seal, ['accept', 'require'], 'seal') === 'require';
  if (decryption === undefined && requireSeal)
    throw usage("seal: 'require' needs decryption, the keys of this service");
  if (decryption === undefined) return { unseal: undefined, requireSeal };
  try {
    return { unseal: sealOpener(decryption, audiences, Number.MAX_SAFE_INTEGER), requireSeal };
  } catch (error) {
    throw isWaybillError(error) ? usage(`decryption: ${error.message}`) : error;
  }
}

function readCaller(caller: unknown): Settings['caller'] {
  if (caller === 'none' || caller === 'mtls') return caller;
  throw usage(
    "extractor() needs the option caller, and it has no default: 'none' if whoever holds a token may use it, 'mtls' if " +
      'the service that presents it must be the one that it names',
  );
}

function readRoutes(routes: Readonly<Record<string, string>>): Settings['routes'] {
  if (typeof routes !== 'object') throw usage('routes takes an object: address → callee');
  return Object.entries(routes).map(([address, callee]) => {
    const option = `routes[${JSON.stringify(address)}]`;
    const prefix = parsePrefix(address);
    if (prefix === undefined) throw usage(`${option} is not an http or https address`);
    return { prefix, value: requireText(callee, option) };
  });
}

function readOutbound(outbound: NonNullable<BudgetOptions['outbound']>): Settings['outbound'] {
  if (typeof outbound === 'number') return requireNumber(outbound, 1, 'budget.outbound');
  for (const [name, bytes] of Object.entries(outbound)) requireNumber(bytes, 1, `budget.outbound.${name}`);
  return Object.freeze({ ...outbound });
}

function readRevocation({ revocation = 'none', credentials }: ExtractorOptions): Settings['revocation'] {
  if (revocation === 'introspect' && credentials === undefined) {
    throw usage('revocation: introspect needs credentials, with which the issuer is asked');
  }
  return requireOneOf(revocation, ['none', 'introspect'], 'revocation');
}
