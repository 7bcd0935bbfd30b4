import { writeFileSync } from 'node:fs';
import { expect } from 'chai';

import { closeBrowser, hasChromium, needsChromium, openPage, type OpenPage } from './chromium.ts';
import { explore, stopServing, type Served } from '../../support/program.ts';
import { removeScratch, scratchFile } from '../../support/files.ts';
import { shopGraph } from './shop-graph.ts';

describe(`waybill explore: a graph that changes${needsChromium}`, function () {
  this.timeout(180_000); // a browser on a busy machine takes its time
  let served: Served;
  let file: string;
  let open: OpenPage;

  before(async function () {
    if (!hasChromium) this.skip();
    file = scratchFile('shop.yaml', shopGraph());
    served = await explore([file]);
    open = await openPage(`${served.url}#service=payment`);
  });
  after(async () => {
    await closeBrowser();
    await stopServing();
    removeScratch();
  });

  const card = (place: string) => open.page.locator(`.card[data-id="${place}"]`);

  it('is drawn again, and the choice stays', async () => {
    expect(await card('orders/audit').count()).to.equal(0);
    writeFileSync(file, shopGraph({ more: true }));
    await card('orders/audit').waitFor();
    expect(await open.page.locator('aside h2').innerText()).to.equal('payment');
  });

  it('keeps the last valid graph while the new one is broken, and says so', async () => {
    writeFileSync(file, shopGraph({ more: true }).replace('calls: { ledger', 'calls: { lodger'));
    await open.page.getByText('The graph has errors').waitFor();
    expect(await card('orders/audit').count()).to.equal(1);
    await open.page.getByRole('button', { name: 'Show them' }).click();
    expect(await open.page.locator('.findings').innerText()).to.contain('lodger');
    await open.page.getByRole('button', { name: 'Request', exact: true }).click();
    writeFileSync(file, shopGraph());
    await open.page.getByText('The graph has errors').waitFor({ state: 'detached' });
    expect(await card('orders/audit').count()).to.equal(0);
    expect(open.complaints).to.deep.equal([]);
  });

  it('is reported as outdated when its server is gone', async () => {
    await served.stop();
    await open.page.getByText('The server is gone').waitFor();
  });

  it('shows only findings before there is a valid graph', async () => {
    const { url } = await explore([scratchFile('broken.yaml', shopGraph().replace('ledger', 'lodger'))]);
    const other = await openPage(url);
    await other.page.getByText('Fix these errors to see the graph').waitFor();
    expect(await other.page.locator('nav [aria-current]').innerText()).to.match(/^Findings \([1-9]/);
  });

  it('leads from a finding to its place', async () => {
    const spendable = shopGraph().replace('zones: [mesh] }', 'zones: [bank] }');
    const { url } = await explore([scratchFile('findings.yaml', spendable)]);
    const other = await openPage(`${url}#view=findings&scope=list`);
    const finding = other.page.locator('.findings li').filter({ hasText: 'claim-outside-zone' }).first();
    expect(await finding.innerText()).to.match(/findings\.yaml:\d+:\d+/);
    await finding.getByRole('button', { name: 'show orders' }).click();
    expect(await other.page.locator('aside h2').innerText()).to.equal('orders');
    expect(await other.page.locator('aside .findings').innerText()).to.contain('claim-outside-zone');
    await other.page.getByRole('button', { name: 'Access', exact: true }).click();
    expect(await other.page.locator('td.bad').count()).to.be.above(0);
    expect(other.complaints).to.deep.equal([]);
  });
});
