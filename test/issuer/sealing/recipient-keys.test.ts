/** Which keys of a service tokens are sealed to, from files and from the address that the service publishes. */
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'chai';
import { KeyWaits } from '../../../src/issuer/key-waits.ts';
import { FetchedSealKeys, type ChangedSealKey } from '../../../src/issuer/sealing/fetched-keys.ts';
import { recipientKey } from '../../../src/issuer/sealing/recipient-key.ts';
import { failure } from '../../support/failure.ts';
import { closeServers, listen } from '../../support/http.ts';
import { sealKeyPair, type SealKeyPair } from '../../support/keys/seal-keys.ts';

const ANY = { alg: undefined };

describe('The key of a service to which its tokens are sealed', () => {
  let ec: SealKeyPair;
  let okp: SealKeyPair;
  let wrapping: SealKeyPair;

  before(async () => {
    ec = await sealKeyPair('ec');
    okp = await sealKeyPair('okp', { crv: 'X25519' });
    wrapping = await sealKeyPair('wrap', { alg: 'ECDH-ES+A256KW' });
  });

  it('is the first of its set that fits (S6)', () => {
    const rsa = { kty: 'RSA', n: 'x', e: 'AQAB', use: 'enc', kid: 'rsa' };
    const keys = [rsa, { ...ec.publicJwk, kid: undefined }, okp.publicJwk, ec.publicJwk];
    expect(recipientKey('vault', { keys }, ANY)).to.include({ kid: 'okp', alg: 'ECDH-ES', crv: 'X25519' });
    expect(recipientKey('vault', wrapping.jwks, ANY).alg).to.equal('ECDH-ES+A256KW');
    expect(recipientKey('vault', { keys: [{ ...ec.publicJwk, use: undefined }] }, ANY).kid).to.equal('ec');
  });

  it('is for the algorithm that the graph names, where it names one (S3)', () => {
    const keys = [ec.publicJwk, wrapping.publicJwk];
    expect(recipientKey('vault', { keys }, { alg: 'ECDH-ES+A256KW' }).kid).to.equal('wrap');
    expect(recipientKey('vault', { keys: keys.toReversed() }, { alg: 'ECDH-ES' }).kid).to.equal('ec');
  });

  it('is in no set with a signing key, a private one or two of one id, nor a weak one itself (S6, threat 55)', async () => {
    const { publicJwk } = ec;
    const zero = 'A'.repeat(43);
    const wrong: readonly (readonly [unknown, RegExp])[] = [
      [undefined, /no JWK Set/],
      [{ keys: {} }, /no JWK Set/],
      [{ keys: [null] }, /no JWK Set/],
      [{ keys: [] }, /none is for sealing/],
      [{ keys: [ec.privateJwk] }, /private/],
      [{ keys: [publicJwk, { kty: 'oct', k: 'AAAA' }] }, /private/],
      [{ keys: [publicJwk, { ...okp.publicJwk, use: 'sig' }] }, /signatures/],
      [{ keys: [publicJwk, { kty: 'OKP', crv: 'Ed25519', x: zero }] }, /signatures/],
      [{ keys: [publicJwk, { ...publicJwk, kid: 'b', alg: 'ES256' }] }, /signatures/],
      [{ keys: [publicJwk, { kty: 'RSA', alg: 'PS384', n: 'a', e: 'AQAB' }] }, /signatures/],
      [{ keys: [publicJwk, { ...publicJwk, kid: 'b', key_ops: ['verify'] }] }, /signatures/],
      [{ keys: [publicJwk, { ...okp.publicJwk, kid: 'ec' }] }, /same kid/],
      [{ keys: [{ ...publicJwk, kid: 'k'.repeat(65) }] }, /none is for sealing/],
      [{ keys: [{ ...publicJwk, alg: 'ECDH-ES+A128KW' }] }, /none is for sealing/],
      [{ keys: [{ ...publicJwk, y: publicJwk.x }] }, /no point/],
      [{ keys: [{ ...okp.publicJwk, x: zero }] }, /no point/],
      [{ keys: Array.from({ length: 21 }, (_, n) => ({ ...publicJwk, kid: String(n) })) }, /21/],
    ];
    for (const [document, message] of wrong) {
      const error = await failure('keys_invalid', () => recipientKey('vault', document, ANY));
      expect(error.message)
        .to.match(/^The encryption keys of vault cannot be used: /)
        .and.match(message);
    }
  });
});

