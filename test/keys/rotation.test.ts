import { createPublicKey, verify } from 'node:crypto';
import path from 'node:path';

import { expect } from 'chai';
import { calculateJwkThumbprint } from 'jose';

import { isWaybillError } from '../../src/errors.ts';
import {
  generateKey,
  keyRing,
  readKeyFile,
  rotate,
  writeKeyFile,
  type KeyRecord,
} from '../../src/keys/index.ts';
import { keySet } from '../../src/token/index.ts';
import { removeScratch, scratchFolder } from '../support/scratch.ts';

const NOW = 1_800_000_000;
const DAY = 24 * 60 * 60;
const at = (seconds: number) => () => seconds;
const summary = (records: readonly KeyRecord[]) =>
  records.map(({ alg, status, retired }) => [alg, status, retired]);

describe('Rotation of keys', () => {
  after(removeScratch);

  it('makes a new key that signs, and retires the one before it', async () => {
    const old = await generateKey('ES256', at(NOW - 10));
    const rotated = await rotate([old], 'ES256', at(NOW));
    expect(summary(rotated)).to.deep.equal([
      ['ES256', 'active', undefined],
      ['ES256', 'retired', NOW],
    ]);
    expect(rotated[0]?.created).to.equal(NOW);
    expect(keyRing(rotated, 'ES256').signer.kid).to.equal(rotated[0]?.kid).and.not.equal(old.kid);
  });

  it('keeps a retired key for a day after it stopped signing, and then drops it', async () => {
    const first = await generateKey('ES256', at(NOW));
    const second = await rotate([first], 'ES256', at(NOW + 100));
    const justBefore = await rotate(second, 'ES256', at(NOW + 100 + DAY - 1));
    expect(justBefore.map(({ kid }) => kid)).to.include(first.kid);
    const dayAfter = await rotate(second, 'ES256', at(NOW + 100 + DAY));
    expect(dayAfter).to.have.lengthOf(2);
    expect(dayAfter.map(({ kid }) => kid)).to.not.include(first.kid);
  });

  it('counts the day of a retired key that does not say when from now on', async () => {
    const handMade: KeyRecord = { ...(await generateKey('ES256', at(0))), status: 'retired' };
    const rotated = await rotate([handMade], 'ES256', at(NOW));
    expect(summary(rotated)[1]).to.deep.equal(['ES256', 'retired', NOW]);
  });

  it('leaves keys of other algorithms as they are', async () => {
    const other = await generateKey('Ed25519', at(NOW));
    const rotated = await rotate([other, await generateKey('ES256', at(NOW))], 'ES256', at(NOW + 1));
    expect(summary(rotated)).to.deep.equal([
      ['ES256', 'active', undefined],
      ['Ed25519', 'active', undefined],
      ['ES256', 'retired', NOW + 1],
    ]);
  });

  it('never writes more keys than a key file may hold', async () => {
    const file = path.join(scratchFolder(), 'keys.json');
    let records: readonly KeyRecord[] = [];
    let refused: unknown;
    for (let round = 0; round < 65 && refused === undefined; round++) {
      try {
        records = await rotate(records, 'ES256', at(NOW + round));
        writeKeyFile(file, records);
      } catch (error) {
        refused = error;
      }
    }
    expect(readKeyFile(file)).to.have.lengthOf(64);
    expect(isWaybillError(refused, 'usage')).to.equal(true);
    expect((refused as Error).message).to.contain('64 keys');
  });
});

describe('The key ring', () => {
  it('RFC 7517 section 5: publishes every key, retired ones too, and no private member', async () => {
    const records = [
      ...(await rotate([await generateKey('ES256', at(NOW))], 'ES256', at(NOW))),
      await generateKey('Ed25519', at(NOW)),
      await generateKey('RS256', at(NOW)),
    ];
    const { jwks } = keyRing(records, 'ES256');
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

  it('takes the first active key of the algorithm to sign', async () => {
    const [first, second] = [await generateKey('ES256', at(NOW)), await generateKey('ES256', at(NOW))];
    const { signer, jwks } = keyRing([{ ...first, status: 'retired' }, second], 'ES256');
    expect(signer).to.include({ alg: 'ES256', kid: second.kid, signatureBytes: 64 });
    const key = createPublicKey({ key: { ...jwks.keys[1] }, format: 'jwk' });
    const signature = await signer.sign('text');
    expect(verify('sha256', Buffer.from('text'), { key, dsaEncoding: 'ieee-p1363' }, signature)).to.equal(
      true,
    );
  });

  it('without an active key of the algorithm says how to make one', async () => {
    const retired: KeyRecord = { ...(await generateKey('ES256', at(NOW))), status: 'retired' };
    for (const records of [[], [retired], [await generateKey('Ed25519', at(NOW))]]) {
      expect(() => keyRing(records, 'ES256'))
        .to.throw('waybill keys rotate --alg ES256')
        .with.property('code', 'keys_missing');
    }
  });
});
