/**
 * An issuer for the tests of a service: the real compiler, issuer and endpoints, with keys and secrets that are made for
 * the test. It opens a port only where a test asks for one.
 */
import type { RequestListener } from 'node:http';

import { pino } from 'pino';

import type { Clock } from '../clock.ts';
import { WaybillError } from '../errors.ts';
import { audienceOf, type Plan } from '../graph/index.ts';
import { createApp, listen } from '../issuer/http/index.ts';
import { createIssuer, type IssuedTree, type Issuer } from '../issuer/index.ts';
import { generateKey, keyRing } from '../issuer/keys/index.ts';
import { memoryStore } from '../issuer/stores/index.ts';
import type { CredentialsOptions, ExtractorOptions } from '../middleware/index.ts';
import { compileGraph } from '../planning/index.ts';
import { documentFetch, inProcessFetch } from './in-process-fetch.ts';
import { testClock, type TestClock } from './test-clock.ts';
import { isCertificateMethod, testCredentials } from './test-credentials.ts';
import { TestSealKeys } from './test-seal-keys.ts';
import { TestProviders } from './test-provider.ts';
import { TestTrees, type TokenOptions, type UserOptions } from './test-trees.ts';
import { namedIn } from './token-route.ts';

export interface TestIssuerOptions {
  /** Values for the `vars` of the graph, by name. Default: those of the graph. */
  readonly variables?: Readonly<Record<string, string>> | undefined;
  /** Seconds since the epoch. Default: `testClock()`, which stands still until the test moves it. */
  readonly clock?: TestClock | undefined;
  /**
   * A port of 127.0.0.1 on which the issuer listens, 0 for a free one; `url` is then its address. Default: it listens
   * nowhere, and only `fetch` reaches it.
   */
  readonly port?: number | undefined;
  /** Fetches every address that is not the issuer's. Default: the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch | undefined;
}

/** An issuer for the unit tests of a service, made of the real parts. */
export interface TestIssuer {
  /** The issuer's URL, as it stands in `iss`. */
  readonly url: string;
  /** The compiled graph. */
  readonly plan: Plan;
  /** The issuer itself, for everything that this interface has no shorter way for: revocation, say. */
  readonly issuer: Issuer;
  /** The time of the issuer. Give it to the extractor too. */
  readonly clock: TestClock;
  /** Answers for the issuer without a socket, and fetches every other address. Give it to the extractor. */
  readonly fetch: typeof globalThis.fetch;
  /**
   * The token that a service would receive: out of the tree of a client that leads to it, along the calls of the graph.
   *
   * @throws WaybillError `usage` where the graph issues no such token, and says which ones it issues.
   */
  tokenFor(service: string, options?: TokenOptions): Promise<string>;
  /**
   * The tree that a client would receive; `token` is its root token, or a reference to it.
   *
   * @param scopes default: the client's `default_scopes`.
   * @throws WaybillError `usage`; `invalid_scope`, `invalid_target`, `invalid_request` as the token endpoint answers.
   */
  tree(client: string, scopes?: readonly string[], options?: UserOptions): Promise<IssuedTree>;
  /**
   * Options of the extractor of a service, as its graph has them, with the clock and the `fetch` of this issuer, and with
   * keys for tokens that are sealed to it. They ask
   * for no certificate of the caller (`caller: 'none'`), since a test has none to show.
   *
   * @throws WaybillError `usage` for a service that the graph does not have.
   */
  extractorOptions(service: string): ExtractorOptions;
  /**
   * How a client or a service authenticates to this issuer.
   *
   * @throws WaybillError `usage` for a name without `auth`, or with a way to authenticate that takes a certificate.
   */
  credentialsFor(name: string): CredentialsOptions;
  /** Closes the port, where there is one. */
  close(): Promise<void>;
}

/**
 * Makes an issuer for a graph, with new keys and with secrets of its own.
 *
 * @param graph a graph file, a folder of them, or a list of both.
 * @throws WaybillError `graph_invalid` with the findings that are errors.
 * @example
 * ```ts
 * import { extractor } from 'waybill/middleware';
 * import { testIssuer } from 'waybill/testing';
 *
 * const issuer = await testIssuer('graphs/hello.yaml');
 * const waybill = extractor(issuer.extractorOptions('stock'));
 * const token = await issuer.tokenFor('stock', { scope: 'reserve' });
 * const request = await waybill.authenticate({ authorization: `Bearer ${token}` });
 * console.log(request.claims.sub);
 * ```
 */
export async function testIssuer(
  graph: string | readonly string[],
  options: TestIssuerOptions = {},
): Promise<TestIssuer> {
  const { clock = testClock(), fetch = globalThis.fetch, port } = options;
  const compiled = compile(graph, options, clock);
  let answer: RequestListener = (_request, response) => void response.writeHead(503).end();
  const running =
    port === undefined
      ? undefined
      : await listen((request, response) => answer(request, response), { host: '127.0.0.1', port });
  const plan = running ? { ...compiled, issuer: { ...compiled.issuer, url: running.url } } : compiled;
  const { url, lifetime } = plan.issuer;

  const providers = new TestProviders(plan);
  const credentials = await testCredentials(plan, clock);
  const sealKeys = await TestSealKeys.of(plan);
  const keys = keyRing([await generateKey(plan.issuer.signing, clock)], plan.issuer.signing, clock);
  const { secrets, keySets } = credentials;
  const providerFetch = documentFetch(
    async (address) =>
      credentials.document(address) ?? sealKeys.document(address) ?? providers.document(address),
    fetch,
  );
  const issuerAt = (time: Clock): Issuer =>
    createIssuer({
      ...{ plan, keys, secrets, keySets, encryptionKeys: sealKeys.published },
      ...{ clock: time, store: memoryStore({ clock: time, since: 0 }), fetch: providerFetch },
    });

  const issuer = issuerAt(clock);
  const trees = new TestTrees(issuer, clock, providers, sealKeys);
  /** Its tokens ended a second ago. */
  const past = (): TestTrees => {
    const before: Clock = () => clock() - lifetime - 1;
    return new TestTrees(issuerAt(before), before, providers, sealKeys);
  };
  const app = createApp({ issuer: () => issuer, log: pino({ level: 'silent' }) });
  answer = app;
  const ownFetch = inProcessFetch(app, new URL(url).origin, fetch);

  return Object.freeze({
    url,
    plan,
    issuer,
    clock,
    fetch: ownFetch,
    tokenFor: (service: string, { expired = false, ...wanted }: TokenOptions = {}) =>
      (expired ? past() : trees).tokenFor(service, wanted),
    tree: (client: string, scopes: readonly string[] = [], user: UserOptions = {}) =>
      trees.tree(namedIn(plan.clients, client, 'client'), { scopes }, user),
    extractorOptions(name: string): ExtractorOptions {
      const service = namedIn(plan.services, name, 'service');
      const { auth } = service;
      const decryption = sealKeys.decryptionFor(name);
      const needsConnection = auth === undefined || isCertificateMethod(auth.method);
      return {
        ...{ issuer: url, audience: audienceOf(service), caller: 'none', clock, fetch: ownFetch },
        ...(decryption === undefined ? {} : { decryption }),
        ...(needsConnection ? {} : { credentials: credentials.credentialsFor(name) }),
      };
    },
    credentialsFor: (name: string) => credentials.credentialsFor(name),
    close: async () => running?.close(),
  });
}

function compile(
  graph: string | readonly string[],
  { variables = {} }: TestIssuerOptions,
  clock: Clock,
): Plan {
  const { plan, findings, leftOut } = compileGraph([graph].flat(), {
    variables: new Map(Object.entries(variables)),
    clock,
  });
  if (plan) return plan;
  const errors = findings.filter(({ severity }) => severity === 'error');
  const lines = errors.map(({ file, line, code, message }) => `\n${file}:${line} ${code}: ${message}`);
  const more = leftOut.length > 0 ? `\nLeft out until these errors are fixed: ${leftOut.join(', ')}.` : '';
  throw new WaybillError('graph_invalid', `The graph cannot be compiled.${lines.join('')}${more}`);
}
