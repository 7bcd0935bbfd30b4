/** Debian's Chromium, driven by playwright-core, with every request that a page makes on record. */
import { spawnSync } from 'node:child_process';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { CHROMIUM, launch } from '../../../scripts/explorer/browser.ts';

/** Tests skip themselves without it: `before(function () { if (!hasChromium) this.skip(); })`. */
export const hasChromium = spawnSync(CHROMIUM, ['--version']).status === 0;

/** For the titles of suites, so that a skipped one says why. */
export const needsChromium = hasChromium ? '' : ' (skipped: chromium is missing)';

let browser: Browser | undefined;

export interface OpenPage {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Addresses of all requests, in order. */
  readonly requests: string[];
  /** What went wrong inside: exceptions, and what the console calls errors or warnings. */
  readonly complaints: string[];
}

export async function openPage(url: string, scheme: 'light' | 'dark' = 'light'): Promise<OpenPage> {
  browser ??= await launch();
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, colorScheme: scheme });
  const page = await context.newPage();
  const [requests, complaints]: [string[], string[]] = [[], []];
  page.on('request', (request) => requests.push(request.url()));
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  await page.goto(url);
  await page.locator('main').waitFor();
  return { page, context, requests, complaints };
}

/** Call in `after`. */
export async function closeBrowser(): Promise<void> {
  await browser?.close();
  browser = undefined;
}
