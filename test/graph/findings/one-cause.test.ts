/** One cause is one finding: twelve parties with the same mistake, and every place is named. */
import { expect } from 'chai';
import fc from 'fast-check';
import { mergeCauses, causeOfParties } from '../../../src/graph/causes.ts';
import { allPlaced, client, compileText } from '../../support/compile.ts';

const NUMBERS = Array.from({ length: 12 }, (_, n) => n);
const AUTH = 'auth: { method: client_secret_basic, secret_env: S }';

/** web → s0 … s11, all with these keys; `top` stands above. */
const services = (keys: string, top = '', of = ''): string => `waybill: 1
name: test
issuer: { url: 'http://127.0.0.1:8080' }
defaults: { headers: { profile: envoy } }
${top}
${client(`{ ${NUMBERS.map((n) => `s${n}: [a]`).join(', ')} }`, of)}services:
${NUMBERS.map((n) => `  s${n}: { ${keys}, scopes: { a: } }\n`).join('')}`;

const CLAIM = 'zones: { mesh: , pci: }\nclaims: { ssn: { value: 1, zones: [pci] } }';

const graphs: readonly (readonly [code: string, text: string, message: RegExp])[] = [
  ['unknown-claim', services('caller: mtls, claims: [gone]'), /^There is no claim gone\.$/],
  ['unknown-zone', services('caller: mtls, zone: gone'), /^There is no zone gone\.$/],
  ['unknown-profile', services('caller: mtls, headers: { profile: gone }'), /profile gone\.$/],
  [
    'unknown-key',
    services('adience: x'),
    /^services\.s0, services\.s1, services\.s2 and 9 more have no key `adience`\.$/,
  ],
  ['wrong-type', services('lifetime: []'), /^services\.s0\.lifetime, .* and 9 more must be /],
  ['invalid-value', services('caller: mtsl'), /^services\.s0\.caller, .* and 9 more cannot be "mtsl"\.$/],
  [
    'secret-source',
    services('auth: { method: client_secret_basic }'),
    /^s0, s1, s2 and 9 more authenticate with client_secret_basic, and nothing says with what\.$/,
  ],
  [
    'claim-outside-zone',
    services('caller: mtls, zone: pci, claims: [ssn]', CLAIM.replace('mesh: , ', '')),
    /in the tokens of s0, s1, s2 and 9 more: web \(client, in no zone\)\.$/,
  ],
];

describe('one cause', () => {
  for (const [code, text, message] of graphs) {
    it(`of ${code} at twelve services is one finding with twelve places`, () => {
      const found = compileText(text).findings.filter((finding) => finding.code === code);
      expect(found.map((finding) => finding.message)).to.have.lengthOf(1);
      expect(found[0]?.message).to.match(message);
      expect(new Set(allPlaced(found)).size).to.equal(12);
    });
  }

  it('loses no place, and comes in the order of its first', () => {
    const at = fc.record({
      file: fc.constantFrom('a', 'b'),
      line: fc.integer({ min: 1, max: 9 }),
      cause: fc.constantFrom('x', 'y', 'z'),
      part: fc.constantFrom('s', 't'),
    });
    fc.assert(
      fc.property(fc.array(at), (drawn) => {
        const found = drawn
          .sort((a, b) => a.file.localeCompare(b.file) || a.line - b.line)
          .map(({ file, line, cause, part }) => ({
            ...{ code: 'unknown-claim' as const, severity: 'error' as const, file, line, column: 1 },
            ...{ message: `${part} ${cause}.`, hint: '', note: '', group: cause },
            cause: causeOfParties(cause, part, (names) => `${names} ${cause}.`),
          }));
        const merged = mergeCauses(found);
        expect(merged.length).to.equal(new Set(drawn.map(({ cause }) => cause)).size);
        const told = merged.flatMap((finding) =>
          [finding, ...finding.places].map(
            (place) => `${place.file}${place.line} ${finding.message.slice(-2)}`,
          ),
        );
        const put = new Set(found.map(({ file, line, message }) => `${file}${line} ${message.slice(-2)}`));
        expect([...told].sort()).to.deep.equal([...put].sort());
      }),
    );
  });
});

