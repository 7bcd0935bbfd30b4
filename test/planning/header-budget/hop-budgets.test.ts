import { expect } from 'chai';
import { HopBudgets, fits, profiles } from '../../../src/planning/header-budget/index.ts';
import { compileText } from '../../support/compile.ts';

/** The room of the hop into `a`, for what stands in `headers`, in its zone and on the call. */
function room(parts: { headers?: string; defaults?: string; zone?: string; via?: string }): string {
  const { headers, defaults, zone, via } = parts;
  const { draft } = compileText(`waybill: 1
name: test
issuer: { url: 'http://127.0.0.1:8080' }
defaults: { x-none: 1 ${defaults === undefined ? '' : `, headers: { ${defaults} }`} }
zones: { mesh: { via: [${zone ?? ''}] } }
clients:
  web:
    auth: { method: client_secret_basic, secret_env: S }
    calls: { a: { scopes: [s], via: [${via ?? ''}] } }
services:
  a: { zone: mesh, ${headers === undefined ? '' : `headers: { ${headers} },`} scopes: { s: } }
`);
  const { limit, profile } = new HopBudgets().budgetFor(
    draft!.services.get('a')!,
    draft!.clients.get('web')!.calls,
  );
  return `${limit} ${profile}`;
}

describe('the header budget of a hop', () => {
  // reserve 1 is the least that a graph can say, and one header is assumed for it. Over HTTP/2 the first line of a
  // request takes 24 bytes more than over HTTP/1.1, and one less for each header.
  const cases: readonly (readonly [title: string, parts: Parameters<typeof room>[0], expected: string])[] = [
    ['nothing is known', {}, 'undefined undefined'],
    ['a line, less name, space and line end', { headers: 'max_line: 8192' }, '8168 own limits'],
    ['a line, whatever others take', { headers: 'max_line: 8192, reserve: 4KiB' }, '8168 own limits'],
    ['all lines, less 2 KiB for others', { headers: 'max_total: 8192' }, '6120 own limits'],
    [
      'all lines, less what the service says',
      { headers: 'max_total: 8192, reserve: 1' },
      `${8192 - 1 - 23 - 24} own limits`,
    ],
    [
      'all lines, less many headers',
      { headers: 'max_total: 8192, reserve: { headers: 24, bytes: 2000 }' },
      `${8192 - 2000 - 24} own limits`,
    ],
    [
      'the list size, where each header counts 28 bytes more than its line',
      { headers: 'profile: jetty, reserve: { headers: 20, bytes: 2047 }' },
      `${8192 - 2047 - 20 * 28 - 166 - 52} jetty`,
    ],
    [
      'the list size, one header assumed for each 64 bytes',
      { headers: 'profile: jetty, reserve: 130' },
      `${8192 - 130 - 3 * 28 - 166 - 52} jetty`,
    ],
    [
      'the blocks of haproxy, where each header counts 4 bytes more than its line',
      { headers: 'profile: haproxy, reserve: { headers: 20, bytes: 2047 }' },
      `${15360 - 2047 - 20 * 4 - 104 - 28} haproxy`,
    ],
    [
      'haproxy with the usual reserve of 32 headers',
      { headers: 'profile: haproxy' },
      `${15360 - 2048 - 32 * 4 - 104 - 28} haproxy`,
    ],
    [
      'the reserve of `defaults` as a whole, where the service has none',
      { defaults: 'profile: nginx, reserve: { headers: 2, bytes: 100 }', headers: 'profile: jetty' },
      `${8192 - 100 - 2 * 28 - 166 - 52} jetty`,
    ],
    [
      'a reserve in bytes alone, whatever number of headers `defaults` has',
      { defaults: 'profile: jetty, reserve: { headers: 40, bytes: 100 }', headers: 'reserve: 64' },
      `${8192 - 64 - 28 - 166 - 52} jetty`,
    ],
    ['never less than nothing', { headers: 'max_total: 100' }, '0 own limits'],
    ['nginx: one line', { headers: 'profile: nginx' }, '8168 nginx'],
    ['tomcat: all lines', { headers: 'profile: tomcat' }, `${8192 - 2048 - 24} tomcat`],
    [
      'linkerd: the list size of HTTP/2',
      { headers: 'profile: linkerd, reserve: 1' },
      `${16384 - 1 - 28 - 166 - 52} linkerd`,
    ],
    [
      'grpc-java: the list size of HTTP/2',
      { headers: 'profile: grpc-java, reserve: 1' },
      `${8192 - 1 - 28 - 166 - 52} grpc-java`,
    ],
    [
      'node: less than 16384 of names and values',
      { headers: 'profile: node, reserve: 1' },
      `${16383 - 1 - 20} node`,
    ],
    [
      'aws-apigateway: values alone',
      { headers: 'profile: aws-apigateway, reserve: 1' },
      `${10240 - 1 - 7} aws-apigateway`,
    ],
    [
      'iis: the smaller of line and all lines',
      { headers: 'profile: iis, reserve: 1' },
      `${16384 - 1 - 23 - 24} iis`,
    ],
    [
      'a profile with a limit of its own, still counted its way',
      { headers: 'profile: linkerd, max_total: 9000, reserve: 1' },
      `${9000 - 1 - 28 - 166 - 52} own limits`,
    ],
    [
      'a profile whose line is raised',
      { headers: 'profile: nginx, max_line: 16KiB, max_total: 32KiB, reserve: 1' },
      `${16384 - 24} own limits`,
    ],
    [
      'a profile without a number, with one',
      { headers: 'profile: cilium, max_total: 9000, reserve: 1' },
      `${9000 - 1 - 23 - 24} own limits`,
    ],
    ['the profile of `defaults`', { defaults: 'profile: nginx' }, '8168 nginx'],
    [
      'the profile of `defaults` with a reserve of its own',
      { defaults: 'profile: tomcat', headers: 'reserve: 1KiB' },
      `${8192 - 1024 - 8 - 24} tomcat`,
    ],
    [
      'the reserve of `defaults` with a profile of its own',
      { defaults: 'profile: nginx, reserve: 1KiB', headers: 'profile: tomcat' },
      `${8192 - 1024 - 8 - 24} tomcat`,
    ],
    [
      'no limits of `defaults` beside a profile of its own',
      { defaults: 'max_line: 100', headers: 'profile: tomcat' },
      `${8192 - 2048 - 24} tomcat`,
    ],
    [
      'one limit of its own beside those of `defaults`',
      { defaults: 'max_line: 4KiB', headers: 'max_total: 3KiB, reserve: 1' },
      `${3072 - 1 - 23 - 24} own limits`,
    ],
    [
      'the other limit of `defaults` too',
      { defaults: 'max_total: 3KiB', headers: 'max_line: 4KiB, reserve: 1' },
      `${3072 - 1 - 23 - 24} own limits`,
    ],
    ['the zone, where it is smaller', { headers: 'profile: envoy', zone: 'nginx' }, '8168 nginx'],
    [
      'the server, where it is smaller',
      { headers: 'profile: tomcat', zone: 'nginx' },
      `${8192 - 2048 - 24} tomcat`,
    ],
    [
      'the call, where it is smallest',
      { headers: 'profile: tomcat', zone: 'nginx', via: 'aws-alb, { max_line: 1000 }' },
      '976 own limits',
    ],
    [
      'the reserve of the callee on the whole way',
      { headers: 'profile: envoy, reserve: 4KiB', via: 'uvicorn' },
      `${16384 - 4096 - 24} uvicorn`,
    ],
    ['the zone alone, with the usual reserve', { zone: 'uvicorn' }, `${16384 - 2048 - 24} uvicorn`],
  ];
  for (const [title, parts, expected] of cases) {
    it(`is known for ${title}`, () => {
      expect(room(parts)).to.equal(expected);
    });
  }

  it('accepts a token of exactly that size, and none that is one byte longer', () => {
    expect(fits(8168, { limit: 8168, profile: 'nginx' })).to.equal(true);
    expect(fits(8169, { limit: 8168, profile: 'nginx' })).to.equal(false);
    expect(fits(1e9, { limit: undefined, profile: undefined })).to.equal(true);
  });
});

describe('the built-in profiles', () => {
  it('have a limit each, or say that none is known', () => {
    expect(profiles.size).to.be.above(5);
    for (const { name, maxLine, maxTotal, evidence } of profiles.values()) {
      const numbers = [maxLine, maxTotal].filter((limit) => limit !== undefined);
      expect(numbers.length > 0, name).to.equal(evidence.length > 0);
      expect(
        numbers.filter((limit) => !Number.isInteger(limit) || limit <= 4096),
        name,
      ).to.deep.equal([]);
    }
  });
});
