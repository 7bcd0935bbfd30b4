import { readFileSync } from 'node:fs';

import { expect } from 'chai';
import { SignJWT, importJWK } from 'jose';

import { generateKey, keyRing, type KeyRecord } from '../../../src/issuer/keys/index.ts';
import { createIssuer } from '../../../src/issuer/index.ts';
import { pack } from '../../../src/token/index.ts';
import { clientOf, secretsFor } from '../../support/issuer/issue.ts';
import { tokenAt } from '../../support/issuer/trees.ts';
import { ORDERS, shop } from '../../support/graphs/shop.ts';
import { startIssuer, stopIssuers, type TestIssuer } from '../../support/issuer/start.ts';
import { removeScratch, scratchFile, utf16 } from '../../support/files.ts';
import { run } from '../../support/program.ts';

const TREE = { scopes: ['place'], resources: [ORDERS] };
const clock = () => Math.floor(Date.now() / 1000);

describe('waybill token inspect', () => {
  let issuer: TestIssuer;
  let record: KeyRecord;
  let token: string;
  let jwks: string;

  before(async () => {
    record = await generateKey('ES256', clock);
    issuer = await startIssuer(shop, { keys: keyRing([record], 'ES256') });
    ({ token } = await issuer.issuer.issue(clientOf(issuer.plan, 'web'), TREE));
    jwks = scratchFile('jwks.json', JSON.stringify(issuer.issuer.jwks));
  });
  after(async () => {
    await stopIssuers();
    removeScratch();
  });

  const inspect = (input: string, ...args: string[]) => run(['token', 'inspect', ...args], { input });

  /** A token with these claims over right ones, signed with the issuer's key. */
  async function signed(claims: object, header: object = {}): Promise<string> {
    const now = clock();
    const right = {
      iss: issuer.url,
      aud: ORDERS,
      sub: 'web',
      client_id: 'web',
      iat: now,
      exp: now + 60,
      jti: 't.0',
      txn: 't',
    };
    return new SignJWT({ ...right, ...claims })
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: record.kid, ...header })
      .sign(await importJWK(record.jwk, 'ES256'));
  }

  it('verifies every token by the keys that the issuer publishes, and draws the tree', async () => {
    const { code, stdout, stderr } = await inspect(token, '--issuer', issuer.url);
    expect([code, stderr]).to.deep.equal([0, '']);
    expect(stdout).to.contain(`client web, issued by ${issuer.url}`).and.to.contain('3 tokens, all verified');
    expect(stdout).to.match(/^https:\/\/orders\.shop\.example {2}place ✓ +[\d,]+ B {2}\d+ s left/m);
    expect(stdout).to.match(/^├─ payment {2}charge ✓ .*https:\/\/payment\.shop\.example$/m);
    expect(stdout).to.match(/^└─ mail {2}send ✓ /m);
  });

  it('begins with the subject, where it is not the client, and the client', async () => {
    const [own, user] = await Promise.all([
      inspect(await signed({})),
      inspect(await signed({ sub: 'login:alice' })),
    ]);
    expect(own.stdout.split('\n')[0]).to.equal(`client web, issued by ${issuer.url}`);
    expect(user.stdout.split('\n')[0]).to.equal(`subject login:alice, client web, issued by ${issuer.url}`);
  });

  it('names an audience that is the name of its service once', async () => {
    const now = clock();
    const payment = await signed({ aud: 'payment', scope: 'charge', exp: now + 60 });
    const parent = await signed({ embedded: { payment }, on_demand: { mail: 'mail', fraud: 'urn:fraud' } });
    const { stdout } = await inspect(parent);
    expect(stdout).to.match(/^├─ payment {2}charge +[\d,]+ B {2}\d+ s left$/m);
    expect(stdout).to.match(/^├─ mail {2}fetched when needed$/m);
    expect(stdout).to.match(/^└─ fraud {2}fetched when needed, urn:fraud$/m);
  });

  it('reads a packed tree as the nested one, and says which it was and what either takes', async () => {
    const packed = pack(token);
    const [fromNested, fromPacked, jsonOfPacked, bare] = await Promise.all([
      inspect(token, '--jwks', jwks),
      inspect(`Bearer ${packed}`, '--jwks', jwks),
      inspect(packed, '--jwks', jwks, '--json'),
      inspect(tokenAt(token, 'mail').compact, '--jwks', jwks),
    ]);
    const [nestedSize, packedSize] = [token, packed].map(({ length }) => `${length.toLocaleString('en')} B`);
    const seconds = (text: string) => text.replace(/(?<!\d)\d+ s left/g, '');
    expect([fromPacked.code, fromPacked.stderr]).to.deep.equal([0, '']);
    expect(fromNested.stdout).to.contain(`\nnested, ${nestedSize} (packed: ${packedSize})\n`);
    expect(fromPacked.stdout).to.contain(`\npacked, ${packedSize} (nested: ${nestedSize})\n`);
    const told = (text: string) => seconds(text).replace(/^(nested|packed), .*$/m, '');
    expect(told(fromPacked.stdout)).to.equal(told(fromNested.stdout));
    expect(bare.stdout).to.match(/\na bare JWT, \d+ B\n/);
    expect(JSON.parse(jsonOfPacked.stdout)).to.deep.include({
      encoding: 'packed',
      sizes: { nested: token.length, packed: packed.length },
      verified: true,
    });
  });

  it('verifies by a JWK Set in a file, or at an address', async () => {
    for (const keys of [jwks, `${issuer.url}/jwks`]) {
      const { code, stdout } = await inspect(token, '--jwks', keys);
      expect(code).to.equal(0);
      expect(stdout).to.contain('3 tokens, all verified');
    }
  });

  it('reads the token from standard input or a file, with its scheme before it and blanks around it', async () => {
    const file = scratchFile('token', `  Bearer ${token}\n\n`);
    const marked = scratchFile('jwks.json', `\ufeff${readFileSync(jwks, 'utf8')}`);
    const outcomes = await Promise.all([
      inspect(token, '--jwks', marked),
      inspect('', scratchFile('marked', `\ufeff${token}`), '--jwks', jwks),
      inspect(token, '--jwks', jwks),
      inspect(`${token}\n`, '-', '--jwks', jwks),
      inspect(`DPoP ${token}`, '--jwks', jwks),
      inspect('', file, '--jwks', jwks),
    ]);
    for (const { code, stdout } of outcomes) {
      expect(code).to.equal(0);
      expect(stdout).to.contain('all verified');
    }
  });

  it('takes the answer of the token endpoint as it is, and says what an error in it is', async () => {
    const right = await inspect(
      JSON.stringify({ access_token: token, token_type: 'Bearer' }),
      '--jwks',
      jwks,
    );
    expect(right.stdout).to.contain('all verified');
    const wrong = await inspect(JSON.stringify({ error: 'invalid_scope' }));
    expect(wrong.code).to.equal(2);
    expect(wrong.stderr).to.contain('invalid_scope');
  });

  it('without --issuer and --jwks says that nothing is verified', async () => {
    const { code, stdout } = await inspect(token);
    expect(code).to.equal(0);
    expect(stdout)
      .to.contain('not verified: give --issuer or --jwks')
      .and.to.not.match(/✓|all verified/);
  });

  it('--json has the tree with a verdict for each token, and none where nothing was verified', async () => {
    const [verified, unverified] = await Promise.all([
      inspect(token, '--json', '--jwks', jwks),
      inspect(token, '--json'),
    ]);
    const tree = JSON.parse(verified.stdout) as {
      payload: object;
      embedded: { name: string; verified: boolean }[];
    };
    expect(tree).to.include({ name: null, verified: true, bytes: token.length });
    expect(tree.payload).to.include({ aud: ORDERS, scope: 'place' }).and.not.have.property('embedded');
    expect(tree.embedded.map((child) => [child.name, child.verified])).to.deep.equal([
      ['payment', true],
      ['mail', true],
    ]);
    expect(JSON.parse(unverified.stdout)).to.have.property('verified', null);
  });

  it('shows the digits of numbers in the token, even those that JavaScript would change', async () => {
    const [header, payload, signature] = token.split('.') as [string, string, string];
    const claims = Buffer.from(payload, 'base64url').toString();
    const more = '"account":9007199254740993,"rate":[1e400,0.1000000000000000055],"small":7';
    const changed = Buffer.from(`${claims.slice(0, -1)},${more}}`).toString('base64url');
    const written = `${header}.${changed}.${signature}`;
    const [text, json] = await Promise.all([inspect(written), inspect(written, '--json')]);
    expect([text.code, json.code]).to.deep.equal([0, 0]);
    expect(text.stdout).to.contain(`{${more}}`);
    expect(json.stdout.replace(/\s/g, '')).to.contain(`,${more}}`);
    expect(JSON.parse(json.stdout)).to.have.nested.property('payload.small', 7);
  });

  it('a changed child: exit 1, the child and every token around it fail, its sibling holds', async () => {
    const payment = tokenAt(token, 'payment').compact;
    const [header, payload, signature] = payment.split('.') as [string, string, string];
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object;
    const changed = Buffer.from(JSON.stringify({ ...claims, scope: 'refund' })).toString('base64url');
    const [rootHeader, rootPayload, rootSignature] = token.split('.') as [string, string, string];
    const text = Buffer.from(rootPayload, 'base64url')
      .toString()
      .replace(payment, `${header}.${changed}.${signature}`);
    const forged = `${rootHeader}.${Buffer.from(text).toString('base64url')}.${rootSignature}`;
    const { code, stdout } = await inspect(forged, '--jwks', jwks);
    expect(code).to.equal(1);
    expect(stdout).to.contain('2 of 3 tokens do not verify');
    expect(stdout)
      .to.match(/payment {2}refund ✗ the token's signature is not the issuer's/)
      .and.to.match(/mail {2}send ✓/);
  });

  it('an expired tree: exit 1, and when it expired', async () => {
    const past = createIssuer({
      plan: issuer.plan,
      keys: keyRing([record], 'ES256'),
      secrets: secretsFor(issuer.plan),
      clock: () => clock() - 1000,
    });
    const { token: old } = await past.issue(clientOf(issuer.plan, 'web'), TREE);
    const { code, stdout } = await inspect(old, '--jwks', jwks);
    expect(code).to.equal(1);
    expect(stdout)
      .to.contain('3 of 3 tokens do not verify')
      .and.to.match(/expired 7\d\d s ago/);
  });

  it('RFC 8725 section 3.1: a token with alg none never verifies', async () => {
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const payload = token.split('.')[1];
    const unsigned = `${encode({ alg: 'none', typ: 'at+jwt', kid: record.kid })}.${payload}.`;
    const [bare, padded] = await Promise.all([
      inspect(unsigned, '--jwks', jwks),
      inspect(`${unsigned}AAAA`, '--jwks', jwks),
    ]);
    expect([bare.code, padded.code]).to.deep.equal([1, 1]);
    expect(bare.stderr).to.contain('three non-empty parts');
    expect(padded.stdout).to.contain("✗ the token's algorithm is not one of");
  });

  it("another issuer's token, or a key that is not published: exit 1 and why", async () => {
    const elsewhere = await inspect(token, '--jwks', jwks, '--issuer', 'https://other.example');
    expect(elsewhere.code).to.equal(1);
    expect(elsewhere.stdout).to.contain('✗ the token was not issued by https://other.example');
    const foreign = await inspect(await signed({}, { kid: 'unheard' }), '--jwks', jwks);
    expect(foreign.code).to.equal(1);
    expect(foreign.stdout).to.contain('no key with the key id');
  });

  it('no control character of a token reaches the terminal, as text or as JSON', async () => {
    const hostile = '\u001b[2J\u009b31m\u202e\u0007\r\nfake ✓';
    const evil = await signed({
      sub: hostile,
      aud: hostile,
      tier: hostile,
      [hostile]: 1,
      scope: 'read',
      on_demand: { [hostile]: hostile },
    });
    for (const args of [['--jwks', jwks], ['--json'], []]) {
      const { stdout } = await inspect(evil, ...args);
      expect(stdout).to.contain('fake');

      expect(stdout).to.not.match(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
      expect(stdout).to.not.match(/^fake/m);
    }
    const { stdout } = await inspect(evil, '--json');
    expect(JSON.parse(stdout).payload.sub).to.equal(hostile);
  });

  it('exit 1 for input that is not a token, exit 2 for empty input', async () => {
    const cases = [
      'hello',
      'a.b',
      'a.b.c',
      'wb1~AAAA',
      'a.b.c.d.e',
      `${token}x`,
      `${token}.`,
      '\u0000\u0001',
    ];
    for (const { code, stdout, stderr } of await Promise.all(cases.map((text) => inspect(text)))) {
      expect([code, stdout]).to.deep.equal([1, '']);
      expect(stderr)
        .to.match(/^error {2}token_\w+ {2}/)
        .and.to.not.contain(token.slice(0, 40));
    }
    const nothing = await inspect(' \n');
    expect(nothing.code).to.equal(2);
    expect(nothing.stderr).to.contain('contains no token');
  });

  it('an input over a megabyte is refused, from standard input and from a file', async () => {
    const large = 'x'.repeat(2 << 20);
    for (const { code, stderr } of await Promise.all([
      inspect(large),
      inspect('', scratchFile('large', large)),
    ])) {
      expect(code).to.equal(2);
      expect(stderr).to.contain('more than 1048576 bytes');
    }
  });

  it('wrong keys, addresses and files are named, with exit 2', async () => {
    const privateKeys = scratchFile(
      'keys.json',
      JSON.stringify({ keys: [{ ...record.jwk, kid: record.kid, alg: 'ES256' }] }),
    );
    const text = scratchFile('keys.txt', 'no JSON');
    const unreachable = new URL(issuer.url);
    unreachable.port = '1';
    const cases: readonly (readonly [args: string[], says: string])[] = [
      [['--jwks', '/nowhere.json'], '--jwks /nowhere.json cannot be used: ENOENT'],
      [['--jwks', text], 'it is not JSON'],
      ...utf16('{"keys":[]}').map((bytes): [string[], string] => [
        ['--jwks', scratchFile('utf16.json', bytes)],
        'it is UTF-16, not UTF-8; save it as UTF-8',
      ]),
      [[scratchFile('utf16', Buffer.from(token, 'utf16le'))], 'cannot be read (it is UTF-16, not UTF-8'],
      [['--jwks', privateKeys], 'private'],
      [['--issuer', 'tokens.example'], "Give the issuer's http or https URL"],
      [['--issuer', 'https://['], "Give the issuer's http or https URL"],
      [['--issuer', unreachable.origin], 'could not be reached'],
      [['--issuer', `${issuer.url}/elsewhere`], '404'],
      [['/nowhere/token'], '/nowhere/token cannot be read (ENOENT)'],
    ];
    await Promise.all(
      cases.map(async ([args, says]) => {
        const { code, stdout, stderr } = await inspect(token, ...args);
        expect([code, stdout], args.join(' ')).to.deep.equal([2, '']);
        expect(stderr).to.contain(says).and.to.not.contain('    at ');
      }),
    );
  });
});
