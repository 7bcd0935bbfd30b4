import { expect } from 'chai';
import type { Page } from 'playwright-core';

import { closeBrowser, hasChromium, needsChromium, openPage } from './chromium.ts';
import { explore, run, stopServing } from '../../support/program.ts';
import { removeScratch, scratchFile } from '../../support/files.ts';

/** A shop whose refund asks for a recent login of a buyer, and whose vault reads sealed tokens. */
const GRAPH = `waybill: 1
name: till
issuer: { url: 'https://tokens.till.example', encoding: nested }
zones: { shop: {} }
subjects:
  login: { issuer: 'https://login.till.example', audience: web, token_types: [id_token], acr: { mfa: ['urn:two'] } }
claims:
  role: { from: subject, type: strings, max_bytes: 64 }
  amount: { from: request, type: int }
defaults:
  audience: https://{name}.till.example
  identity: spiffe://till.example/{name}
  headers: { profile: node }
  zone: shop
  caller: mtls
clients:
  web:
    auth: { method: client_secret_basic, secret_env: WEB_SECRET }
    grants: [token_exchange]
    subjects: [login]
    calls: { orders: [pay] }
services:
  orders:
    scopes:
      pay:
        claims: [amount!]
        calls:
          bank: { scopes: [charge, refund], when: { refund: 'auth.acr in ["mfa"] && auth.age <= 300' } }
          mail: { scopes: [send], when: '"buyer" in subject.role', until: 2999-12-31 }
          vault: { scopes: [read], seal: true }
  bank: { scopes: { charge: {}, refund: {} } }
  mail: { scopes: { send: { callers: [{ zone: shop }] } } }
  vault:
    encryption: { jwks_file: vault.jwks }
    scopes: { read: {} }
`;

describe(`waybill explore: what is known of a request${needsChromium}`, function () {
  this.timeout(180_000);
  let page: Page;
  let complaints: string[];
  let graph: string;

  before(async function () {
    if (!hasChromium) this.skip();
    graph = scratchFile('till.yaml', GRAPH);
    const { url } = await explore([graph]);
    ({ page, complaints } = await openPage(url));
  });
  after(async () => {
    await closeBrowser();
    await stopServing();
    removeScratch();
  });
  afterEach(() => expect(complaints).to.deep.equal([]));

  const card = (place: string) => page.locator(`.card[data-id="${place}"]`);
  const bytesOf = (place: string) => card(place).locator('.numbers b').textContent();
  const fill = (fact: string, text: string) => page.getByLabel(fact, { exact: true }).fill(text);

  it('shows on each card the conditions, the last day and whether the token is sealed', async () => {
    expect(await card('orders/bank').locator('.terms').textContent()).to.equal(
      'refund when auth.acr in ["mfa"] && auth.age <= 300',
    );
    expect(await card('orders/mail').locator('.terms').textContent()).to.equal(
      'send when "buyer" in subject.role, until 2999-12-31',
    );
    expect(await card('orders/vault').locator('.terms').textContent()).to.equal('sealed');
    expect(await card('orders').locator('.terms').count()).to.equal(0);
  });

  it('shows in the details of a service for whom the selectors of its scopes stand, and that it has keys', async () => {
    await card('orders/mail').click();
    const details = page.locator('aside.right');
    expect(await details.locator('.restrictions').textContent()).to.equal(
      'send: callers {zone: shop} stands for orders, bank, mail, vault',
    );
    await card('orders/vault').click();
    expect(await details.locator('dl.facts').textContent()).to.contain('encryptionas its keys say');
  });

  it('shows the tree that the facts give, with the bytes of `plan`, and what is withheld with the login that would help', async () => {
    await fill('request.amount', '1250');
    await fill('subject.role', 'seller');
    await fill('auth.age', '900');
    const options = ['--request', 'amount=1250', '--subject', 'role=["seller"]', '--auth', 'age=900'];
    const { stdout } = await run(['plan', graph, '--client', 'web', '--scope', 'pay', ...options, '--json']);
    const { root } = JSON.parse(stdout) as { root: { bytes: { nested: number }; withheld: object[] } };
    await card('orders/mail!').waitFor();
    expect(await bytesOf('orders')).to.equal(`${root.bytes.nested.toLocaleString('en')} B`);
    expect(root.withheld).to.have.length(2);
    expect(await card('orders/mail').count()).to.equal(0);
    expect(await card('orders/mail!').locator('.terms').textContent()).to.equal(
      'send when "buyer" in subject.role',
    );
    expect(await card('orders/bank').locator('.scopes').textContent()).to.equal('charge');
    expect(await card('orders/bank!').locator('.scopes').textContent()).to.equal('refund');
    expect(await card('orders/bank!').locator('.terms').textContent()).to.equal(
      'refund when auth.acr in ["mfa"] && auth.age <= 300; step-up: acr_values urn:two, max_age 300',
    );
  });

  it('shows it again from the address of the page, and without facts the worst case', async () => {
    expect(page.url()).to.contain('fact=auth.age%3D900');
    await page.reload();
    await card('orders/bank!').waitFor();
    await page.getByRole('button', { name: 'worst case' }).click();
    await card('orders/mail').waitFor();
    expect(await page.locator('.card.withheld').count()).to.equal(0);
    expect(page.url()).not.to.contain('fact=');
  });

  it('says that a required claim has no value, and that a value is none of its type', async () => {
    await fill('subject.role', 'buyer');
    const notes = page.locator('.callout.over');
    await notes.waitFor();
    expect(await notes.textContent()).to.contain('orders needs the claim amount, which has no value here.');
    await fill('request.amount', 'much');
    await page.getByText('The request cannot have this value of amount.').waitFor();
    await fill('request.amount', '5');
    await card('orders').waitFor();
    expect(await notes.count()).to.equal(0);
  });
});
