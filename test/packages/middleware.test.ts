/** `@waybill/middleware` as a service gets it: packed, installed alone, compiled, bundled and run. */
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { minify } from '@swc/core';
import { expect } from 'chai';
import { build } from 'esbuild';

import { testIssuer, type TestIssuer } from '../../src/testing/index.ts';
import { removeScratch, scratchFolder } from '../support/files.ts';
import { typeErrors } from './compile.ts';
import { linksIn } from './links.ts';
import { ROOT, install, link, node, packMiddleware, write } from './projects.ts';
import { FOUND, commonJs, esModule, service, typescript } from './programs.ts';
import { swcLoader, transformWithSwc } from './swc.ts';
import { bundleWithWebpack } from './webpack.ts';

const NAME = '@waybill/middleware';
const MOST_BYTES = 1.2e6;
const ADAPTERS = ['fastify', 'koa', 'nest', 'hono', 'fetch', 'grpc', 'kafka'];
/** An adapter that holds a part of the extractor has ten times as much. */
const MOST_BYTES_OF_ADAPTER = 8_192;

describe('the package @waybill/middleware', function () {
  this.timeout(180_000);

  let tarball: string;
  let project: string;
  let issuer: TestIssuer;
  let env: Record<string, string>;

  before(async () => {
    tarball = await packMiddleware();
    project = await install(tarball);
    issuer = await testIssuer(path.join(ROOT, 'graphs/hello.yaml'), { port: 0 });
    const client = issuer.plan.clients.get('web')!;
    const nested = await issuer.issuer.issue(client, { scopes: ['order'] });
    const packed = await issuer.issuer.issue(client, { scopes: ['order'], encoding: 'packed' });
    expect(packed.encoding).to.equal('packed');
    env = { ISSUER: issuer.url, TOKENS: `${nested.token} ${packed.token}` };
  });
  after(async () => {
    await issuer.close();
    removeScratch();
  });

  /** Runs a bundle where nothing is installed. */
  async function runAlone(file: string, code: string | Uint8Array): Promise<string> {
    const folder = scratchFolder();
    writeFileSync(path.join(folder, file), code);
    return node(folder, file, [], env);
  }

  it('installs two packages, under 1.2 MB', () => {
    const modules = path.join(project, 'node_modules');
    const packages = readdirSync(modules).filter((name) => !name.startsWith('.'));
    expect(packages).to.have.members(['@waybill', 'jose']);
    const files = readdirSync(modules, { recursive: true, encoding: 'utf8' });
    const bytes = files.reduce((sum, file) => sum + statSync(path.join(modules, file)).size, 0);
    expect(bytes).to.be.within(300_000, MOST_BYTES);
  });

  it('holds its code, its types, its licences, and documents whose links lead somewhere', () => {
    const installed = path.join(project, 'node_modules', NAME);
    expect(readdirSync(installed)).to.have.members([
      ...['LICENSE', 'README.md', 'package.json'],
      ...['index', ...ADAPTERS].flatMap((name) =>
        ['js', 'd.ts', 'cjs', 'd.cts'].map((ending) => `${name}.${ending}`),
      ),
    ]);
    expect(linksIn(installed).broken).to.deep.equal([]);
    const licences = readFileSync(path.join(installed, 'LICENSE'), 'utf8');
    expect(licences)
      .to.match(/jose \d/)
      .and.to.match(/lru-cache \d/);
    expect(readFileSync(path.join(installed, 'index.d.ts'), 'utf8')).to.not.match(
      /^(?:import|export) .*from ['"](?!node:)/m,
    );
  });

  it('has an entrance for each framework, small and without the extractor, as both kinds of module', async () => {
    const folder = await install(tarball);
    link(folder, '@nestjs/common', '@grpc/grpc-js', 'reflect-metadata', 'rxjs');
    const installed = path.join(folder, 'node_modules', NAME);
    for (const adapter of ADAPTERS)
      for (const ending of ['js', 'cjs'])
        expect(statSync(path.join(installed, `${adapter}.${ending}`)).size, adapter).to.be.below(
          MOST_BYTES_OF_ADAPTER,
        );
    const names = ADAPTERS.map((adapter) => `'${NAME}/${adapter}'`);
    const print = 'console.log(all.map((one) => typeof (one.protect ?? one.Protect)).join(" "));';
    write(folder, {
      'all.mjs': `const all = await Promise.all([${names.map((name) => `import(${name})`).join()}]);\n${print}`,
      'all.cjs': `const all = [${names.map((name) => `require(${name})`).join()}];\n${print}`,
    });
    const wanted = ADAPTERS.map(() => 'function').join(' ');
    expect(await node(folder, 'all.mjs')).to.equal(wanted);
    expect(await node(folder, 'all.cjs')).to.equal(wanted);
  });

  it('runs as an ES module and as CommonJS', async () => {
    write(project, { 'verify.mjs': esModule(NAME), 'verify.cjs': commonJs(NAME) });
    expect(await node(project, 'verify.mjs', [], env)).to.equal(FOUND);
    expect(await node(project, 'verify.cjs', [], env)).to.equal(FOUND);
  });

  describe('TypeScript, strict and with the declarations checked', () => {
    before(() => {
      link(project, '@types/node');
      write(project, {
        'service.mts': service(NAME),
        'service.cts': service(NAME),
        'service.ts': service(NAME),
        'typed.cts': typescript(NAME),
        'typed.mts': typescript(NAME),
      });
    });

    it('compiles with nodenext, from an ES module and from CommonJS, and runs', async () => {
      const files = ['service.mts', 'service.cts', 'typed.mts', 'typed.cts'];
      expect(typeErrors(project, 'nodenext', files)).to.deep.equal([]);
      expect(await node(project, 'compiled/nodenext/typed.mjs', [], env)).to.equal(FOUND);
      expect(await node(project, 'compiled/nodenext/typed.cjs', [], env)).to.equal(FOUND);
    });

    it('compiles with bundler', () => {
      expect(typeErrors(project, 'bundler', ['service.ts'])).to.deep.equal([]);
    });

    it('compiles with node10', () => {
      expect(typeErrors(project, 'node10', ['service.ts'])).to.deep.equal([]);
    });

    it('adds `waybill` to the request of Express, where its types are installed', () => {
      const folder = scratchFolder();
      const types = ['express', 'express-serve-static-core', 'body-parser', 'connect', 'qs', 'range-parser'];
      link(folder, '@types/node', ...types.map((name) => `@types/${name}`));
      link(folder, '@types/serve-static', '@types/send', '@types/http-errors', 'express');
      const installed = path.join(project, 'node_modules', NAME);
      write(folder, {
        'node_modules/@waybill/middleware/package.json': readFileSync(`${installed}/package.json`, 'utf8'),
        'node_modules/@waybill/middleware/index.d.ts': readFileSync(`${installed}/index.d.ts`, 'utf8'),
        'app.mts': `
import express from 'express';
import { extractor } from '${NAME}';
const waybill = extractor({ issuer: 'https://issuer.example', audience: 'shop', caller: 'none' });
express().get('/', waybill.protect(), (request, response) => {
  const sub: string = request.waybill.claims.sub;
  response.send(sub);
});
`,
      });
      expect(typeErrors(folder, 'nodenext', ['app.mts'])).to.deep.equal([]);
    });
  });

  it('runs in Jest', async () => {
    const folder = await install(tarball);
    write(folder, {
      'verify.test.js': `
test('verifies', async () => {
  const { extractor, isWaybillError } = require('${NAME}');
  const waybill = extractor({ issuer: process.env.ISSUER, audience: 'shop', caller: 'none' });
  for (const token of process.env.TOKENS.split(' ')) {
    const context = await waybill.authenticate({ authorization: 'Bearer ' + token });
    expect(context.claims.sub).toBe('web');
    expect(context.child('stock')).not.toBe('');
  }
  const error = await waybill.authenticate({ authorization: undefined }).catch((error) => error);
  expect(isWaybillError(error, 'token_missing')).toBe(true);
});
`,
    });
    const jest = path.join(ROOT, 'node_modules/jest/bin/jest.js');
    const report = path.join(folder, 'report.json');
    await node(folder, jest, ['--json', `--outputFile=${report}`, '--rootDir', folder], env);
    const { numPassedTests } = JSON.parse(readFileSync(report, 'utf8')) as { numPassedTests: number };
    expect(numPassedTests).to.equal(1);
  });

  for (const format of ['esm', 'cjs'] as const) {
    it(`runs in a bundle of esbuild (${format})`, async () => {
      const stdin = {
        contents: format === 'esm' ? esModule(NAME) : commonJs(NAME),
        resolveDir: project,
      };
      const options = { stdin, bundle: true, platform: 'node', target: 'node20', minify: true } as const;
      const { outputFiles, warnings } = await build({ ...options, format, write: false, logLevel: 'silent' });
      expect(warnings).to.deep.equal([]);
      const file = format === 'esm' ? 'bundle.mjs' : 'bundle.cjs';
      expect(await runAlone(file, outputFiles[0]!.contents)).to.equal(FOUND);
    });
  }

  it('runs where SWC transforms the sources of a strict project, to an ES module and to CommonJS', async () => {
    write(project, {
      'transformed.mjs': await transformWithSwc(typescript(NAME), 'es6'),
      'transformed.cjs': await transformWithSwc(typescript(NAME), 'commonjs'),
    });
    expect(await node(project, 'transformed.mjs', [], env)).to.equal(FOUND);
    expect(await node(project, 'transformed.cjs', [], env)).to.equal(FOUND);
  });

  it('runs in a bundle of webpack whose sources and packages SWC transforms', async () => {
    write(project, { 'sources.mts': typescript(NAME), 'swc-loader.cjs': swcLoader });
    const bundle = await bundleWithWebpack(project, 'sources.mts', [
      { test: /\.[cm]?[jt]s$/, use: path.join(project, 'swc-loader.cjs') },
    ]);
    expect(await runAlone('bundle.cjs', bundle)).to.equal(FOUND);
  });

  it('runs in a bundle of webpack, and minified by SWC for an older target', async () => {
    write(project, { 'bundled.mjs': esModule(NAME) });
    const bundle = await bundleWithWebpack(project, 'bundled.mjs');
    expect(await runAlone('bundle.cjs', bundle)).to.equal(FOUND);
    const { code } = await minify(bundle, { module: false, ecma: 2020, compress: true, mangle: true });
    expect(await runAlone('minified.cjs', code)).to.equal(FOUND);
  });

  it('is minified by SWC as an ES module, whose strings are strict', async () => {
    const source = readFileSync(path.join(project, 'node_modules', NAME, 'index.js'), 'utf8');
    const { code } = await minify(source, { module: true, compress: true, mangle: true });
    write(project, { 'minified.mjs': code, 'verify-minified.mjs': esModule('./minified.mjs') });
    expect(await node(project, 'verify-minified.mjs', [], env)).to.equal(FOUND);
  });

  it('passes publint and attw', async () => {
    const publint = path.join(ROOT, 'node_modules/publint/src/cli.js');
    expect(existsSync(publint)).to.equal(true);
    await node(ROOT, publint, ['--strict', path.join(project, 'node_modules', NAME)]);
    await node(ROOT, path.join(ROOT, 'node_modules/@arethetypeswrong/cli/dist/index.js'), [tarball]);
  });
});
