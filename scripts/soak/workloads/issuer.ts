/**
 * The issuer without HTTP: a client authenticates and gets a tree, and in turns a service exchanges its token, a reference
 * is issued and swapped, a token is introspected, and one is revoked. Its clock runs, so that what it keeps expires.
 */
import { pick } from '../mixes.ts';
import { NOW, SCOPES, issuerWith } from '../shop.ts';
import type { Workload } from '../workload.ts';

/** More requests than the issuer keeps plans of trees. */
const REQUESTS = 2_500;
/** References that the store keeps. */
const REFERENCES = 200;
/** Of the clock: tokens live for five minutes. */
const REQUESTS_A_SECOND = 4;

export const issuing: Workload = {
  name: 'issuer',
  async open(shop, mix) {
    let now = NOW;
    const issuer = issuerWith(shop, () => now, REFERENCES);
    const { entry, client, secret } = shop;
    const edge = { kind: 'client', client: client('edge') } as const;

    async function reference(): Promise<void> {
      const { token } = await issuer.issue(client('kiosk'), { scopes: ['buy'] });
      const answer = await issuer.introspect(edge, { token: piece(token), form: 'token' });
      if (!answer.active) throw new TypeError('a reference was not active');
    }

    return {
      async next(n) {
        now = NOW + Math.floor(n / REQUESTS_A_SECOND);
        const which = pick(mix, n, REQUESTS);
        const party = await issuer.authenticate(
          { method: 'client_secret_basic', clientId: piece('web'), secret: piece(secret('web')) },
          piece(`10.0.${which >> 8}.${which & 255}`),
        );
        if (party.kind !== 'client') throw new TypeError('another party authenticated');
        const { token } = await issuer.issue(party.client, { scopes: scopesOf(which).map(piece) });
        if (n % 4 === 0) {
          const audiences = [piece('payment')];
          await issuer.exchange(entry, { subjectToken: piece(token), audiences, resources: [], scopes: [] });
        } else if (n % 4 === 1) await reference();
        else if (n % 4 === 2) await issuer.introspect(edge, { token: piece(token) });
        else await issuer.revoke(party, piece(token));
      },
    };
  },
};

/** A set of scopes for each number below 4,095. */
function scopesOf(which: number): string[] {
  return SCOPES.filter((_, bit) => ((which + 1) >> bit) % 2 === 1);
}

/** A view of a larger text, as cut out of the body of a request. */
function piece(text: string): string {
  return Buffer.from(`grant_type=client_credentials&x=${text}`).toString('latin1').slice(-text.length);
}
