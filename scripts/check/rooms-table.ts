/**
 * Who may import whom inside `src`, and which room owns which package. Change the architecture here first.
 *
 * A room is a folder of `src`, or a file that lies directly in it. `any` means that an ordinary import is
 * allowed, `types` that only `import type` is, so that nothing of the other room is loaded at run time.
 */
export interface Access {
  readonly any: readonly string[];
  readonly types?: readonly string[];
}

export const rooms: Readonly<Record<string, Access>> = {
  'errors.ts': { any: [] },
  'clock.ts': { any: [] },
  'own-text.ts': { any: [] },
  'url.ts': { any: [] },
  'json-input.ts': { any: [] },
  'exact-number.ts': { any: [] },
  'public-key.ts': { any: [] },
  'slices.ts': { any: [] },
  'occasional.ts': { any: [] },
  'open-files.ts': { any: [] },
  'input-file.ts': { any: ['json-input.ts'] },
  'process-mark.ts': { any: ['input-file.ts'] },
  graph: { any: ['identity', 'errors.ts', 'exact-number.ts', 'url.ts'] },
  token: { any: ['errors.ts', 'clock.ts', 'public-key.ts', 'url.ts'] },
  budget: { any: ['graph', 'token', 'errors.ts'] },
  exposure: { any: ['graph', 'errors.ts'] },
  keys: {
    any: [
      ...['token', 'errors.ts', 'clock.ts', 'public-key.ts'],
      ...['json-input.ts', 'input-file.ts', 'process-mark.ts'],
    ],
  },
  store: { any: ['errors.ts', 'clock.ts', 'own-text.ts', 'url.ts'] },
  identity: { any: ['public-key.ts'] },
  issuer: {
    any: [
      ...['discovery', 'identity', 'graph', 'budget', 'token', 'keys', 'store'],
      ...['errors.ts', 'clock.ts', 'exact-number.ts', 'own-text.ts', 'slices.ts'],
    ],
  },
  http: {
    any: ['identity', 'issuer', 'graph', 'keys', 'errors.ts', 'clock.ts', 'occasional.ts', 'open-files.ts'],
  },
  discovery: { any: ['token', 'errors.ts', 'json-input.ts', 'url.ts'] },
  middleware: {
    any: [
      ...['discovery', 'identity', 'token', 'errors.ts', 'clock.ts'],
      ...['json-input.ts', 'own-text.ts', 'public-key.ts', 'url.ts'],
    ],
  },
  mesh: { any: ['middleware', 'token', 'errors.ts'] },
  drawing: { any: ['request-plan.ts', 'graph', 'errors.ts'] },
  export: { any: ['graph', 'errors.ts'] },
  observed: { any: ['errors.ts', 'json-input.ts', 'url.ts'], types: ['graph'] },
  'index.ts': {
    any: [
      ...[
        'errors.ts',
        'clock.ts',
        'compile.ts',
        'compile-thread',
        'request-plan.ts',
        'request-fit.ts',
        'request-holders.ts',
        'request-table.ts',
        'diff',
        'exposure',
        'discovery',
        'drawing',
        'export',
        'graph',
        'identity',
        'observed',
        'budget',
        'token',
        'keys',
        'store',
      ],
      ...['issuer', 'http', 'middleware', 'mesh'],
    ],
  },
  'compile.ts': { any: ['graph', 'budget', 'exposure', 'errors.ts', 'clock.ts'] },
  'compile-thread': { any: ['compile.ts', 'graph'] },
  'request-plan.ts': { any: ['graph', 'budget', 'errors.ts'] },
  'request-table.ts': { any: ['request-plan.ts', 'graph', 'errors.ts'] },
  'request-holders.ts': { any: ['request-plan.ts', 'exposure', 'graph'] },
  'request-fit.ts': { any: ['request-plan.ts', 'graph', 'budget', 'errors.ts'] },
  diff: { any: ['request-plan.ts', 'exposure', 'graph', 'budget', 'errors.ts'] },
  // Its page/ is bundled for browsers: it takes the parts that it computes with one by one, not all of the index.
  explorer: {
    any: [
      'index.ts',
      'request-plan.ts',
      'request-holders.ts',
      'graph',
      'token',
      'errors.ts',
      'exact-number.ts',
      'json-input.ts',
    ],
  },
  cli: {
    any: [
      ...['index.ts', 'explorer', 'errors.ts', 'exact-number.ts', 'slices.ts', 'url.ts'],
      ...['json-input.ts', 'input-file.ts', 'occasional.ts', 'open-files.ts', 'process-mark.ts'],
    ],
  },
};

/** Rooms that load nothing at all, neither a package nor a module of Node. */
export const bare: readonly string[] = [
  'errors.ts',
  'clock.ts',
  'own-text.ts',
  'json-input.ts',
  'exact-number.ts',
  'slices.ts',
  'occasional.ts',
  'url.ts',
];

/** Packages that only the named rooms may import; a package that is not listed is free for every room. */
export const packages: Readonly<Record<string, Access>> = {
  graphology: { any: ['graph'] },
  'graphology-components': { any: ['graph'] },
  'graphology-types': { any: ['graph'] },
  ajv: { any: ['graph'] },
  'js-yaml': { any: ['graph', 'export', 'observed'] },
  // Writes YAML with comments and knows where each value of a file ends; js-yaml does neither.
  yaml: { any: ['observed'] },
  diff: { any: ['observed'] },
  jose: { any: ['token', 'keys', 'issuer', 'discovery'] },
  'lru-cache': { any: ['middleware', 'issuer', 'store'] },
  '@redis/client': { any: ['store'] },
  'rate-limiter-flexible': { any: ['store'] },
  express: { any: ['http'], types: ['middleware'] },
  'content-type': { any: ['http'] },
  pino: { any: ['http', 'cli'] },
  '@viz-js/viz': { any: ['drawing'] },
  commander: { any: ['cli'] },
  picocolors: { any: ['cli'] },
  'cli-progress': { any: ['cli'] },
  devalue: { any: ['explorer'] },
  preact: { any: ['explorer'] },
  cytoscape: { any: ['explorer'] },
  '@dagrejs/dagre': { any: ['explorer'] },
  pako: { any: ['explorer'] },
  vite: { any: ['explorer'] },
};

/** Node's modules that speak HTTP. The issuer stays usable without a server, so it is not on this list. */
export const httpModules: Access = { any: ['http', 'middleware', 'mesh', 'explorer', 'cli'] };
