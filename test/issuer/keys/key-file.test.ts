import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { generateKeyPairSync } from 'node:crypto';
import path from 'node:path';

import { expect } from 'chai';

import { isWaybillError } from '../../../src/errors.ts';
import {
  changeKeyFile,
  generateKey,
  isExposed,
  readKeyFile,
  requireReplaceable,
  rotate,
  type KeyRecord,
} from '../../../src/issuer/keys/index.ts';
import { removeScratch, scratchFile, scratchFolder, utf16 } from '../../support/files.ts';

const NOW = 1_800_000_000;
const clock = () => NOW;

describe('The key file', () => {
  after(removeScratch);

  it('gives back what was written', async () => {
    const file = path.join(scratchFolder(), 'keys.json');
    const first = await rotate([await generateKey('Ed25519', clock)], 'ES256', clock);
    const made = await rotate(first, 'ES256', () => NOW + 1, { now: true });
    await changeKeyFile(file, async () => made);
    const told = ({ jwk, activated, retired, ...rest }: KeyRecord) => ({
      ...rest,
      ...{ activated, retired },
      d: jwk.d,
    });
    expect(readKeyFile(file)?.map(told)).to.deep.equal(made.map(told));
  });

  it('is a JWK Set that says of each key its algorithm, use, status and age', async () => {
    const file = path.join(scratchFolder(), 'keys.json');
    await changeKeyFile(file, async () => [await generateKey('ES256', clock)]);
    const { keys } = JSON.parse(readFileSync(file, 'utf8'));
    expect(keys).to.have.lengthOf(1);
    expect(keys[0]).to.include({
      kty: 'EC',
      alg: 'ES256',
      use: 'sig',
      status: 'active',
      created: '2027-01-15T08:00:00.000Z',
      activated: '2027-01-15T08:00:00.000Z',
    });
    expect(keys[0]).to.not.have.property('retired');
    expect(keys[0].kid).to.match(/^[\w-]{8}$/);
  });

  it('is readable by its owner alone, whatever the umask', async () => {
    const file = path.join(scratchFolder(), 'keys.json');
    const before = process.umask(0);
    await changeKeyFile(file, async () => [await generateKey('ES256', clock)]);
    process.umask(before);
    expect(statSync(file).mode & 0o777).to.equal(0o600);
    expect(isExposed(file)).to.equal(false);
    chmodSync(file, 0o640);
    expect(isExposed(file)).to.equal(true);
  });

  it('is replaced as a whole: another file takes its name, and no draft stays behind', async () => {
    const folder = scratchFolder();
    const file = path.join(folder, 'keys.json');
    await changeKeyFile(file, async () => [await generateKey('ES256', clock)]);
    const { ino } = statSync(file);
    chmodSync(file, 0o644);
    await changeKeyFile(file, async () => [await generateKey('ES256', clock)]);
    expect(statSync(file).ino).to.not.equal(ino);
    expect(statSync(file).mode & 0o777).to.equal(0o600);
    expect(readdirSync(folder)).to.deep.equal(['keys.json']);
  });

  it('stays as it is where it cannot be replaced', async () => {
    const folder = scratchFolder();
    const file = path.join(folder, 'keys.json');
    const made = [await generateKey('ES256', clock)];
    const refused: unknown = await changeKeyFile(file, async () => {
      mkdirSync(file); // a folder takes the name meanwhile
      return made;
    }).catch((error: unknown) => error);
    expect(String(refused)).to.contain(`The key file ${file} cannot be written`);
    expect(readdirSync(folder)).to.deep.equal(['keys.json']);
  });

  it('that does not exist is not an error', () => {
    expect(readKeyFile(path.join(scratchFolder(), 'keys.json'))).to.equal(undefined);
  });

  it('may hold keys of one algorithm made elsewhere, with long key ids', () => {
    const jwk = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
    const text = JSON.stringify({
      keys: [{ ...jwk, kid: 'k'.repeat(128), alg: 'ES256', key_ops: ['sign'] }],
    });
    const [record] = readKeyFile(scratchFile('keys.json', text)) ?? [];
    expect(record).to.include({ kid: 'k'.repeat(128), alg: 'ES256', status: 'active', created: 0 });
  });
});

