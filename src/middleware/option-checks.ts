/** Checks of single options, when a service starts. A wrong one is a `usage` error that names it. */

import { readInsecureHost, secureUrl } from '../discovery/index.ts';
import { WaybillError } from '../errors.ts';

export function usage(message: string): WaybillError<'usage'> {
  return new WaybillError('usage', message);
}

/** Unknown names are refused: a slip in `caller` or `scope` must not pass for its absence. */
export function requireNames(value: unknown, known: readonly string[], where: string): void {
  if (typeof value !== 'object' || value === null) throw usage(`${where} takes an object`);
  const unknown = Object.keys(value).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw usage(`${where} has no option ${JSON.stringify(unknown)}; it has ${known.join(', ')}`);
}

export function requireText(value: unknown, option: string): string {
  if (typeof value !== 'string' || value === '') throw usage(`${option} must be a non-empty string`);
  return value;
}

export function requireTexts(values: unknown, option: string): readonly string[] {
  if (!Array.isArray(values)) throw usage(`${option} must be a list`);
  return Object.freeze(values.map((value) => requireText(value, option)));
}

/** One audience, or a list of those that one service has. @returns the list. */
export function requireAudiences(value: unknown): readonly string[] {
  if (!Array.isArray(value)) return [requireText(value, 'audience')];
  if (value.length === 0) throw usage('audience must name at least one audience');
  return requireTexts(value, 'audience');
}

export function requireOneOf<Value extends string>(
  value: unknown,
  values: readonly Value[],
  option: string,
): Value {
  const found = values.find((each) => each === value);
  if (found === undefined) throw usage(`${option} must be ${values.join(' or ')}`);
  return found;
}

export function requireNumber(value: unknown, least: number, option: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < least) {
    throw usage(`${option} must be a number of at least ${least}`);
  }
  return value;
}

export function requireFunction<Value>(value: Value, option: string): Value {
  if (typeof value !== 'function') throw usage(`${option} must be a function`);
  return value;
}

/** @param insecureHosts as `requireInsecureHosts` gives them. */
export function requireSecure<Address>(
  address: Address,
  option: string,
  insecureHosts: readonly string[] = [],
): Address {
  if (address === undefined || (typeof address === 'string' && secureUrl(address, insecureHosts)))
    return address;
  const hosts = insecureHosts.length === 0 ? '' : ` or at one of insecureHosts (${insecureHosts.join(', ')})`;
  throw usage(`${option} must be an https URL, or http on loopback${hosts}`);
}

export function requireInsecureHosts(hosts: unknown): readonly string[] {
  return requireTexts(hosts, 'insecureHosts').map((host) => {
    const read = readInsecureHost(host);
    if (read !== undefined) return read;
    throw usage(
      'insecureHosts takes hosts as a URL has them, with the port unless it is 80: waybill.ns.svc, waybill.ns.svc:8080',
    );
  });
}

/** lru-cache allocates space for all entries when it is created. */
const MAX_ENTRIES = 10_000_000;

/** @returns how many entries a cache has, a whole number. */
export function requireEntries(entries: unknown, least: number, option: string): number {
  const whole = Math.floor(requireNumber(entries, least, option));
  if (whole <= MAX_ENTRIES) return whole;
  throw usage(`${option} must be at most ${MAX_ENTRIES}`);
}
