/** A real nginx before the frontend, with the limits on headers that it has where nobody sets any: 8 KiB for a line. */
import { hasNginx, startNginx } from '../../test/support/nginx.ts';
import { owned } from './processes.ts';
import { heading } from './report.ts';
import { openPage, type LoggedIn } from './session.ts';
import { hostOf } from './shop.ts';
import { DemoFailed, paint, say } from './terminal.ts';
import { ENTRY, GATEWAY, configureGateway, type World } from './world.ts';

/** @throws DemoFailed */
export function requireNginx(): void {
  if (!hasNginx)
    throw new DemoFailed('nginx is not installed (Debian and Ubuntu: apt-get install nginx-light)');
}

/** Sends an order nested, which nginx must refuse, and leaves a gateway that asks for packed tokens. */
export async function passThroughNginx(operation: string, session: LoggedIn, world: World): Promise<void> {
  const { shop, plan, certificate } = world;
  const host = hostOf(plan.services.get(ENTRY)?.audience ?? '');
  const ends = { server: shop.certificateOf(ENTRY), client: certificate, ca: certificate.ca, host };
  const nginx = await startNginx(`https://127.0.0.1:${shop.ports[ENTRY]}`, ends);
  owned(nginx.process);
  heading(`An nginx with default limits stands before the frontend, at :${nginx.port}`);

  await configureGateway(world, { port: nginx.port, encoding: 'nested' });
  const response = await openPage(operation, session.token, world);
  const [, answer] = /<title>([^<]*)<\/title>/.exec(await response.text()) ?? [];
  const hops = await shop.hops();
  if (response.status !== 400 || hops.length > 0)
    throw new DemoFailed(`with a nested token nginx answered ${response.status}, and should have refused it`);
  const nested = await swappedBytes('nested', session, world);
  say(`  ${paint.yellow('refused')}  the order with the token nested, ${bytes(nested)}`);
  say(`           ${paint.bold('nginx')}: ${paint.cyan(answer ?? '')}`);

  await configureGateway(world, { port: nginx.port, encoding: 'packed' });
  await world.gateway.seen();
  const packed = await swappedBytes('packed', session, world);
  say(
    `  The gateway now asks for the same tokens packed, ${paint.bold(bytes(packed))}, and all that follows goes through nginx.`,
  );
}

/** As long is what the issuer gives the gateway for the session's token. */
async function swappedBytes(
  encoding: string,
  { token }: LoggedIn,
  { urls, secrets }: World,
): Promise<number> {
  const credentials = Buffer.from(`${GATEWAY}:${secrets.get(GATEWAY)}`).toString('base64');
  const headers = { authorization: `Basic ${credentials}`, accept: 'application/jwt' };
  const body = new URLSearchParams({ token, encoding });
  const response = await fetch(`${urls.issuer}/introspect`, { method: 'POST', headers, body });
  if (!response.ok) throw new DemoFailed(`the issuer answered the swap ${response.status}`);
  return (await response.text()).length;
}

function bytes(number: number): string {
  return `${number.toLocaleString('en')} bytes`;
}
