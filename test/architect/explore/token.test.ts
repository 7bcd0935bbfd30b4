import { expect } from 'chai';

import { authenticatingParties, createIssuer } from '../../../src/issuer/index.ts';
import { generateKey, keyRing, type KeyRing } from '../../../src/issuer/keys/index.ts';
import { pack } from '../../../src/token/index.ts';
import { closeBrowser, hasChromium, needsChromium, openPage, type OpenPage } from './chromium.ts';
import { clientOf } from '../../support/issuer/issue.ts';
import { explore, stopServing } from '../../support/program.ts';
import { ORDERS, shop as plainShop } from '../../support/graphs/shop.ts';
import { startIssuer, stopIssuers, type TestIssuer } from '../../support/issuer/start.ts';
import { planOf } from '../../support/compile.ts';
import { removeScratch, scratchFile } from '../../support/files.ts';

/** The shop whose payment carries a claim. */
const shop = (url: string): string =>
  plainShop(url)
    .replace('clients:\n', 'claims: { region: { value: eu } }\nclients:\n')
    .replace('charge: {}', 'charge: { claims: [region] }');

describe(`waybill explore: a pasted token${needsChromium}`, function () {
  this.timeout(180_000); // a browser on a busy machine takes its time
  let issuer: TestIssuer;
  let open: OpenPage;
  let token: string;
  let keys: KeyRing;

  before(async function () {
    if (!hasChromium) this.skip();
    const record = await generateKey('ES256', () => Math.floor(Date.now() / 1000));
    keys = keyRing([record], 'ES256');
    issuer = await startIssuer(shop, { keys });
    const request = { scopes: ['place'], resources: [ORDERS] };
    ({ token } = await issuer.issuer.issue(clientOf(issuer.plan, 'web'), request));
    const jwks = scratchFile('jwks.json', JSON.stringify(issuer.issuer.jwks));
    const graph = scratchFile('graph.yaml', shop(issuer.url));
    const { url } = await explore([graph, '--jwks', jwks]);
    open = await openPage(`${url}#view=token`);
  });
  after(async () => {
    await closeBrowser();
    await stopServing();
    await stopIssuers();
    removeScratch();
  });
  afterEach(() => expect(open.complaints).to.deep.equal([]));

  const paste = async (text: string): Promise<void> => {
    await open.page.getByLabel('Token', { exact: true }).fill('');
    await open.page.locator('.decoded .empty').waitFor();
    await open.page.getByLabel('Token', { exact: true }).fill(text);
    await open.page.locator('.decoded .verdict, .decoded .callout').first().waitFor();
  };
  const decoded = () => open.page.locator('.decoded').innerText();
  const cards = () => open.page.locator('.card').count();

  for (const [coding, code] of [
    ['nested', (nested: string) => nested],
    ['packed', pack],
  ] as const) {
    it(`is decoded, verified and drawn: ${coding}, and nothing is sent`, async () => {
      const before = open.requests.length;
      await paste(code(token));
      expect(await decoded())
        .to.contain('3 tokens, all verified')
        .and.to.contain(`${coding}, `);
      expect(await cards()).to.equal(3);
      await open.page.locator('.card').nth(1).click();
      expect(await open.page.getByLabel('Payload', { exact: true }).innerText()).to.contain(
        'payment.shop.example',
      );
      // The page may only now begin to listen for changes of the graph; that address bears nothing.
      const listens = new URL('events', open.page.url()).href;
      expect(open.requests.slice(before).filter((each) => each !== listens)).to.deep.equal([]);
      expect(open.page.url()).to.not.contain(token.slice(0, 40));
    });

    it(`fails if it was tampered with: ${coding}`, async () => {
      const sent = code(token);
      const at = sent.length - 20; // in the root's signature, or in the last of the pool
      await paste(`${sent.slice(0, at)}${sent[at] === 'A' ? 'B' : 'A'}${sent.slice(at + 1)}`);
      expect(await decoded()).to.match(/[12] of 3 tokens do not verify/);
      expect(await open.page.locator('.card.fails').count()).to.be.above(0);
    });
  }

  it('shows its user, its name, its claims and what is fetched when needed', async () => {
    const text = shop(issuer.url)
      .replace('orders:\n', `orders:\n    auth: { method: client_secret_basic, secret_env: ORDERS_SECRET }\n`)
      .replace('mail: [send]', 'mail: { scopes: [send], mode: exchange }');
    const plan = planOf(text);
    const secrets = new Map(
      [...authenticatingParties(plan).keys()].map((name) => [name, 'none is asked for']),
    );
    const { token: other } = await createIssuer({ plan, keys, secrets }).issue(clientOf(plan, 'web'), {
      scopes: ['place'],
      resources: [ORDERS],
    });
    await paste(other);
    expect(await decoded())
      .to.contain('2 tokens, all verified')
      .and.to.contain('web in its own name');
    const titles = await open.page.locator('.card .name').allInnerTexts();
    expect(titles).to.deep.equal(['orders', 'payment', 'mail']);
    expect(await open.page.locator('.card').nth(1).locator('.claims').innerText()).to.equal(' {region}');
    await open.page.locator('.card.exchange').click();
    expect(await open.page.getByLabel('Payload', { exact: true }).innerText())
      .to.contain('on_demand')
      .and.to.contain('mail.shop.example');
  });

  it('shows numbers with all their digits', async () => {
    const [header = '', payload = '', signature = ''] = token.split('.');
    const claims = Buffer.from(payload, 'base64url').toString();
    const more = '"account":9007199254740993,"rate":1e400';
    const changed = Buffer.from(`${claims.slice(0, -1)},${more}}`).toString('base64url');
    await paste(`${header}.${changed}.${signature}`);
    await open.page.locator('.card').first().click();
    const shown = await open.page.getByLabel('Payload', { exact: true }).innerText();
    expect(shown.replace(/\s/g, '')).to.contain(more);
  });

  it('reads a response of the token endpoint', async () => {
    await paste(JSON.stringify({ access_token: token, token_type: 'Bearer' }));
    expect(await decoded()).to.contain('3 tokens, all verified');
  });

  it('fails with other keys or another issuer', async () => {
    await open.page.getByLabel('Issuer', { exact: true }).fill('https://other.example');
    await paste(token);
    expect(await decoded()).to.contain('3 of 3 tokens do not verify');
    await open.page.getByLabel('Issuer', { exact: true }).fill(issuer.url);
    await open.page.getByLabel('Public keys').fill('');
    await open.page.getByText('Not verified').first().waitFor();
    expect(await cards()).to.equal(3);
  });

  it('is refused if it is no token or too large', async () => {
    for (const text of ['hello', 'wb1~', 'wb1~AAAA', `${token}x`.repeat(40), 'x'.repeat((1 << 20) + 1)]) {
      await paste(text);
      expect(await decoded(), text.slice(0, 20)).to.contain('The token cannot be read');
      expect(await cards()).to.equal(0);
    }
  });
});
