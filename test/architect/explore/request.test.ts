import { expect } from 'chai';
import type { Page } from 'playwright-core';

import { planRequest } from '../../../src/planning/request-plan.ts';
import { closeBrowser, hasChromium, needsChromium, openPage } from './chromium.ts';
import { explore, run, stopServing } from '../../support/program.ts';
import { draftOf } from '../../support/compile.ts';
import { removeScratch, scratchFile } from '../../support/files.ts';
import { HOSTILE, shopGraph } from './shop-graph.ts';

interface CallJson {
  readonly service: string;
  readonly bytes?: { readonly nested: number; readonly packed: number };
  readonly coding?: string;
  readonly budget?: { readonly limit: number | null };
  readonly calls: readonly CallJson[];
}

/** By place in the tree what the token has in bytes, of how many; what is not issued has none. */
type Weights = Record<string, string>;

/** What `plan --json` says. */
async function plannedBytes(...args: string[]): Promise<Weights> {
  const { stdout, stderr } = await run(['plan', ...args, '--json']);
  expect(stderr).to.equal('');
  return weightsOf((JSON.parse(stdout) as { root: CallJson }).root);
}

function weightsOf(root: CallJson): Weights {
  const weights: Weights = {};
  const visit = ({ service, bytes, coding, budget, calls }: CallJson, above: string): void => {
    const place = above === '' ? service : `${above}/${service}`;
    const taken = coding === 'packed' ? bytes?.packed : bytes?.nested;
    const limit = budget?.limit?.toLocaleString('en');
    weights[place] = taken === undefined ? '' : `${taken.toLocaleString('en')} B of ${limit} B`;
    for (const call of calls) visit(call, place);
  };
  visit(root, '');
  return weights;
}

/** What the page shows. */
async function shownBytes(page: Page): Promise<Weights> {
  const cards = await page.evaluate<[place: string, weight: string][]>(`
    [...document.querySelectorAll('.card')].map((card) => [
      card.dataset.id,
      [...card.querySelectorAll('.numbers b, .numbers .muted')].map((part) => part.textContent).join(' '),
    ])`);
  return Object.fromEntries(cards);
}

