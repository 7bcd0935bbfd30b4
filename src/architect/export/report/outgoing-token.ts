/**
 * The token of a call in report mode: the callee's where there is one, else none. The service's own is taken away first,
 * whatever else happens, so that it never leaves.
 */
import { FAILURE, JWT_FILTER, JWT_START, PAYLOAD } from '../envoy/token-metadata.ts';
import type { Json } from '../envoy/typed.ts';

const OF_JWT = `metadata.filter_metadata['${JWT_FILTER}']`;
const CLAIMS = `${OF_JWT}['${PAYLOAD}']`;
const OVERWRITE = { append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' };

/** Members of a route or a virtual host. Envoy removes before it adds, and adds no empty header. */
export function childAlone(callee: string): Json {
  const child = `${CLAIMS}['embedded'][${textOf(callee)}]`;
  const ifToken = (text: string): string => `%CEL(${child}.startsWith('${JWT_START}') ? ${text} : '')%`;
  return {
    request_headers_to_remove: ['authorization'],
    ...authorizationOf(ifToken("'Bearer '") + ifToken(child)),
  };
}

/** Members of a route or a virtual host: the header of a call, in place of what the request has. */
export function authorizationOf(value: string): Json {
  return { request_headers_to_add: [{ header: { key: 'authorization', value }, ...OVERWRITE }] };
}

/** Keeps a token that this callee may get and could not use for anything but this call (`mode: forward`). */
export function forwardableAlone(audience: string): Json {
  return keepOnly(
    `${textOf(audience)} in ${CLAIMS}['aud'] && !('embedded' in ${CLAIMS}) && !('cnf' in ${CLAIMS})`,
  );
}

/**
 * Keeps what cannot be the service's own token: `Basic`, and JWTs of other issuers. A verified one is kept as well, which
 * the filter that verified it has taken away already, unless it may be passed on.
 */
export function othersAlone(): Json {
  const isForeign = `${OF_JWT}['${FAILURE}']['message'] == 'Jwt issuer is not configured'`;
  const isBasic = "request.headers['authorization'].startsWith('Basic ')";
  return keepOnly(`'${PAYLOAD}' in ${OF_JWT} || ${isForeign} || ${isBasic}`);
}

/** Where the header waits. Nobody else can set it: such headers are removed before. */
const WAITING = 'x-waybill-waiting';

/** Mutations of the request, in their order. What cannot be evaluated is not kept. */
function keepOnly(condition: string): Json {
  const set = (key: string, value: string): Json => ({ append: { header: { key, value }, ...OVERWRITE } });
  return {
    request_mutations: [
      set(WAITING, `%CEL(${condition} ? request.headers['authorization'] : '')%`),
      { remove: 'authorization' },
      set('authorization', `%REQ(${WAITING})%`),
      { remove: WAITING },
    ],
  };
}

/** A text of CEL. Envoy reads the expression out of a format first, so that `%`, `)` and quotes are escaped. */
function textOf(text: string): string {
  const escaped = text.replace(/[^A-Za-z0-9._:/-]/gu, (sign) => {
    const code = sign.codePointAt(0)!;
    return `\\U${code.toString(16).padStart(8, '0')}`;
  });
  return `'${escaped}'`;
}
