/** Each way in which a forwarded token would leak (rule 7). */
import { HEAD, client } from '../../support/compile.ts';
import type { Case } from './case.ts';

interface Parts {
  /** Of the caller, beside its scopes. */
  edge?: string;
  scopes?: string;
  /** Of the callee. */
  inner?: string;
  /** Stands in for `caller: none`, without which a service takes no token forwarded. */
  innerCaller?: string;
  innerScopes?: string;
  more?: string;
  asked?: string;
  top?: string;
  client?: string;
}

const CALL = '‸inner: { scopes: [read], mode: forward }';
const graph = (parts: Parts): string => {
  const {
    edge = '',
    scopes = `s: { calls: { ${CALL} } }`,
    inner = 'accepts_forward: [edge]',
    innerCaller = 'caller: none',
    innerScopes = 'read:',
  } = parts;
  return `${HEAD}${parts.top ?? ''}claims: { a: { value: 1 }, b: { value: 2 }, c: { value: 3 } }
${client(`{ edge: [${parts.asked ?? 's'}], all: [use] }`, parts.client)}services:
  all: { auth: { method: client_secret_basic, secret_env: A }, claims: [a, b, c], scopes: { use: } }
  edge:
    auth: { method: client_secret_basic, secret_env: S }
    ${edge}
    scopes: { ${scopes} }
  inner:
    ${inner}
    ${innerCaller}
    scopes: { ${innerScopes} }
  ${parts.more ?? ''}
`;
};

const leak = (
  title: string,
  parts: Parts,
  message: RegExp,
  finds: Case['finds'] = ['forward-leaks'],
): Case => ({
  title,
  graph: graph(parts),
  finds,
  message,
});

export const forwardCases: readonly Case[] = [
  leak(
    'a forward into a service that checks its callers',
    { innerCaller: 'caller: mtls' },
    /checks who presents/,
  ),
  leak(
    'a forward into a service that does not accept it',
    { inner: '' },
    /inner does not accept edge's own token/,
  ),
  leak(
    'a forward into a service that accepts another',
    { inner: 'accepts_forward: [all]' },
    /does not accept/,
  ),
  leak(
    'a forward by a service with several audiences',
    { edge: 'audience: [edge, old-edge]' },
    /edge has several audiences/,
  ),
  leak(
    'a forward into a service with several audiences',
    { inner: 'accepts_forward: [edge]\n    audience: [inner, old-inner]' },
    /inner has several audiences/,
  ),
  leak(
    'a forward into another zone',
    { top: 'zones: { x: , y: }\n', edge: 'zone: x', inner: 'accepts_forward: [edge]\n    zone: y' },
    /leave the zone/,
  ),
  leak('a forward out of a zone', { top: 'zones: { x: }\n', edge: 'zone: x' }, /leave the zone/),
  leak(
    'a scope that both sides define, though the call does not name it',
    { innerScopes: 'read: , ‸s: ' },
    /both define s/,
    ['forward-leaks', 'unused-scope'],
  ),
  leak(
    'a forward into a scope that makes calls',
    { innerScopes: 'read: { calls: { all: [use] } }' },
    /inner:read calls all/,
  ),
  leak(
    'a forward into a service that makes calls',
    { inner: 'accepts_forward: [edge]\n    calls: { all: [use] }' },
    /inner:read calls all/,
  ),
  leak(
    'a forwarded token that embeds another',
    { scopes: `s: { calls: { ${CALL}, all: [use] } }` },
    /would find all's token in it/,
  ),
  leak(
    'a forwarded token with a call on demand',
    { scopes: `s: { calls: { ${CALL}, all: { scopes: [use], mode: exchange } } }` },
    /may fetch all's/,
  ),
  leak(
    'a forwarded token that embeds what the whole service calls',
    { edge: 'calls: { all: [use] }', scopes: `s: { calls: { ${CALL} } }` },
    /would find all's token/,
  ),
  leak(
    'a forward that leaks only where two scopes are asked for together',
    { asked: 's, t', scopes: `s: { calls: { ${CALL} } }, t: { calls: { all: [use] } }` },
    /would find all's token/,
  ),
  leak(
    'a claim of the caller that the callee must not read',
    { edge: 'claims: [a]', scopes: `s: { calls: { ${CALL} } }` },
    /inner would read the claim a in edge's token/,
  ),
  leak(
    'a claim of the scope that the callee must not read',
    {
      scopes: `s: { claims: [a, b], calls: { ${CALL} } }`,
      inner: 'accepts_forward: [edge]\n    claims: [b]',
    },
    /the claim a/,
  ),
  leak(
    'a claim of another scope, asked for together',
    { asked: 's, t', scopes: `s: { calls: { ${CALL} } }, t: { claims: [c] }` },
    /the claim c/,
  ),
  leak(
    'a claim that only a third scope would let the callee read',
    {
      asked: 's, t, u',
      scopes: `s: { calls: { ${CALL} } }, t: { claims: [c] }, u: { calls: { ‸inner: { scopes: [write], mode: forward } } }`,
      innerScopes: 'read: , write: { claims: [c] }',
    },
    /the claim c/,
    ['forward-leaks', 'forward-lacks-claim'],
  ),
  leak(
    'a token that two callees take forwarded',
    {
      scopes: `s: { calls: { ${CALL}, ‸other: { scopes: [list], mode: forward } } }`,
      more: 'other: { accepts_forward: [edge], caller: none, scopes: { list: } }',
    },
    /inner could use the token at other/,
    ['forward-leaks', 'forward-leaks'],
  ),
  leak(
    'a forward inside a tree, and in one that is fetched',
    {
      asked: 'start',
      client: 'token: opaque',
      scopes: 'start: { calls: { mid: [m], far: { scopes: [f], mode: exchange } } }',
      inner: 'accepts_forward: [mid, far]',
      more: `mid: { claims: [a], scopes: { m: { calls: { ‸inner: { scopes: [read], mode: forward } } } } }
  far: { claims: [b], scopes: { f: { calls: { ‸inner: { scopes: [read], mode: forward } } } } }`,
    },
    /the claim/,
    ['forward-leaks', 'forward-leaks'],
  ),
  leak(
    'several leaks of one call at once',
    { edge: 'claims: [a]', inner: '', scopes: `s: { calls: { ${CALL} } }` },
    /must not forward.*does not accept.*the claim a/,
  ),
  {
    title: 'a claim that the forwarded token lacks',
    graph: graph({ inner: 'accepts_forward: [edge]\n    claims: [a]' }),
    finds: ['forward-lacks-claim'],
    message: /inner names the claim a/,
  },
];
