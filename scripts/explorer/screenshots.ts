/**
 * Pictures of `waybill explore`, light and dark, into the folder that is named; without one, the picture of the README
 * alone. Needs a build, and Debian's Chromium.
 *
 *     npm run screenshots                 the README's
 *     npm run screenshots -- FOLDER       all of them
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { compileGraph } from '../../src/planning/compile.ts';
import { authenticatingParties, createIssuer } from '../../src/issuer/index.ts';
import { generateKey, keyRing } from '../../src/issuer/keys/index.ts';
import { pack } from '../../src/token/index.ts';
import { generate } from '../scale/generate.ts';
import { launch } from './browser.ts';

const MAIN = 'dist/cli/main.js';
const README_PICTURE = 'docs/pictures/explorer.png';
const SIZE = { width: 1440, height: 1100 };
const BOUTIQUE = 'graphs/online-boutique.yaml';

interface Shot {
  readonly name: string;
  /** Paths of its graph. */
  readonly graph: readonly string[];
  /** What is picked. */
  readonly hash: string;
  readonly prepare?: (page: Page) => Promise<void>;
}

const scratch = mkdtempSync(path.join(tmpdir(), 'waybill-pictures-'));

function scaleGraph(): string {
  const folder = path.join(scratch, 'scale');
  mkdirSync(folder);
  const size = { services: 1_000, calls: 6_000, clients: 10, files: 20, perLayer: 334, zones: 8 };
  for (const [name, text] of generate(size)) writeFileSync(path.join(folder, name), text);
  return folder;
}

const scale = [scaleGraph()];
const checkout = '#client=storefront&scope=checkout';
const shots: readonly Shot[] = [
  { name: 'boutique-checkout', graph: [BOUTIQUE], hash: checkout },
  { name: 'boutique-service', graph: [BOUTIQUE], hash: `${checkout}&service=paymentservice` },
  { name: 'boutique-tried', graph: [BOUTIQUE], hash: `${checkout}&service=checkoutservice&encoding=packed` },
  { name: 'boutique-access', graph: [BOUTIQUE], hash: `${checkout}&view=holders` },
  {
    name: 'otel-demo-largest',
    graph: ['graphs/otel-demo.yaml'],
    hash: '',
    prepare: (page) => page.getByRole('button', { name: 'all', exact: true }).click(),
  },
  { name: 'findings', graph: ['test/fixtures/first-mistakes.yaml'], hash: '' },
  { name: 'scale-request', graph: scale, hash: '' },
  { name: 'scale-zones', graph: scale, hash: '#focus=all' },
  { name: 'scale-around', graph: scale, hash: '#service=service-400&focus=around' },
  { name: 'token', graph: [BOUTIQUE], hash: '#view=token', prepare: pasteToken },
];

/** A real token of the shop's checkout, packed, with the key that signed it. */
async function pasteToken(page: Page): Promise<void> {
  const { plan } = compileGraph([BOUTIQUE]);
  const client = plan?.clients.get('storefront');
  if (!plan || !client) throw new Error(`${BOUTIQUE} does not compile`);
  const keys = keyRing([await generateKey('ES256', () => Math.floor(Date.now() / 1000))], 'ES256');
  const secrets = new Map([...authenticatingParties(plan).keys()].map((name) => [name, 'of no matter here']));
  const issuer = createIssuer({ plan, keys, secrets });
  const { token } = await issuer.issue(client, { scopes: ['checkout'] });
  await page.getByLabel('Public keys').fill(JSON.stringify(issuer.jwks, null, 2));
  await page.getByLabel('Token', { exact: true }).fill(pack(token));
  await page.locator('.decoded .card').nth(1).click();
}

/** By the paths of a graph: the address of its page. */
const sites = new Map<string, string>();

function siteOf(graph: readonly string[]): string {
  const key = graph.join(' ');
  let url = sites.get(key);
  if (url === undefined) {
    const folder = path.join(scratch, `site-${sites.size}`);
    execFileSync(process.execPath, [MAIN, 'explore', ...graph, '--out', folder]);
    url = pathToFileURL(path.join(folder, 'index.html')).href;
    sites.set(key, url);
  }
  return url;
}

async function take(
  browser: Browser,
  { graph, hash, prepare }: Shot,
  colorScheme: 'light' | 'dark',
  file: string,
): Promise<void> {
  const context = await browser.newContext({ viewport: SIZE, colorScheme });
  const page = await context.newPage();
  await page.goto(`${siteOf(graph)}${hash}`);
  await page.locator('main').waitFor();
  await prepare?.(page);
  // The canvas draws in the next frames.
  await page.evaluate('new Promise((done) => setTimeout(done, 500))');
  await page.screenshot({ path: file });
  await context.close();
  console.log(file);
}

const [folder] = process.argv.slice(2);
const browser = await launch();
try {
  const [first] = shots;
  if (folder === undefined && first) await take(browser, first, 'light', README_PICTURE);
  if (folder !== undefined) {
    mkdirSync(folder, { recursive: true });
    for (const shot of shots)
      for (const scheme of ['light', 'dark'] as const)
        await take(browser, shot, scheme, path.join(folder, `${shot.name}-${scheme}.png`));
  }
} finally {
  await browser.close();
  rmSync(scratch, { recursive: true, force: true });
}
