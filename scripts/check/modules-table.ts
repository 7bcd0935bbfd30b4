/**
 * Who may import whom inside `src`, and which module owns which package. Change the architecture here first.
 *
 * A module is a folder of `src` or a file that lies directly in it. A folder in a folder is a module of its own where it
 * has a row; every other one belongs to the module around it. `any` means that an ordinary import is allowed, `types`
 * that only `import type` is, so that nothing of the other module is loaded at run time.
 */
export interface Access {
  readonly any: readonly string[];
  readonly types?: readonly string[];
}

export const modules: Readonly<Record<string, Access>> = {
  'errors.ts': { any: [] },
  'clock.ts': { any: [] },
  'protocol.ts': { any: [] },
  'get-or-add.ts': { any: [] },
  input: { any: [] },

  identity: { any: ['get-or-add.ts', 'input'] },
  graph: { any: ['get-or-add.ts', 'identity', 'errors.ts', 'protocol.ts', 'input'] },
  token: { any: ['errors.ts', 'clock.ts', 'protocol.ts', 'input'] },
  discovery: { any: ['token', 'errors.ts', 'input'] },

  planning: {
    any: ['get-or-add.ts', 'planning/header-budget', 'planning/access', 'graph', 'errors.ts', 'clock.ts'],
  },
  'planning/header-budget': { any: ['get-or-add.ts', 'graph', 'token', 'errors.ts', 'protocol.ts'] },
  'planning/access': { any: ['get-or-add.ts', 'graph', 'errors.ts'] },

  // A module of its own, since the explorer's page cannot bundle a thread of Node's.
  'planning/compile-thread': { any: ['planning', 'graph'] },

  issuer: {
    any: [
      ...['issuer/keys', 'issuer/stores', 'planning', 'planning/header-budget', 'graph', 'token'],
      ...['discovery', 'identity', 'errors.ts', 'clock.ts', 'protocol.ts', 'get-or-add.ts', 'input'],
    ],
  },
  'issuer/keys': { any: ['token', 'errors.ts', 'clock.ts', 'protocol.ts', 'input'] },
  'issuer/stores': { any: ['errors.ts', 'clock.ts', 'input'] },
  'issuer/http': {
    any: ['issuer', 'graph', 'identity', 'errors.ts', 'protocol.ts', 'input'],
  },

  middleware: {
    any: ['discovery', 'identity', 'token', 'errors.ts', 'clock.ts', 'protocol.ts', 'input'],
  },

  // Beside a service in any language: it stands on the public extractor, as the service's own middleware would.
  mesh: {
    any: [
      ...['architect/export', 'middleware', 'graph', 'identity', 'input'],
      ...['errors.ts', 'clock.ts', 'get-or-add.ts'],
    ],
  },

  // A test of a request runs through the issuer itself, unsigned.
  'architect/assertions': {
    any: ['issuer', 'planning', 'planning/access', 'graph', 'errors.ts', 'clock.ts', 'get-or-add.ts'],
  },
  'architect/diff': {
    any: ['get-or-add.ts', 'planning', 'planning/header-budget', 'planning/access', 'graph', 'errors.ts'],
  },
  'architect/draw': { any: ['get-or-add.ts', 'planning', 'graph', 'errors.ts'] },
  // Its page/ is bundled for browsers, so it takes nothing that needs Node.
  'architect/explore': {
    any: [
      ...['architect/draw', 'planning', 'planning/header-budget', 'planning/access', 'graph', 'token'],
      ...['errors.ts', 'get-or-add.ts', 'input'],
    ],
  },
  'architect/export': { any: ['get-or-add.ts', 'graph', 'identity', 'token', 'errors.ts', 'input'] },
  'architect/traces': { any: ['get-or-add.ts', 'errors.ts', 'protocol.ts', 'input'], types: ['graph'] },

  // For the tests of services: a real issuer, and the extractor that takes its trees apart.
  testing: {
    any: [
      ...['issuer', 'issuer/http', 'issuer/keys', 'issuer/stores', 'middleware', 'planning', 'graph'],
      ...['token', 'errors.ts', 'clock.ts', 'get-or-add.ts'],
    ],
  },

  'index.ts': {
    any: [
      ...['architect/diff', 'architect/draw', 'issuer', 'issuer/http', 'issuer/keys', 'issuer/stores'],
      ...['planning', 'planning/header-budget', 'graph', 'token', 'discovery', 'identity'],
      ...['errors.ts', 'clock.ts'],
    ],
  },
  cli: {
    any: [
      ...['architect/assertions', 'architect/diff', 'architect/draw', 'architect/explore'],
      ...['architect/export', 'architect/traces'],
      ...['issuer', 'issuer/http', 'issuer/keys', 'issuer/stores'],
      ...['planning', 'planning/header-budget', 'planning/access', 'planning/compile-thread'],
      ...[
        'mesh',
        'graph',
        'token',
        'discovery',
        'identity',
        'errors.ts',
        'clock.ts',
        'get-or-add.ts',
        'input',
      ],
    ],
  },
};