describe('A change of the key file', () => {
  after(removeScratch);

  it('gets what the file holds, writes what it returns, and leaves no lock', async () => {
    const folder = scratchFolder();
    const file = path.join(folder, 'keys.json');
    const first = await changeKeyFile(file, async (found) => {
      expect(found).to.equal(undefined);
      return rotate([], 'ES256', clock);
    });
    const kids = (records: readonly KeyRecord[] | undefined) => records?.map(({ kid }) => kid);
    const second = await changeKeyFile(file, async (found = []) => {
      expect(kids(found)).to.deep.equal(kids(first));
      return rotate(found, 'ES256', clock, { now: true });
    });
    expect(kids(readKeyFile(file))).to.deep.equal(kids(second));
    expect(readdirSync(folder)).to.deep.equal(['keys.json']);
  });

  it('that returns what it got writes nothing', async () => {
    const file = scratchFile('keys.json', JSON.stringify({ keys: [] }));
    await changeKeyFile(file, async (found = []) => found);
    expect(readFileSync(file, 'utf8')).to.equal('{"keys":[]}');
  });

  it('that runs at the same time as others undoes none of them', async () => {
    const file = path.join(scratchFolder(), 'keys.json');
    const steps = Array.from({ length: 6 }, () =>
      changeKeyFile(file, async (found = []) => rotate(found, 'ES256', clock, { now: true })),
    );
    await Promise.all(steps);
    const records = readKeyFile(file) ?? [];
    expect(records).to.have.lengthOf(7);
    expect(records.filter(({ status }) => status === 'retired')).to.have.lengthOf(5);
  });

  it('fails where the lock was lost meanwhile, and writes nothing', async () => {
    const folder = scratchFolder();
    const file = scratchFile('keys.json', JSON.stringify({ keys: [] }), folder);
    const overtaken = changeKeyFile(file, async () => {
      writeFileSync(`${file}.lock`, 'of another process');
      return rotate([], 'ES256', clock);
    });
    const error = await overtaken.then(
      () => expect.fail('it was written'),
      (reason: unknown) => reason,
    );
    expect(isWaybillError(error, 'keys_invalid')).to.equal(true);
    expect((error as Error).message).to.contain('Another process changed the key file');
    expect(readFileSync(file, 'utf8')).to.equal('{"keys":[]}');
    expect(readdirSync(folder).sort()).to.deep.equal(['keys.json', 'keys.json.lock']);
  });

  it('through a link replaces the file that it leads to, for all who come by another name', async () => {
    const [folder, other] = [scratchFolder(), scratchFolder()];
    const file = scratchFile('keys.json', JSON.stringify({ keys: [] }), folder);
    const link = path.join(other, 'link.json');
    symlinkSync(file, link);
    await changeKeyFile(link, async () => {
      expect(readdirSync(folder)).to.include('keys.json.lock');
      return rotate([], 'ES256', clock);
    });
    expect(lstatSync(link).isSymbolicLink()).to.equal(true);
    expect(readKeyFile(file)).to.have.lengthOf(2);
    expect(readdirSync(other)).to.deep.equal(['link.json']);
  });

  it('by the superuser leaves the file to its owner (skipped where the tests do not run as root)', async function () {
    if (process.getuid?.() !== 0) this.skip();
    const file = scratchFile('keys.json', JSON.stringify({ keys: [] }));
    chownSync(file, 12_345, 54_321);
    await changeKeyFile(file, async () => rotate([], 'ES256', clock));
    expect(statSync(file)).to.include({ uid: 12_345, gid: 54_321 });
    expect(statSync(file).mode & 0o777).to.equal(0o600);
  });

  it('where the folder is missing fails at once, and so does the question whether it could be made', async () => {
    const file = path.join(scratchFolder(), 'missing', 'keys.json');
    const error = await changeKeyFile(file, async () => []).then(
      () => expect.fail('it was written'),
      (reason: unknown) => reason as Error,
    );
    expect(error.message).to.contain(`The key file ${file} cannot be written (ENOENT)`);
    expect(() => requireReplaceable(file)).to.throw(`The key file ${file} cannot be written (ENOENT)`);
    requireReplaceable(path.join(scratchFolder(), 'keys.json'));
  });
});

