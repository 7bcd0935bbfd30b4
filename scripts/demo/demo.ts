/** The demo, in the order in which it is seen: what runs, a login, an order, attacks, a revocation. */
import { unpack } from 'waybill';
import { attacksWith } from './attacks.ts';
import { attempt } from './attempts.ts';
import { passThroughNginx, requireNginx } from './ingress.ts';
import { travel, type Journey } from './journey.ts';
import { heading, showJourneys, showLogin, showSummary, showWorld } from './report.ts';
import { revoke } from './revocation.ts';
import { logIn } from './session.ts';
import { DemoFailed, count, paint, say } from './terminal.ts';
import { CLIENT, openWorld } from './world.ts';

export interface DemoOptions {
  /** A service that is down, to see the demo fail. */
  readonly without: string | undefined;
  /** Whether an nginx stands before the frontend. */
  readonly nginx: boolean;
  /** Where files may be made. */
  readonly folder: string;
}

const PRODUCT = 'GET /product/{id}';
const ORDER = 'POST /cart/checkout';

/** @throws DemoFailed where anything comes out otherwise than it should. */
export async function demo({ without, nginx, folder }: DemoOptions): Promise<void> {
  if (nginx) requireNginx();
  const world = await openWorld(folder);
  showWorld(world);
  if (without !== undefined) {
    await world.shop.stop(without);
    say('', paint.yellow(`${without} is taken down.`));
  }

  const alice = await logIn('alice', world);
  showLogin(alice, world);
  if (nginx) await passThroughNginx(ORDER, alice, world);
  const journeys = [await travel(PRODUCT, alice, world), await travel(ORDER, alice, world)];
  showJourneys('She looks at a product and orders it', journeys, world);
  showSummary(journeys, world);

  const bob = await logIn('bob', world);
  const [aliceRoot, bobRoot] = [rootOf(journeys[1]), rootOf(await travel(ORDER, bob, world))];
  const attacks = attacksWith(aliceRoot, bobRoot, world);
  heading(`Bob orders too, and ${count(attacks.length, 'attack')} are tried`);
  for (const attack of attacks) await attempt(attack, world);
  heading(`Alice logs out, and ${CLIENT} revokes her token`);
  await revoke(alice, aliceRoot, bob, world);
  world.issuer.close();
  say('', paint.green('Everything was answered as it should be.'));
}

/** The token that the frontend received, nested; as the one that all others come from, an attacker's best prize. */
function rootOf(journey: Journey | undefined): string {
  const token = journey?.hops[0]?.token;
  if (token === undefined) throw new DemoFailed('the frontend received no token');
  return unpack(token);
}
