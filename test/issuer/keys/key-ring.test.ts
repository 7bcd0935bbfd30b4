import { createPublicKey, verify } from 'node:crypto';

import { expect } from 'chai';
import { calculateJwkThumbprint } from 'jose';

import {
  PUBLICATION_LEAD,
  RETENTION,
  generateKey,
  keyRing,
  rotate,
  type KeyRecord,
} from '../../../src/issuer/keys/index.ts';
import { keySet, decryptDeferredClaims, encryptDeferredClaims } from '../../../src/token/index.ts';

const NOW = 1_800_000_000;
const at = (seconds: number) => () => seconds;

describe('The key ring', () => {
  it('RFC 7517 section 5: publishes every key, next and retired ones too, and no private member', async () => {
    const first = await rotate([], 'ES256', at(NOW - PUBLICATION_LEAD));
    const records = [...(await rotate(first, 'ES256', at(NOW))), await generateKey('RS256', at(NOW))];
    expect(records.map(({ status }) => status)).to.include.members(['next', 'active', 'retired']);
    const { jwks } = keyRing(records, 'ES256', at(NOW));
    expect(jwks.keys.map(({ kid, alg, use }) => [kid, alg, use])).to.deep.equal(
      records.map(({ kid, alg }) => [kid, alg, 'sig']),
    );
    const members = new Set(jwks.keys.flatMap((key) => Object.keys(key)));
    expect([...members].sort()).to.deep.equal(['alg', 'crv', 'e', 'kid', 'kty', 'n', 'use', 'x', 'y']);
    keySet(jwks); // refuses private members, and a kid that stands twice
  });

  it('RFC 7638: a key id is the beginning of the thumbprint', async () => {
    for (const alg of ['ES256', 'Ed25519', 'PS256'] as const) {
      const { kid, jwk } = await generateKey(alg, at(NOW));
      expect((await calculateJwkThumbprint(jwk)).slice(0, 8)).to.equal(kid);
    }
  });

  it('signs with the active key of the algorithm', async () => {
    const records = [
      await generateKey('ES256', at(NOW), 'next'),
      { ...(await generateKey('ES256', at(NOW))), status: 'retired' } as KeyRecord,
      await generateKey('Ed25519', at(NOW)),
      await generateKey('ES256', at(NOW)),
    ];
    const { signer, jwks } = keyRing(records, 'ES256', at(NOW));
    expect(signer).to.include({ alg: 'ES256', kid: records[3]?.kid, signatureBytes: 64 });
    const key = createPublicKey({ key: { ...jwks.keys[3] }, format: 'jwk' });
    const signature = await signer.sign('text');
    expect(verify('sha256', Buffer.from('text'), { key, dsaEncoding: 'ieee-p1363' }, signature)).to.equal(
      true,
    );
  });

  it('without an active key of the algorithm says how to make one', async () => {
    const retired: KeyRecord = { ...(await generateKey('ES256', at(NOW))), status: 'retired' };
    const next = await generateKey('ES256', at(NOW), 'next');
    for (const records of [[], [retired], [next], [await generateKey('Ed25519', at(NOW))]]) {
      expect(() => keyRing(records, 'ES256', at(NOW)))
        .to.throw('waybill keys rotate --alg ES256')
        .with.property('code', 'keys_missing');
    }
  });

  it('withdraws a retired key when no token of its can live, in the keys for held claims too', async () => {
    const first = await rotate([], 'ES256', at(NOW - PUBLICATION_LEAD));
    const [{ kid: old }] = first as [KeyRecord];
    const records = await rotate(first, 'ES256', at(NOW));
    const held = await encryptDeferredClaims(
      { claims: { email: 'a' } },
      keyRing(first, 'ES256', at(NOW)).heldKeys[0],
    );
    for (const [time, isThere] of [
      [NOW + RETENTION - 1, true],
      [NOW + RETENTION, false],
    ] as const) {
      const ring = keyRing(records, 'ES256', at(time));
      expect(ring.jwks.keys.some(({ kid }) => kid === old)).to.equal(isThere);
      const opened = await decryptDeferredClaims(held, ring.heldKeys).then(
        () => true,
        () => false,
      );
      expect(opened).to.equal(isThere);
    }
  });

  it('opens what was held under a key that another process already lets sign', async () => {
    const records = await rotate([], 'ES256', at(NOW - PUBLICATION_LEAD));
    const ahead = keyRing(await rotate(records, 'ES256', at(NOW)), 'ES256', at(NOW));
    const held = await encryptDeferredClaims({ claims: { email: 'a' } }, ahead.heldKeys[0]);
    const { claims } = await decryptDeferredClaims(held, keyRing(records, 'ES256', at(NOW)).heldKeys);
    expect(claims).to.deep.equal({ email: 'a' });
  });
});
