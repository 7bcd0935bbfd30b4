import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import type { AxeResults } from 'axe-core';

import { closeBrowser, hasChromium, needsChromium, openPage } from './chromium.ts';
import { run } from '../../support/program.ts';
import { removeScratch, scratchFile, scratchFolder } from '../../support/files.ts';
import { HOSTILE, shopGraph } from './shop-graph.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
};

describe('waybill explore --out', () => {
  let folder: string;
  let outcome: Awaited<ReturnType<typeof run>>;

  before(async () => {
    folder = scratchFolder();
    outcome = await run(['explore', scratchFile('shop.yaml', shopGraph()), '--out', folder]);
  });
  after(removeScratch);

  it('writes files without names as markup, secrets or outside addresses', () => {
    expect([outcome.code, outcome.stderr]).to.deep.equal([0, '']);
    const html = readFileSync(path.join(folder, 'index.html'), 'utf8');
    expect(html).to.not.contain(HOSTILE).and.to.not.contain('THE_SECRET');
    expect(html.match(/<script/g)).to.have.length(2);
    expect(html).to.not.match(/(src|href)="(https?:)?\/\//);
    expect(readFileSync(path.join(folder, 'page.css'), 'utf8')).to.not.match(/url\(|@import/);
  });

  describe(`in a browser${needsChromium}`, function () {
    this.timeout(180_000); // a browser on a busy machine takes its time
    let server: Server | undefined;
    let url: string;

    before(async function () {
      if (!hasChromium) this.skip();
      const files = createServer((request, response) => {
        const name = request.url === '/' ? 'index.html' : path.basename(request.url ?? '');
        response.setHeader('content-type', TYPES[path.extname(name)] ?? 'text/plain');
        response.end(readFileSync(path.join(folder, name)));
      });
      await new Promise<void>((done) => files.listen(0, '127.0.0.1', done));
      server = files;
      url = `http://127.0.0.1:${(files.address() as AddressInfo).port}/`;
    });
    after(async () => {
      await closeBrowser();
      server?.close();
    });

    it('works from a file server, and offline once loaded', async () => {
      const { page, context, requests, complaints } = await openPage(url);
      await context.setOffline(true);
      await page.getByLabel('encoding').selectOption('packed');
      await page.locator('.card[data-id="orders/payment"]').click();
      await page.getByRole('button', { name: 'Access', exact: true }).click();
      await page.getByRole('button', { name: 'Decode a token' }).click();
      await page.getByLabel('Token', { exact: true }).fill('no token');
      await page.getByText('The token cannot be read').waitFor();
      expect(new Set(requests.filter((each) => !each.startsWith('data:')))).to.deep.equal(
        new Set([url, `${url}page.css`, `${url}page.js`]),
      );
      expect(complaints).to.deep.equal([]);
      await context.close();
    });

    it('works from the disk', async () => {
      const { page, context, complaints } = await openPage(
        pathToFileURL(path.join(folder, 'index.html')).href,
      );
      expect(await page.locator('.card').count()).to.equal(5);
      expect(complaints).to.deep.equal([]);
      await context.close();
    });

    const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
    const views = [
      ['a request', '#view=request'],
      ['a service', '#service=payment'],
      ['changes tried out', '#encoding=packed&mode=orders>payment:exchange&service=mail'],
      ['access', '#view=holders'],
      ['findings', '#view=findings'],
      ['a token', '#view=token'],
    ] as const;
    // Of all that is looked at, only the contrast is another in the dark.
    const schemes = [
      ['light', ''],
      ['dark', "{ runOnly: ['color-contrast'] }"],
    ] as const;
    for (const [scheme, rules] of schemes) {
      it(`passes axe, ${scheme}`, async () => {
        const { page, context } = await openPage(url, scheme);
        await page.evaluate(axe);
        for (const [name, hash] of views) {
          await page.evaluate(`location.hash = ${JSON.stringify(hash)}`);
          await page.evaluate('new Promise((done) => requestAnimationFrame(() => setTimeout(done)))');
          const { violations, passes } = await page.evaluate<AxeResults>(`axe.run(${rules})`);
          const told = violations.map(
            ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' ')}`,
          );
          expect(told, name).to.deep.equal([]);
          expect(passes.map(({ id }) => id)).to.include('color-contrast');
        }
        await context.close();
      });
    }
  });
});