describe('the hint of a claim outside its zones', () => {
  const graph = (web: string, api: string, call: string): string => `waybill: 1
name: test
issuer: { url: 'http://127.0.0.1:8080' }
${CLAIM}
defaults: { headers: { profile: node }, caller: mtls, zone: mesh }
${client('{ api: [x] }', web)}services:
  api: { ${AUTH}, ${api} scopes: { x: { calls: { vault: ${call} } } } }
  vault: { zone: pci, scopes: { y: { claims: [ssn] } } }
`;
  const hintOf = (text: string): string =>
    compileText(text).findings.find(({ code }) => code === 'claim-outside-zone')?.hint ?? '';
  const EXCHANGE = '{ scopes: [y], mode: exchange }';

  it('offers a zone to the direct caller, and none of what is set already', () => {
    const hint = hintOf(graph('zone: mesh\n    token: opaque', '', EXCHANGE));
    expect(hint).to.equal(
      'api fetches or carries the token of vault and reads its claims: seal the tokens of vault (`seal: true`, with an `encryption`), or put api into the zone pci. Otherwise take ssn out of the claims of vault, or add the zone mesh to `zones` of ssn.',
    );
  });

  it('offers a client above exchange and opaque tokens, each only where it helps', () => {
    const embedded = hintOf(graph('', 'zone: pci,', '[y]'));
    expect(embedded).to.match(
      /^web holds a token that embeds it: call vault with `mode: exchange`, or seal the tokens of vault \(`seal: true`, with an `encryption`\), or give it opaque tokens/,
    );
    expect(hintOf(graph('token: opaque', 'zone: pci,', '[y]'))).to.equal('');
    expect(hintOf(graph('', 'zone: pci,', EXCHANGE))).to.equal('');
  });

  it('offers both what each needs, where the direct caller and the client read it', () => {
    const hint = hintOf(graph('zone: mesh', '', '[y]'));
    expect(hint).to.match(/^api fetches or carries .* into the zone pci\. web holds .*mode: exchange/);
  });

  it('offers a client opaque tokens where it receives the token itself, and not where it swaps it as well', () => {
    const direct = (web: string): string =>
      hintOf(graph(web, '', EXCHANGE).replace('calls: { api: [x] }', 'calls: { vault: [y] }'));
    expect(direct('zone: mesh')).to.match(
      /^web receives the token: seal the tokens of vault \(`seal: true`, with an `encryption`\), or give it opaque tokens \(`token: opaque`\), or put web into the zone pci\. Otherwise /,
    );
    expect(direct('zone: mesh\n    introspect: [vault]')).to.match(
      /^web introspects the token: put web into the zone pci\. Otherwise /,
    );
  });

  it('offers a gateway to take the service out of `introspect`, where it does not swap what embeds it', () => {
    const gateway = (introspect: string): string =>
      hintOf(
        graph('token: opaque', 'zone: pci,', '[y]')
          .replace(
            'clients:\n',
            `clients:\n  edge: { ${AUTH}, zone: mesh, introspect: [${introspect}], calls: {} }\n`,
          )
          .replace('calls: { api: [x] }', 'calls: { api: [x], vault: [y] }'),
      );
    expect(gateway('vault')).to.match(
      /^edge introspects the token: take vault out of `introspect`, or put edge into the zone pci\. /,
    );
    expect(gateway('vault, api')).to.match(/^edge introspects the token: put edge into the zone pci\. /);
    expect(gateway('api')).to.match(
      /^edge holds a token that embeds it: call vault with `mode: exchange`, or seal the tokens of vault \(`seal: true`, with an `encryption`\), or put edge into the zone pci\. /,
    );
  });

  it('offers to embed a forwarded call, where the callee does not name the claim itself', () => {
    const forward = (callee: string): string =>
      hintOf(`waybill: 1
name: test
issuer: { url: 'http://127.0.0.1:8080' }
${CLAIM}
defaults: { headers: { profile: node }, zone: pci }
${client('{ vault: [y] }', 'zone: pci')}services:
  vault: { scopes: { y: { claims: [ssn], calls: { log: { scopes: [w], mode: forward } } } } }
  log: { zone: mesh, accepts_forward: [vault], scopes: { w: ${callee} } }
`);
    expect(forward('')).to.match(
      /^log takes the token forwarded: embed that call, or put log into the zone pci\. /,
    );
    expect(forward('{ claims: [ssn] }')).to.match(
      /^log takes the token forwarded: put log into the zone pci\. /,
    );
  });

  it('offers to widen `zones` where that lets all of them read, and to take them away where one is in no zone', () => {
    expect(hintOf(graph('zone: mesh', '', '[y]'))).to.match(/ or add the zone mesh to `zones` of ssn\.$/);
    expect(hintOf(graph('', '', '[y]'))).to.match(/ or take `zones` from ssn\.$/);
  });
});