describe('Published encryption keys', () => {
  let now: number;
  let asked: number;
  let answer: { status: number; body: string };
  let uri: string;
  let first: SealKeyPair;
  let next: SealKeyPair;

  before(async () => {
    first = await sealKeyPair('one');
    next = await sealKeyPair('two', { crv: 'X25519' });
  });
  beforeEach(async () => {
    [now, asked] = [1_750_000_000, 0];
    answer = { status: 200, body: JSON.stringify(first.jwks) };
    uri = await listen((_request, response) => {
      asked += 1;
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body);
    });
  });
  after(closeServers);

  const finder = (onChange?: (change: ChangedSealKey) => void) => {
    const keys = new FetchedSealKeys(onChange);
    const fetching = { fetch, keyWaits: new KeyWaits(), clock: () => now };
    return async () => keys.find({ service: 'vault', uri, alg: undefined }, fetching);
  };
  /** A renewal goes on beside the request that starts it: waits until so many were asked for, and the answer was read. */
  const settle = async (requests: number) => {
    for (let waited = 0; asked < requests && waited < 5_000; waited += 10) await pause(10);
    await pause(200);
    expect(asked).to.equal(requests);
  };

  it('are fetched once for many requests, and again beside a request after five minutes (S6)', async () => {
    const changes: ChangedSealKey[] = [];
    const find = finder((change) => changes.push(change));
    const found = await Promise.all([find(), find(), find()]);
    expect([new Set(found.map(({ kid }) => kid)), asked]).to.deep.equal([new Set(['one']), 1]);
    now += 299;
    await find();
    await settle(1);
    now += 1;
    answer.body = JSON.stringify({ keys: [next.publicJwk, first.publicJwk] });
    expect((await find()).kid).to.equal('one');
    await settle(2);
    expect((await find()).kid).to.equal('two');
    // A key that someone puts in place of another is seen.
    expect(changes).to.have.lengthOf(1);
    expect(changes[0]).to.include({ service: 'vault' });
    expect(changes[0]!.now)
      .to.match(/^[\w-]{43}$/)
      .and.not.equal(changes[0]!.before);
  });

  it('tell of another key with the same id too (threat 55)', async () => {
    const changes: ChangedSealKey[] = [];
    const find = finder((change) => changes.push(change));
    await find();
    now += 300;
    answer.body = JSON.stringify((await sealKeyPair('one')).jwks);
    await find();
    await settle(2);
    expect(changes).to.have.lengthOf(1);
  });

  it('stay in use for a day while none can be fetched; then nothing is issued, and never unsealed (S6, threat 56)', async () => {
    const find = finder();
    await find();
    for (const [nth, wrong] of [
      { status: 500, body: '' },
      { status: 200, body: '{"keys":[]}' },
      { status: 302, body: '' },
    ].entries()) {
      answer = wrong;
      now += 20_000;
      expect((await find()).kid).to.equal('one');
      await settle(nth + 2);
    }
    now += 86_400 - 60_000;
    await failure('provider_unavailable', find);
    answer = { status: 200, body: JSON.stringify(first.jwks) };
    now += 5;
    expect((await find()).kid).to.equal('one');
  });

  it('are asked for again only seconds after a failure, which is the answer until then', async () => {
    const find = finder();
    answer = { status: 503, body: '' };
    const error = await failure('provider_unavailable', find);
    expect(error.message).to.equal(
      'The encryption key of vault cannot be fetched at the moment, and its token is not issued unsealed.',
    );
    expect(error.detail).to.match(/answered 503/);
    await failure('provider_unavailable', find);
    expect(asked).to.equal(1);
    now += 5;
    await failure('provider_unavailable', find);
    expect(asked).to.equal(2);
  });

  it('are at most 64 KiB', async () => {
    answer.body = `{"keys":[],"x":"${'a'.repeat(64 * 1024)}"}`;
    expect((await failure('provider_unavailable', finder())).detail).to.match(/more than 65536 bytes/);
  });
});
