import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { moduleBreaches } from '../../../scripts/check/modules.ts';

/** A tree in which every module keeps to the table. */
const lawful: Record<string, string> = {
  'errors.ts': 'export const fail = 1;',
  'clock.ts': 'export const now = 1;',
  'graph/index.ts': `export type { Plan } from './plan.ts'; export { compile } from './plan.ts';`,
  'identity/index.ts': `import 'node:crypto'; export const spiffe = 1;`,
  'graph/plan.ts': `import Graph from 'graphology'; import Ajv from 'ajv'; import { fail } from '../errors.ts';
    import '../identity/index.ts';
    export interface Plan { a: 1 } export const compile = [Graph, Ajv, fail];`,
  'token/index.ts': `import * as jose from 'jose'; import '../clock.ts'; export const sign = jose;`,
  'planning/index.ts': `import '../graph/index.ts'; export const plan = 1;`,
  'planning/header-budget/index.ts': `import type { Plan } from '../../graph/index.ts'; import { sign } from '../../token/index.ts';
    export const size = (plan: Plan) => [plan, sign];`,
  'issuer/keys/index.ts': `import 'jose'; import '../../errors.ts'; export const ring = 1;`,
  'issuer/stores/index.ts': `import '../../clock.ts'; export const memory = 1;`,
  'discovery/index.ts': `import 'jose'; import '../token/index.ts'; import '../errors.ts'; export const found = 1;`,
  'issuer/index.ts': `import 'jose'; import '../graph/index.ts'; import '../planning/header-budget/index.ts'; import './stores/index.ts';
    import '../discovery/index.ts'; export const issue = 1;`,
  'issuer/http/index.ts': `import express from 'express'; import pino from 'pino'; import 'node:http';
    import '../index.ts'; export const app = [express, pino];`,
  'middleware/index.ts': `import type { Request } from 'express'; import '../token/index.ts';
    import '../discovery/index.ts'; export type R = Request; export const extract = 1;`,
  'input/json.ts': `import 'node:buffer'; export const json = 1;`,
  'architect/traces/index.ts': `import type { Plan } from '../../graph/index.ts'; import '../../input/json.ts';
    export type Drift = Plan;`,
  'index.ts': `export { issue } from './issuer/index.ts'; export { app } from './issuer/http/index.ts';`,
  'cli/main.ts': `import { Command } from 'commander'; import { issue } from '../issuer/index.ts'; import '../errors.ts';
    export const run = [Command, issue];`,
};

