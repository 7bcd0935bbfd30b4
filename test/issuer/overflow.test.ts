import { expect } from 'chai';
import { decodeJwt } from 'jose';

import { isWaybillError } from '../../src/errors.ts';
import { comparable, tokenAt, tokensOf, type Payload } from '../support/issuer/trees.ts';
import { exchange, issuerFor, clientOf, issue, keysFor } from '../support/issuer/issue.ts';
import { draftOf } from '../support/compile.ts';

const AUTH = 'auth: { method: client_secret_basic, secret_env: S }';

/** @param room of each service's header line, without what precedes the token. @param auth of the one who calls four others. */
const shop = (room: number, { overflow = 'exchange', auth = AUTH, claims = '' } = {}) => `
waybill: 1
issuer: { url: 'https://tokens.example', overflow: ${overflow} }
defaults: { audience: 'https://{name}.example', headers: { max_line: ${room + 24}B } }
claims: { tier: { from: client, max_bytes: 900 } }
clients:
  web:
    ${AUTH}
    ${claims}
    calls: { shop: [buy] }
services:
  shop:
    ${auth}
    scopes:
      buy:
        calls:
          stock: [read]
          ads: { scopes: [read], probability: 0.1 }
          mail: { scopes: [send], probability: 0.5 }
          pay: [charge]
  stock: { scopes: { read: {} } }
  ads: { ${AUTH}, scopes: { read: { calls: { geo: [read] } } } }
  geo: { scopes: { read: {} } }
  mail: { scopes: { send: { claims: [tier] } } }
  pay: { scopes: { charge: {} } }
`;

async function whole(room: number): Promise<number> {
  return (await issue(draftOf(shop(room, { overflow: 'reject' })), 'web', ['buy'])).bytes;
}

const onDemand = (token: string): string[] => Object.keys(decodeJwt<Payload>(token).on_demand ?? {});

describe('A tree over the budget of a hop', () => {
  it('stays as declared where it fits to the byte', async () => {
    const bytes = await whole(8_000);
    const { token } = await issue(draftOf(shop(bytes)), 'web', ['buy']);
    expect(onDemand(token)).to.deep.equal([]);
    expect(token).to.have.lengthOf(bytes);
  });

  it('loses the call that is made least often, and no more than it must', async () => {
    const bytes = await whole(8_000);
    const { token, tokens } = await issue(draftOf(shop(bytes - 1)), 'web', ['buy']);
    expect(onDemand(token)).to.deep.equal(['ads']);
    expect(tokens).to.equal(4);
    expect(Object.keys(decodeJwt<Payload>(token).embedded ?? {})).to.deep.equal(['stock', 'mail', 'pay']);
  });

  it('loses ever more as the room shrinks, by how often calls are made, and is refused at last', async () => {
    const seen: string[] = [];
    for (let room = await whole(8_000); room > 300; room -= 50) {
      const plan = draftOf(shop(room));
      try {
        const { token } = await issue(plan, 'web', ['buy']);
        expect(token.length).to.be.at.most(room);
        const moved = onDemand(token).join(' ');
        if (seen.at(-1) !== moved) seen.push(moved);
      } catch (error) {
        if (!isWaybillError(error)) throw error;
        expect(error.code).to.equal('invalid_scope');
        expect(error.message).to.match(/token for web -> shop has \d+ bytes; \d+ fit/);
        seen.push('refused');
        break;
      }
    }
    expect(seen[0]).to.equal('');
    expect(seen[1]).to.equal('ads');
    expect(seen[2]).to.equal('ads mail');
    expect(seen.at(-2)).to.equal('stock ads mail pay');
    expect(seen.at(-1)).to.equal('refused');
  });

  it('is given back whole by exchange: what was moved equals what would have been embedded', async () => {
    const bytes = await whole(8_000);
    const { heldKeys } = await keysFor('ES256');
    const issuer = await issuerFor(draftOf(shop(bytes - 1)));
    const { token } = await issuer.issue(clientOf(issuer.plan, 'web'), { scopes: ['buy'], resources: [] });
    const fetched = await exchange(issuer, 'shop', token, { audiences: ['ads'] });
    const { token: full } = await issue(draftOf(shop(bytes)), 'web', ['buy']);
    const embedded = decodeJwt<Payload>(full).embedded?.['ads'] ?? '';
    expect(await comparable(fetched.token, heldKeys, 'txn')).to.deep.equal(
      await comparable(embedded, heldKeys, 'txn'),
    );
    expect(tokensOf(fetched.token).map(({ payload }) => payload.txn)).to.deep.equal(
      Array(2).fill(decodeJwt(token)['txn']),
    );
  });

  it('loses nothing for values that it does not have: what is large at most is small today', async () => {
    const bytes = await whole(8_000);
    const plan = draftOf(shop(bytes + 40, { claims: 'claims: { tier: gold }' }));
    expect(onDemand((await issue(plan, 'web', ['buy'])).token)).to.deep.equal([]);
  });

  it('loses calls of those who can authenticate alone, and is refused where that is not enough', async () => {
    const bytes = await whole(8_000);
    const { token } = await issue(draftOf(shop(bytes - 1, { auth: '' })), 'web', ['buy']);
    expect(onDemand(token)).to.deep.equal([]);
    expect(onDemand(tokenAt(token, 'ads').compact)).to.deep.equal(['geo']);
    expect(await refusal(shop(bytes - 900, { auth: '' }))).to.match(/shop has \d+ bytes; \d+ fit/);
  });

  it('is refused where the graph says so', async () => {
    const bytes = await whole(8_000);
    const says = await refusal(shop(bytes - 1, { overflow: 'reject' }));
    expect(says).to.contain(`${bytes} bytes; ${bytes - 1} fit`);
  });
});

async function refusal(graph: string): Promise<string> {
  const error: unknown = await issue(draftOf(graph), 'web', ['buy']).catch((thrown: unknown) => thrown);
  if (!isWaybillError(error)) throw new Error('it was issued');
  expect(error.code).to.equal('invalid_scope');
  return error.message;
}
