/** `waybill` as an architect and a service's tests get it: packed, installed, compiled and run. */
import path from 'node:path';

import { expect } from 'chai';

import { typeErrors } from './compile.ts';
import { linksIn } from './links.ts';
import { ROOT, install, link, node, packMiddleware, packWaybill, write } from './projects.ts';
import { service } from './programs.ts';

/** What a program of an issuer, and a test of a service, use; the extractor is that of `middleware`. */
function program(middleware: string): string {
  return `
import { compileGraph, createApp, createIssuer, generateKey, keyRing, planRequest, type Issuer } from 'waybill';
import { extractor } from '${middleware}';
import { testIssuer, type TestIssuer } from 'waybill/testing';

export async function issuerOf(path: string): Promise<Issuer | undefined> {
  const { plan } = compileGraph([path]);
  if (!plan) return undefined;
  const keys = keyRing([await generateKey(plan.issuer.signing)], plan.issuer.signing);
  const tokens: number = planRequest(plan, 'web', { scopes: ['order'] }).tokens;
  return tokens > 0 ? createIssuer({ plan, keys, secrets: new Map([['web', 'secret']]) }) : undefined;
}

export async function subjectOf(issuer: TestIssuer): Promise<string> {
  const token = await issuer.tokenFor('stock', { scope: 'reserve' });
  const waybill = extractor(issuer.extractorOptions('stock'));
  return (await waybill.authenticate({ authorization: 'Bearer ' + token })).claims.sub;
}

void testIssuer('node_modules/waybill/graphs/hello.yaml').then(async (issuer) => {
  const own = await issuerOf('node_modules/waybill/graphs/hello.yaml');
  console.log(await subjectOf(issuer), own?.jwks.keys.length, typeof createApp);
});
`;
}

describe('the package waybill', function () {
  this.timeout(240_000);

  let project: string;
  let tarball: string;

  before(async () => {
    tarball = await packWaybill();
    project = await install(tarball, await packMiddleware());
    link(project, '@types/node');
  });

  it('checks a graph on the command line', async () => {
    const args = ['check', 'node_modules/waybill/graphs/hello.yaml', '--json'];
    const { findings } = JSON.parse(await node(project, 'node_modules/.bin/waybill', args)) as {
      findings: unknown[];
    };
    expect(findings).to.be.an('array');
  });

  it('compiles with nodenext from an ES module and from CommonJS, and runs', async () => {
    write(project, {
      'own.mts': program('waybill/middleware'),
      'own.cts': program('waybill/middleware'),
      'scoped.mts': program('@waybill/middleware'),
      'scoped.cts': program('@waybill/middleware'),
      'service.mts': service('waybill/middleware'),
    });
    const files = ['own.mts', 'own.cts', 'scoped.mts', 'scoped.cts', 'service.mts'];
    expect(typeErrors(project, 'nodenext', files)).to.deep.equal([]);
    for (const file of ['own.mjs', 'own.cjs', 'scoped.mjs', 'scoped.cjs'])
      expect(await node(project, `compiled/nodenext/${file}`), file).to.equal('web 1 function');
  });

  for (const resolution of ['bundler', 'node10'] as const) {
    it(`compiles with ${resolution}`, () => {
      write(project, { 'program.ts': program('waybill/middleware') });
      expect(typeErrors(project, resolution, ['program.ts'])).to.deep.equal([]);
    });
  }

  it('knows an error of another copy of the code', async () => {
    write(project, {
      'errors.mjs': `
import { createRequire } from 'node:module';
import * as waybill from 'waybill';
import * as esm from '@waybill/middleware';
const copies = [waybill, esm, createRequire(import.meta.url)('@waybill/middleware')];
const errors = copies.map(({ WaybillError }) => new WaybillError('usage', 'wrong'));
const others = [new Error('wrong'), { code: 'usage' }, null, 'usage'];
const known = (error) => copies.every(({ isWaybillError }) => isWaybillError(error, 'usage'));
console.log(new Set(copies.map(({ WaybillError }) => WaybillError)).size);
console.log(errors.filter(known).length, others.filter(known).length);
console.log(errors.filter((error) => waybill.isWaybillError(error, 'server_error')).length);
`,
    });
    expect(await node(project, 'errors.mjs')).to.equal('3\n3 0\n0');
  });

  it('tests a service in Jest', async () => {
    write(project, {
      'stock.test.js': `
const { extractor } = require('@waybill/middleware');
test('reserves', async () => {
  const { testIssuer } = await import('waybill/testing');
  const issuer = await testIssuer('node_modules/waybill/graphs/hello.yaml');
  const waybill = extractor(issuer.extractorOptions('stock'));
  const token = await issuer.tokenFor('stock', { scope: 'reserve' });
  const { claims } = await waybill.authenticate({ authorization: 'Bearer ' + token });
  expect(claims.act).toEqual({ sub: 'shop' });
});
`,
    });
    const jest = path.join(ROOT, 'node_modules/jest/bin/jest.js');
    const env = { NODE_OPTIONS: '--experimental-vm-modules' };
    const report = await node(project, jest, ['--json', '--rootDir', project], env);
    expect((JSON.parse(report) as { numPassedTests: number }).numPassedTests).to.equal(1);
  });

  it('holds every file that its documents link to', () => {
    const { count, broken } = linksIn(path.join(project, 'node_modules/waybill'));
    expect(count).to.be.greaterThan(10);
    expect(broken).to.deep.equal([]);
  });

  it('passes publint and attw', async () => {
    const publint = path.join(ROOT, 'node_modules/publint/src/cli.js');
    await node(ROOT, publint, ['--strict', path.join(project, 'node_modules/waybill')]);
    // Node from 20.19 on loads an ES module by `require`.
    const attw = path.join(ROOT, 'node_modules/@arethetypeswrong/cli/dist/index.js');
    await node(ROOT, attw, [tarball, '--ignore-rules', 'cjs-resolves-to-esm']);
  });
});
