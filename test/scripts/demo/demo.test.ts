import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { expect } from 'chai';

import { hasNginx, needsNginx } from '../../support/nginx.ts';

const root = path.resolve(import.meta.dirname, '../../..');
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

const PROCESSES = 14;

/** The servers that the output names: none of them may be left. */
async function stillListening(output: string, servers = PROCESSES): Promise<string[]> {
  const ports = [
    ...new Set(
      [...output.matchAll(/(?<=127\.0\.0\.1| \w{1,40}) ?:(\d+)\b/g)].map(([, port]) => Number(port)),
    ),
  ];
  expect(ports).to.have.length(servers);
  const answers = ports.map(async (port) => {
    const socket = connect(port, '127.0.0.1');
    const listening = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    return listening ? [String(port)] : [];
  });
  return (await Promise.all(answers)).flat();
}

/** Caller, service and operation of every hop of the services, and the scopes and claims of its token. */
const HOPS = [
  'gateway → frontend  GET /product/{id} | product checkout',
  'frontend → productcatalogservice  GetProduct | product:read',
  'frontend → currencyservice  GetSupportedCurrencies | currencies:list convert',
  'frontend → cartservice  GetCart | cart:read',
  'frontend → currencyservice  Convert | currencies:list convert',
  'frontend → recommendationservice  ListRecommendations | recommend',
  'recommendationservice → productcatalogservice  ListProducts | products:list',
  'frontend → adservice  GetAds | ads:read {tier}',
  'gateway → frontend  POST /cart/checkout | product checkout',
  'frontend → checkoutservice  PlaceOrder | order:place',
  'checkoutservice → cartservice  GetCart | cart:read cart:empty',
  'checkoutservice → productcatalogservice  GetProduct | product:read',
  'checkoutservice → currencyservice  Convert | convert',
  'checkoutservice → shippingservice  GetQuote | quote ship {name}',
  'checkoutservice → paymentservice  Charge | charge {region}',
  'checkoutservice → shippingservice  ShipOrder | quote ship {name}',
  'checkoutservice → cartservice  EmptyCart | cart:read cart:empty',
  'checkoutservice → emailservice  SendOrderConfirmation | confirm {email name}',
  'frontend → recommendationservice  ListRecommendations | recommend',
  'recommendationservice → productcatalogservice  ListProducts | products:list',
  'frontend → productcatalogservice  GetProduct | product:read',
  'frontend → currencyservice  GetSupportedCurrencies | currencies:list convert',
];

function hopsIn(output: string): string[] {
  const hops = [
    ...output.matchAll(/^ +(\S+ → (?!issuer)\S+ {2}\S+(?: \S+)?) {2,}(\S+(?: \S+)*) {2,}[\d,]+ B/gm),
  ];
  const inside = hops.filter(([, , scopes]) => scopes !== 'opaque');
  return inside.map(([, hop, scopes]) => `${hop} | ${scopes}`);
}

function answersIn(output: string): string[] {
  const answers = [...output.matchAll(/^ {2}(refused|let in) .*\n {11}(.*?: [\w ]+)[,\n]/gm)];
  return answers.map(([, verdict, answer]) => `${verdict} ${answer}`);
}

function bytesOf(text = ''): number {
  return Number(text.replaceAll(',', ''));
}

const ANSWERS = [
  'refused paymentservice: 401 invalid_token token_presenter',
  'refused paymentservice: no connection',
  'refused paymentservice: 401 invalid_token token_audience',
  'refused productcatalogservice: 403 insufficient_scope scope_insufficient',
  'refused checkoutservice: 401 invalid_token token_signature',
  'refused the issuer: 400 invalid_target',
  'refused the gateway: 401 invalid_token token_presenter',
  // after the revocation
  'refused the issuer: 400 invalid_request',
  'refused the gateway: 401 invalid_token token_inactive',
  'refused paymentservice: 401 invalid_token token_inactive',
  'let in emailservice: 200',
];

describe('the demo', function () {
  this.timeout(120_000);

  afterEach(() => {
    for (const child of running) child.kill();
    running.clear();
  });

  it('shows a login, an order hop by hop, attacks and a revocation; no token; leaves nothing running', async () => {
    const { status, output, errors } = await outcomeOf(start());
    expect(errors).to.equal('');
    expect(status).to.equal(0);
    expect(hopsIn(output)).to.deep.equal(HOPS);
    const questions = [...output.matchAll(/^ +(\S+) → issuer {2}(POST \S+)/gm)].map(
      ([, by, what]) => `${by} ${what}`,
    );
    // a swap is good for two seconds, which a slow machine may take from one page to the next
    expect([...new Set(questions)]).to.deep.equal([
      'gateway POST /introspect',
      'frontend POST /token',
      'paymentservice POST /introspect',
    ]);
    expect(answersIn(output)).to.deep.equal(ANSWERS);
    expect(output, 'a token').not.to.match(/(?<![\w-])[\w-]{16,}\.[\w-]{16,}\.[\w-]{16,}|eyJ|wbo_|[\w-]{40}/);
    expect(output, 'colours, or a line that moves').not.to.match(/[\r\u001b]/);
    expect(await stillListening(output)).to.deep.equal([]);
  });

  it(`sends the order through an nginx that refuses it nested${needsNginx}`, async function () {
    if (!hasNginx) this.skip();
    const { status, output, errors } = await outcomeOf(start('--nginx'));
    expect(errors).to.equal('');
    expect(status).to.equal(0);
    const [, nested, packed] = /nested, ([\d,]+) bytes[^]*packed, ([\d,]+) bytes/.exec(output) ?? [];
    expect(bytesOf(nested)).to.be.greaterThan(8 * 1024);
    expect(bytesOf(packed)).to.be.lessThan(2 * 1024);
    expect(answersIn(output)).to.deep.equal([
      'refused nginx: 400 Request Header Or Cookie Too Large',
      ...ANSWERS,
    ]);
    expect(hopsIn(output)).to.deep.equal(HOPS);
    expect(await stillListening(output, PROCESSES + 1)).to.deep.equal([]);
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
    expect(output).not.to.contain('Everything');
    expect(await stillListening(output)).to.deep.equal([]);
  });

  it('takes no option that it does not know', async () => {
    const { status, errors } = await outcomeOf(start('--witout', 'paymentservice'));
    expect(status).to.equal(2);
    expect(errors).to.contain('--without');
  });
});