/** Modules, and files of modules, that load nothing at all, neither a package nor a module of Node. */
export const bare: readonly string[] = [
  ...['errors.ts', 'clock.ts', 'protocol.ts', 'get-or-add.ts'],
  ...[
    'input/attempt.ts',
    'input/exact-number.ts',
    'input/header-lines.ts',
    'input/json-input.ts',
    'input/own-text.ts',
    'input/url.ts',
  ],
];

/** Packages that only the named modules may import; a package that is not listed is free for every module. */
export const packages: Readonly<Record<string, Access>> = {
  '@marcbachmann/cel-js': { any: ['graph'] },
  graphology: { any: ['graph'] },
  'graphology-components': { any: ['graph'] },
  'graphology-types': { any: ['graph'] },
  ajv: { any: ['graph', 'mesh'] },
  'js-yaml': { any: ['graph', 'mesh', 'architect/export', 'architect/traces'] },
  // Writes YAML with comments and knows where each value of a file ends; js-yaml does neither.
  yaml: { any: ['architect/traces'] },
  diff: { any: ['architect/traces'] },
  jose: { any: ['token', 'issuer', 'issuer/keys', 'discovery', 'testing'] },
  'lru-cache': { any: ['middleware', 'mesh', 'issuer', 'issuer/stores'] },
  '@redis/client': { any: ['issuer/stores'] },
  'rate-limiter-flexible': { any: ['issuer/stores'] },
  express: { any: ['issuer/http'], types: ['middleware'] },
  // Frameworks that `middleware/adapters` stands on, each in a file that nothing else imports.
  fastify: { any: [], types: ['middleware'] },
  hono: { any: [], types: ['middleware'] },
  koa: { any: [], types: ['middleware'] },
  '@nestjs/common': { any: ['middleware'] },
  '@grpc/grpc-js': { any: ['middleware'] },
  'content-type': { any: ['issuer/http'] },
  pino: { any: ['issuer/http', 'cli', 'testing'] },
  '@viz-js/viz': { any: ['architect/draw'] },
  commander: { any: ['cli'] },
  picocolors: { any: ['cli'] },
  'cli-progress': { any: ['cli'] },
  devalue: { any: ['architect/explore'] },
  preact: { any: ['architect/explore'] },
  cytoscape: { any: ['architect/explore'] },
  '@dagrejs/dagre': { any: ['architect/explore'] },
  pako: { any: ['architect/explore'] },
  vite: { any: ['architect/explore'] },
};

/** Node's modules that speak HTTP. The issuer stays usable without a server, so it is not on this list. */
export const httpModules: Access = {
  any: ['issuer/http', 'middleware', 'mesh', 'testing', 'architect/explore', 'cli'],
};