describe('modules of src', () => {
  let root: string;

  beforeEach(() => {
    root = mkdtempSync(path.join(tmpdir(), 'waybill-modules-'));
    symlinkSync(path.resolve('node_modules'), path.join(root, 'node_modules'));
  });

  afterEach(() => {
    rmSync(root, { recursive: true });
  });

  /** Breaches in the lawful tree after `changes`, each file's text added to what is there. */
  async function breachesWith(changes: Record<string, string>): Promise<string[]> {
    const names = new Set([...Object.keys(lawful), ...Object.keys(changes)]);
    for (const name of names) {
      const file = path.join(root, 'src', name);
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, `${changes[name] ?? ''}\n${lawful[name] ?? ''}`);
    }
    return moduleBreaches(root);
  }

  it('lets a tree pass that keeps to the table', async () => {
    expect(await breachesWith({})).to.deep.equal([]);
  });

  const forbidden: [title: string, file: string, source: string, expected: string][] = [
    ['errors importing the clock', 'errors.ts', `import './clock.ts';`, '"errors.ts" imports nothing'],
    ['the clock importing a module of Node', 'clock.ts', `import 'node:fs';`, '"clock.ts" imports nothing'],
    ['graph importing token', 'graph/plan.ts', `import '../token/index.ts';`, '"graph" may not'],
    ['identity importing errors', 'identity/index.ts', `import '../errors.ts';`, '"identity" may not'],
    [
      'keys importing graph',
      'issuer/keys/index.ts',
      `import '../../graph/index.ts';`,
      '"issuer/keys" may not',
    ],
    [
      'keys importing a type of graph',
      'issuer/keys/index.ts',
      `import type {} from '../../graph/index.ts';`,
      '"issuer/keys" may not',
    ],
    [
      'header budgets importing planning',
      'planning/header-budget/index.ts',
      `import '../index.ts';`,
      '"planning/header-budget" may not',
    ],
    ['token importing keys', 'token/index.ts', `import '../issuer/keys/index.ts';`, '"token" may not'],
    [
      'discovery importing issuer',
      'discovery/index.ts',
      `import '../issuer/index.ts';`,
      '"discovery" may not',
    ],
    ['discovery importing graph', 'discovery/index.ts', `import '../graph/index.ts';`, '"discovery" may not'],
    ['discovery importing the clock', 'discovery/index.ts', `import '../clock.ts';`, '"discovery" may not'],
    ['token importing discovery', 'token/index.ts', `import '../discovery/index.ts';`, '"token" may not'],
    [
      'http importing discovery',
      'issuer/http/index.ts',
      `import '../../discovery/index.ts';`,
      '"issuer/http" may not',
    ],
    [
      'stores importing token',
      'issuer/stores/index.ts',
      `import '../../token/index.ts';`,
      '"issuer/stores" may not',
    ],
    ['issuer importing http', 'issuer/index.ts', `import './http/index.ts';`, '"issuer" may not'],
    [
      'issuer importing express',
      'issuer/index.ts',
      `import 'express';`,
      'only issuer/http may import express',
    ],
    [
      'issuer importing a type of express',
      'issuer/index.ts',
      `import type {} from 'express';`,
      'import express',
    ],
    ['issuer importing node:http', 'issuer/index.ts', `import 'node:http';`, `Node's HTTP modules`],
    [
      'issuer importing http in its short spelling',
      'issuer/index.ts',
      `import 'http';`,
      `Node's HTTP modules`,
    ],
    [
      'http importing planning',
      'issuer/http/index.ts',
      `import '../../planning/index.ts';`,
      '"issuer/http" may not',
    ],
    [
      'middleware importing graph',
      'middleware/index.ts',
      `import '../graph/index.ts';`,
      '"middleware" may not',
    ],
    [
      'middleware loading issuer lazily',
      'middleware/index.ts',
      `void import('../issuer/index.ts');`,
      '"middleware" may not',
    ],
    ['middleware loading express', 'middleware/index.ts', `import 'express';`, 'only types of express'],
    [
      'traces loading graph',
      'architect/traces/index.ts',
      `import '../../graph/index.ts';`,
      'only types from "graph"',
    ],
    ['the public index importing cli', 'index.ts', `import './cli/index.ts';`, '"index.ts" may not'],
    ['cli importing the public index', 'cli/main.ts', `import '../index.ts';`, '"cli" may not'],
    ['a module importing the public index', 'graph/index.ts', `import '../index.ts';`, '"graph" may not'],
    [
      'a module entered beside its index',
      'issuer/index.ts',
      `import '../graph/plan.ts';`,
      'by its index.ts only',
    ],
    [
      'a type taken from beside an index',
      'issuer/index.ts',
      `import type { Plan } from '../graph/plan.ts';`,
      'by its index.ts only',
    ],
    [
      'the public index passing by an index',
      'index.ts',
      `export * from './graph/plan.ts';`,
      'by its index.ts only',
    ],
    [
      'graphology outside graph',
      'issuer/index.ts',
      `import 'graphology';`,
      'only graph may import graphology',
    ],
    [
      'a part of ajv outside its modules',
      'token/index.ts',
      `import 'ajv/dist/2020.js';`,
      'only graph, mesh may import ajv',
    ],
    [
      'js-yaml outside its modules',
      'cli/main.ts',
      `import 'js-yaml';`,
      'only graph, mesh, architect/export, architect/traces may import js-yaml',
    ],
    [
      'jose outside its modules',
      'issuer/http/index.ts',
      `import 'jose';`,
      'only token, issuer, issuer/keys, discovery, testing may import jose',
    ],
    [
      'jose in the middleware',
      'middleware/index.ts',
      `import 'jose';`,
      'only token, issuer, issuer/keys, discovery, testing may import jose',
    ],
    [
      'pino outside http and cli',
      'issuer/index.ts',
      `import 'pino';`,
      'only issuer/http, cli, testing may import pino',
    ],
    ['commander outside cli', 'issuer/http/index.ts', `import 'commander';`, 'only cli may import commander'],
    [
      'picocolors outside cli',
      'issuer/http/index.ts',
      `import 'picocolors';`,
      'only cli may import picocolors',
    ],
    ['a folder that the table does not list', 'utils/index.ts', '', 'src/utils: no row'],
    [
      'a folder in a wing that the table does not list',
      'architect/new/index.ts',
      '',
      'src/architect/new: no row',
    ],
  ];

  for (const [title, file, source, expected] of forbidden) {
    it(`reports ${title}`, async () => {
      const changes: Record<string, string> = { 'cli/index.ts': 'export {};', [file]: source };
      expect((await breachesWith(changes)).join('\n')).to.include(expected);
    });
  }

  it('reports a value import that stands beside a type import of the same package', async () => {
    const breaches = await breachesWith({
      'middleware/index.ts': `import type { Response } from 'express'; import express from 'express';
        export const both = (r: Response) => [r, express];`,
    });
    expect(breaches.join('\n')).to.include('only types of express');
  });

  it('reports a cycle inside a module, type-only imports counted', async () => {
    const breaches = await breachesWith({
      'token/index.ts': `export * from './sign.ts';`,
      'token/sign.ts': `import type { Claims } from './claims.ts'; export const s = (c: Claims) => c;`,
      'token/claims.ts': `import { s } from './sign.ts'; export type Claims = ReturnType<typeof s>;`,
    });
    expect(breaches.join('\n')).to.match(/src\/token\/sign\.ts.*src\/token\/claims\.ts.*: no cycles/);
  });
});