describe(`waybill explore: a request${needsChromium}`, function () {
  this.timeout(180_000); // a browser on a busy machine takes its time
  let page: Page;
  let complaints: string[];
  let url: string;

  before(async function () {
    if (!hasChromium) this.skip();
    ({ url } = await explore([scratchFile('shop.yaml', shopGraph())]));
    ({ page, complaints } = await openPage(url));
  });
  after(async () => {
    await closeBrowser();
    await stopServing();
    removeScratch();
  });
  afterEach(() => expect(complaints).to.deep.equal([]));

  const card = (place: string) => page.locator(`.card[data-id="${place}"]`);

  it('draws the tree of the chosen scopes, with the bytes of `plan --json`', async () => {
    const boutique = await explore(['graphs/online-boutique.yaml']);
    const other = await openPage(`${boutique.url}#client=storefront&scope=checkout`);
    const shown = () => shownBytes(other.page);
    const planned = (scope: string) =>
      plannedBytes('graphs/online-boutique.yaml', '--client', 'storefront', '--scope', scope);
    expect(await shown()).to.deep.equal(await planned('checkout'));
    await other.page.getByRole('checkbox', { name: 'home' }).check();
    await other.page.getByRole('checkbox', { name: 'checkout' }).uncheck();
    expect(await shown()).to.deep.equal(await planned('home'));
    await other.page.getByRole('button', { name: 'all', exact: true }).click();
    const all = await planned(
      'home product cart cart:add cart:empty checkout session assistant product-meta bot',
    );
    expect(await shown()).to.deep.equal(all);
    expect(other.complaints).to.deep.equal([]);
    await other.context.close();
  });

  it('lights up only what the request reaches', async () => {
    const reached = () => page.locator('.services .reached .name').allInnerTexts();
    expect(await reached()).to.have.members(['orders', 'payment', 'ledger', 'mail', 'web']);
    await page.getByRole('checkbox', { name: 'list' }).check();
    await page.getByRole('checkbox', { name: 'place' }).uncheck();
    expect(await reached()).to.have.members(['orders', 'web']);
    await page.getByRole('checkbox', { name: 'place' }).check();
    await page.getByRole('checkbox', { name: 'list' }).uncheck();
  });

  it('draws boxes of zones with titles that do not overlap', async () => {
    await page.getByRole('button', { name: 'Whole graph' }).click();
    await page.locator('.graph-part.large').waitFor();
    const boxes = await page.evaluate<readonly { x1: number; x2: number; y1: number; y2: number }[]>(
      `document.querySelector('.graph')._cyreg.cy.nodes('.box').map((box) => ({ ...box.boundingBox() }))`,
    );
    const [one, other] = boxes;
    expect(boxes).to.have.lengthOf(2);
    const gaps = [other!.x1 - one!.x2, one!.x1 - other!.x2, other!.y1 - one!.y2, one!.y1 - other!.y2];
    expect(Math.max(...gaps)).to.be.above(0);
    await page.getByRole('button', { name: 'This request' }).click();
  });

  it('dashes calls whose token is fetched when needed', async () => {
    const dashes = (line: string) =>
      page.evaluate(`getComputedStyle(document.querySelector('.lines .${line}')).strokeDasharray`);
    expect(await dashes('exchange')).to.equal('7px, 4px');
    expect(await dashes('embed')).to.equal('none');
    expect(await card('orders/mail').innerText())
      .to.contain('fetched when needed')
      .and.to.contain('25 %');
  });

  it('shows sizes for another encoding, signature and mode as in a changed graph', async () => {
    const graph = (options: Parameters<typeof shopGraph>[0]) =>
      weightsOf(planRequest(draftOf(shopGraph(options)), 'web', { scopes: ['place'] }).root);
    await page.getByLabel('encoding').selectOption('packed');
    expect(await shownBytes(page)).to.deep.equal(graph({ encoding: 'packed' }));
    await page.getByLabel('signing').selectOption('RS256');
    expect(await shownBytes(page)).to.deep.equal(graph({ encoding: 'packed', signing: 'RS256' }));
    await card('orders/payment').click();
    await page.getByLabel('fetched when needed').check();
    const tried = { encoding: 'packed', signing: 'RS256', payment: 'exchange' };
    expect(await shownBytes(page)).to.deep.equal(graph(tried));
    expect(await page.locator('.summary').innerText()).to.contain('was 3');
    expect(await page.locator('aside tbody tr').first().innerText()).to.match(
      /orders[^]*charge\s+fetched when needed/,
    );
    const remark = page.getByText('about the graph as declared');
    expect(await remark.count()).to.equal(1);
    await page.getByRole('button', { name: 'as declared', exact: true }).click();
    expect(await shownBytes(page)).to.deep.equal(graph({}));
    expect(await remark.count()).to.equal(0);
  });

  it('shows a service: its token, its callers, who can read each claim, who can use it', async () => {
    await card('orders/payment').click();
    const side = page.locator('aside');
    const token = JSON.parse(await side.locator('pre').innerText()) as Record<string, unknown>;
    expect(token).to.include({
      aud: 'https://payment.shop.example',
      scope: 'charge',
      region: 'eu',
      sub: 'web',
    });
    expect(token['act']).to.deep.equal({ sub: 'spiffe://shop.example/orders' });
    expect(Object.keys(token['embedded'] as object)).to.deep.equal(['ledger']);
    const part = (title: string) => side.locator('.part').filter({ hasText: title });
    expect(await part('Who may call it').innerText()).to.match(/orders\s+place\s+charge\s+travels inside/);
    const claims = part('Who can read each claim');
    expect(await claims.locator('thead th').allInnerTexts()).to.include.members(['mesh', 'bank']);
    expect(await claims.locator('tbody td.other').count()).to.equal(2); // the client and orders, above it
    expect(await claims.locator('tbody td.own').count()).to.equal(1);
    await card('orders').click();
    expect(await side.locator('dl').innerText()).to.contain(HOSTILE);
  });

  it('marks a party that can use a token but should not', async () => {
    await card('orders/mail').click();
    const use = page.locator('aside .part').filter({ hasText: 'Who can use it' });
    expect(await use.locator('td.own').count()).to.equal(1);
    await page.getByRole('button', { name: 'Access', exact: true }).click();
    expect(await page.locator('.access h2').allInnerTexts()).to.deep.equal([
      'Who can read which claim',
      'Who can read which token',
      'Who can use which token',
    ]);
    expect(await page.locator('.access tbody tr').count()).to.be.above(6);
    await page.getByRole('button', { name: 'Request', exact: true }).click();
  });

  it('shows names as text, not as markup', async () => {
    expect(await page.locator('img').count()).to.equal(0);
    expect(await page.title()).to.equal('shop · Waybill');
    expect(await page.locator('.scope-list small').innerText()).to.equal(HOSTILE);
  });

  it('works with the keyboard', async () => {
    await card('orders').focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Enter');
    expect(await page.locator('aside h2').innerText()).to.equal('ledger');
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    expect(await page.locator('aside h2').innerText()).to.equal('mail');
  });

  it('finds a service by name, owner or zone, and draws what is around it', async () => {
    await page.getByRole('searchbox').fill('bank');
    expect(await page.locator('.services .name').allInnerTexts()).to.deep.equal(['payment']);
    await page.locator('.services button').click();
    await page.getByRole('button', { name: 'Around the service' }).click();
    expect(await page.locator('.graph').getAttribute('aria-label')).to.match(/^The graph: 3 nodes, 2 lines/);
    await page.getByRole('searchbox').fill('');
  });

  it('restores the choice from its address', async () => {
    await page.getByLabel('encoding').selectOption('packed');
    await page.waitForURL(/encoding=packed/); // the address follows what is drawn
    const shown = await shownBytes(page);
    const again = await openPage(page.url());
    expect(await shownBytes(again.page)).to.deep.equal(shown);
    expect(await again.page.locator('aside h2').innerText()).to.equal('payment');
    await again.context.close();
  });
});
