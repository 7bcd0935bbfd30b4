/** A token that is taken back: who refuses it from then on, and who cannot know. */
import { setTimeout } from 'node:timers/promises';
import { decodeJwt } from 'jose';
import { PAYMENT } from './attacks.ts';
import { answerOf, attempt, child, exchange, present, type Attempt } from './attempts.ts';
import type { Operation } from './programs/operations.ts';
import { logOut, openPage, type LoggedIn } from './session.ts';
import { DemoFailed, progress } from './terminal.ts';
import { ANSWER_SECONDS, CLIENT, ENTRY, type World } from './world.ts';

const PRODUCT = 'GET /product/{id}';
const CONFIRM: Operation = {
  service: 'emailservice',
  operation: '/hipstershop.EmailService/SendOrderConfirmation',
};

/** Timers may be a little early. */
const SLACK_MS = 100;

/**
 * @param root the token that the frontend received while all was well.
 * @param bob someone else, whose token must not be touched by it.
 */
export async function revoke(alice: LoggedIn, root: string, bob: LoggedIn, world: World): Promise<void> {
  const before = world.issuer.requests.length;
  await logOut(alice, world);
  const asked = world.issuer.requests.slice(before).map(({ by, line }) => `${by} ${line}`);
  if (asked.join() !== `${CLIENT} POST /revoke`) throw new DemoFailed(`to log out took ${asked.join(', ')}`);
  await attempt(exchangeAfter(root, bob, world), world);
  progress(`waiting ${ANSWER_SECONDS} seconds, as long as answers are kept`);
  await setTimeout(ANSWER_SECONDS * 1000 + SLACK_MS);
  progress();
  for (const tried of afterwards(alice, root, bob, world)) await attempt(tried, world);
}

function exchangeAfter(root: string, bob: LoggedIn, world: World): Attempt {
  return {
    tried: 'the frontend asks for another token for the ads, with the token that it still has',
    at: 'the issuer',
    make: () => exchange(ENTRY, root, 'adservice', world),
    expected: '400 invalid_request',
    why: 'POST /revoke has marked the whole transaction',
    meant: async () => answerOf(await openPage(PRODUCT, bob.token, world)),
  };
}

function afterwards(alice: LoggedIn, root: string, bob: LoggedIn, world: World): readonly Attempt[] {
  const checkout = world.shop.certificateOf('checkoutservice');
  const mail = child(root, 'checkoutservice', 'emailservice');
  const left = (decodeJwt(mail).exp ?? 0) - Math.floor(Date.now() / 1000);
  return [
    {
      tried: `the browser opens a page with the same opaque token, ${ANSWER_SECONDS} s later`,
      at: 'the gateway',
      make: async () => answerOf(await openPage(PRODUCT, alice.token, world)),
      expected: '401 invalid_token token_inactive',
      why: `it believes a swap for ${ANSWER_SECONDS} s (swapMaxAge), no longer`,
      meant: async () => answerOf(await openPage(PRODUCT, bob.token, world)),
    },
    {
      tried: 'checkoutservice charges the card once more, with the token that it still has',
      at: PAYMENT.service,
      make: () => present(PAYMENT, child(root, 'checkoutservice', 'paymentservice'), world, checkout),
      expected: '401 invalid_token token_inactive',
      why: `it asks the issuer (revocation: introspect) and believes it for ${ANSWER_SECONDS} s`,
    },
    {
      tried: 'checkoutservice sends the mail once more, with the token that it still has',
      at: CONFIRM.service,
      make: () => present(CONFIRM, mail, world, checkout),
      expected: '200',
      why: `it asks no one, and the token is good for another ${left} s`,
    },
  ];
}
