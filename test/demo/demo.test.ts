import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { expect } from 'chai';

const root = path.resolve(import.meta.dirname, '../..');
const running = new Set<ChildProcess>();

function start(...options: string[]) {
  const child = spawn(process.execPath, ['--import', 'tsx', 'scripts/demo/main.ts', ...options], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  return child;
}

interface Outcome {
  readonly status: number | null;
  readonly output: string;
  readonly errors: string;
}

async function outcomeOf(child: ReturnType<typeof start>): Promise<Outcome> {
  const [output, errors, ended] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ]);
  return { status: ended[0], output, errors };
}

/** The servers that the output names: none of them may be left. */
async function stillListening(output: string): Promise<string[]> {
  const urls = [...new Set(output.match(/http:\/\/127\.0\.0\.1:\d+/g))];
  expect(urls).to.have.length(12);
  const answers = urls.map((url) =>
    fetch(url)
      .then(() => [url])
      .catch(() => []),
  );
  return (await Promise.all(answers)).flat();
}

const HOPS = [
  'storefront → frontend  POST /cart/checkout',
  'frontend → checkoutservice  PlaceOrder',
  'checkoutservice → cartservice  GetCart',
  'checkoutservice → productcatalogservice  GetProduct',
  'checkoutservice → currencyservice  Convert',
  'checkoutservice → shippingservice  GetQuote',
  'checkoutservice → paymentservice  Charge',
  'checkoutservice → shippingservice  ShipOrder',
  'checkoutservice → cartservice  EmptyCart',
  'checkoutservice → emailservice  SendOrderConfirmation',
  'frontend → recommendationservice  ListRecommendations',
  'recommendationservice → productcatalogservice  ListProducts',
  'frontend → productcatalogservice  GetProduct',
  'frontend → currencyservice  GetSupportedCurrencies',
];

describe('the demo', function () {
  this.timeout(60_000);

  afterEach(() => {
    for (const child of running) child.kill();
    running.clear();
  });

  it('shows an order hop by hop and three attacks refused, shows no token, leaves nothing running', async () => {
    const { status, output, errors } = await outcomeOf(start());
    expect(errors).to.equal('');
    expect(status).to.equal(0);
    expect(output).to.contain('12 tokens, all verified');
    const hops = [...output.matchAll(/^ +(\S+ → \S+ {2}\S+(?: \S+)?) {2,}.* B +\d+ % /gm)].map(
      ([, hop]) => hop,
    );
    expect(hops).to.deep.equal(HOPS);
    expect(output).to.contain('14 hops with 12 tokens');
    const refusals = [...output.matchAll(/^ +refused .*\n.* answers (\d+ \w+ \w+):/gm)];
    expect(refusals.map(([, answer]) => answer)).to.deep.equal([
      '401 invalid_token token_audience',
      '401 invalid_token token_signature',
      '403 insufficient_scope scope_insufficient',
    ]);
    expect(output, 'a token').not.to.match(/[\w-]{16,}\.[\w-]{16,}\.[\w-]{16,}|eyJ/);
    expect(output, 'colours, or a line that moves').not.to.match(/[\r\u001b]/);
    expect(await stillListening(output)).to.deep.equal([]);
  });

  it('fails, and says why, where a service that the order needs is down', async () => {
    const { status, output, errors } = await outcomeOf(start('--without', 'paymentservice'));
    expect(status).to.equal(1);
    expect(errors).to.match(/The demo failed: POST \/cart\/checkout was answered 502: .*paymentservice/);
    expect(output).not.to.contain('refused');
    expect(await stillListening(output)).to.deep.equal([]);
  });

  it('ends what it started when it is interrupted', async () => {
    const child = start();
    const outcome = outcomeOf(child);
    child.stdout.once('data', () => child.kill('SIGINT'));
    const { status, output } = await outcome;
    expect(status).to.equal(130);
    expect(await stillListening(output)).to.deep.equal([]);
  });

  it('takes no option that it does not know', async () => {
    const { status, errors } = await outcomeOf(start('--witout', 'paymentservice'));
    expect(status).to.equal(2);
    expect(errors).to.contain('--without');
  });
});