describe('A key file that cannot be used', () => {
  after(removeScratch);

  const ec = {
    ...generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' }),
    kid: 'a',
    alg: 'ES256',
  };
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' });
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export({ format: 'jwk' });
  const ed25519 = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export({ format: 'jwk' });
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const rsaJwk = rsa.privateKey.export({ format: 'jwk' });
  const second = {
    ...generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' }),
    alg: 'ES256',
    kid: 'b',
  };
  const publicOnly = { ...ec, d: undefined };
  const keys = (...list: unknown[]) => JSON.stringify({ keys: list });

  const cases: Readonly<Record<string, readonly [text: string, says: RegExp]>> = {
    'no JSON': ['{ "keys": [', /it is not JSON/],
    'a PEM file': ['-----BEGIN PRIVATE KEY-----', /it is not JSON/],
    'an empty file': ['', /it is not JSON/],
    'a key without a set': [JSON.stringify(ec), /no list `keys`/],
    null: ['null', /no list `keys`/],
    'a set that is no list': ['{"keys":{}}', /no list `keys`/],
    'a key that is no object': [keys('secret'), /key 1 has no `kid`/],
    'a key without kid': [keys(ec, { ...ec, kid: undefined }), /key 2 has no `kid`/],
    'an empty kid': [keys({ ...ec, kid: '' }), /key 1 has no `kid`/],
    'a kid that is a number': [keys({ ...ec, kid: 7 }), /key 1 has no `kid`/],
    'no algorithm': [keys({ ...ec, alg: undefined }), /key 1 \(a\) has no supported `alg`/],
    'an algorithm that is none of ours': [
      keys({ ...ec, alg: 'HS256' }),
      /key 1 \(a\) has no supported `alg`/,
    ],
    'an algorithm with the name of a method': [keys({ ...ec, alg: 'toString' }), /has no supported `alg`/],
    'an unknown status': [keys({ ...ec, status: 'resting' }), /unknown `status`/],
    'a key of another kind than its algorithm': [
      keys({ ...ed25519, kid: 'a', alg: 'ES256' }),
      /is not a key for ES256/,
    ],
    'a key of another curve': [keys({ ...p384, kid: 'a', alg: 'ES256' }), /is not a key for ES256/],
    'a public key': [keys(publicOnly), /key 1 \(a\) is not a private key/],
    'a public RSA key': [
      keys({ ...rsa.publicKey.export({ format: 'jwk' }), kid: 'a', alg: 'RS256' }),
      /is not a private key/,
    ],
    'a key with broken members': [keys({ ...ec, d: '!' }), /is not a private key|do not match/],
    'an RSA key of 1024 bits': [
      keys({ ...weak, kid: 'a', alg: 'PS256' }),
      /has 1024 bits; RSA keys have at least 2048/,
    ],
    'two halves of different keys': [keys({ ...ec, x: other.x, y: other.y }), /do not match/],
    'two keys with one kid': [keys(ec, ec), /two keys have the key id a/],
    'one key for two algorithms (RFC 8725 section 3.1)': [
      keys({ ...rsaJwk, kid: 'a', alg: 'RS256' }, { ...rsaJwk, kid: 'b', alg: 'PS256' }),
      /a and b are the same key; a key has one key id and one algorithm/,
    ],
    'one key under two key ids': [
      keys(ec, { ...ec, kid: 'b', status: 'retired' }),
      /a and b are the same key/,
    ],
    'one key under two key ids, written in another way': [
      keys(
        { ...rsaJwk, kid: 'a', alg: 'RS256' },
        { ...rsaJwk, n: `AAAA${rsaJwk.n}`, kid: 'b', alg: 'PS256' },
      ),
      /a and b are the same key/,
    ],
    'two active keys of one algorithm': [keys(ec, second), /two keys for ES256 have the status active/],
    'two next keys of one algorithm': [
      keys({ ...ec, status: 'next' }, { ...second, status: 'next' }),
      /two keys for ES256 have the status next/,
    ],
    'a key for encryption': [keys({ ...ec, use: 'enc' }), /key 1 \(a\) is not for signing/],
    'a time that is none': [keys({ ...ec, created: 'yesterday' }), /key 1 \(a\): `created` is not a time/],
    'a time that is a number': [
      keys({ ...ec, status: 'retired', retired: 1_800_000_000 }),
      /key 1 \(a\): `retired` is not a time/,
    ],
    'more than 64 keys': [
      keys(...Array.from({ length: 65 }, (_, kid) => ({ ...ec, kid: `${kid}` }))),
      /it has 65 keys; at most 64/,
    ],
    'more than 1 MiB': [`{"keys":[],"x":"${'x'.repeat(1 << 20)}"}`, /it is larger than 1 MiB/],
  };

  function reason(file: string): string {
    try {
      readKeyFile(file);
    } catch (error) {
      if (isWaybillError(error, 'keys_invalid')) return error.message;
      throw error;
    }
    return 'it was read';
  }

  for (const [what, [text, says]] of Object.entries(cases)) {
    it(`${what}: names the file, the key and what is wrong, and shows nothing of the key`, () => {
      const file = scratchFile('keys.json', text);
      const message = reason(file);
      expect(message).to.contain(`The key file ${file} cannot be used: `).and.to.match(says);
      expect(message).to.contain('Repair it, or move it away and a new one is created.');
      expect(message).to.not.contain(ec.d);
    });
  }

  it('RFC 8259 section 8.1: is read behind a byte order mark', () => {
    const file = scratchFile('keys.json', `\ufeff${keys(ec)}`);
    expect(readKeyFile(file)?.map(({ kid }) => kid)).to.deep.equal([ec.kid]);
  });

  it('is reported as UTF-16, with what to do', () => {
    const files = utf16(keys(ec));
    expect(files).to.have.lengthOf(4);
    for (const bytes of files)
      expect(reason(scratchFile('keys.json', bytes))).to.match(/it is UTF-16, not UTF-8; save it as UTF-8/);
  });

  it('a folder in its place is said to be none', () => {
    expect(reason(scratchFolder())).to.match(/cannot be used: it is not a file/);
  });

  it('a file that this user may not read is said to be so', function () {
    const file = scratchFile('keys.json', keys(ec));
    chmodSync(file, 0o000);
    try {
      readFileSync(file);
    } catch {
      expect(reason(file)).to.match(/it cannot be read \(EACCES\)/);
      return;
    }
    // The superuser may read everything.
    writeFileSync(file, '');
    expect(reason(file)).to.match(/it is not JSON/);
  });
});
