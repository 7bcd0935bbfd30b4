/** The life of encryption keys by the command line: made, used by a running issuer, rotated under load, opened again. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { decodeJwt } from 'jose';
import { extractor } from '../../../src/middleware/index.ts';
import { readSealedHeader, type DecryptionKeys } from '../../../src/token/index.ts';
import { removeScratch, scratchFile, scratchFolder } from '../../support/files.ts';
import { ask as askAs, run, serve, stopServing, type Served } from '../../support/program.ts';

const ISSUER = 'http://127.0.0.1:8080';
const VAULT = 'https://vault.example';
const env = { WEB_SECRET: 'web secret' };

const graph = (jwks: string): string => `waybill: 1
name: shop
issuer: { url: '${ISSUER}' }
defaults: { audience: 'https://{name}.example', headers: { profile: node }, caller: mtls }
claims: { card: { value: '4111-1111' } }
clients:
  web:
    auth: { method: client_secret_basic, secret_env: WEB_SECRET }
    calls: { shop: [buy] }
services:
  shop: { scopes: { buy: { calls: { vault: { scopes: [take], seal: true } } } } }
  vault: { encryption: { jwks_file: '${jwks}' }, claims: [card], scopes: { take: } }
`;

interface Made {
  readonly keys: readonly string[];
}

describe('waybill, with sealed calls', () => {
  afterEach(stopServing);
  after(removeScratch);

  async function make(...args: string[]): Promise<{ privateFile: string; publicFile: string; made: Made }> {
    const folder = scratchFolder();
    const [privateFile, publicFile] = [path.join(folder, 'private.jwks'), path.join(folder, 'public.jwks')];
    const made = await again(privateFile, publicFile, ...args);
    return { privateFile, publicFile, made };
  }

  async function again(privateFile: string, publicFile: string, ...args: string[]): Promise<Made> {
    const files = ['--private', privateFile, '--public', publicFile];
    const { code, stdout, stderr } = await run(['keys', 'encryption', ...files, '--json', ...args]);
    expect(code, stderr).to.equal(0);
    return JSON.parse(stdout) as Made;
  }

  const keysIn = (file: string): DecryptionKeys => JSON.parse(readFileSync(file, 'utf8')) as DecryptionKeys;

  async function sealedChild(
    served: Served,
  ): Promise<{ root: string; child: string; kid: string | undefined }> {
    const { body } = await askAs(served, env.WEB_SECRET, 'buy');
    const root = String(body['access_token']);
    const child = (decodeJwt(root)['embedded'] as Record<string, string>)['vault']!;
    return { root, child, kid: readSealedHeader(child)?.kid };
  }

  it('rotates a key without refusing a token: the service first, then the graph (S6)', async () => {
    const { privateFile, publicFile, made } = await make();
    const file = scratchFile('shop.yaml', graph(publicFile));
    const keys = path.join(scratchFolder(), 'keys.json');
    const served = await serve([file, '--port', '0', '--keys', keys], { env });
    const service = (decryption: DecryptionKeys) =>
      extractor({
        issuer: ISSUER,
        jwksUri: `${served.url}/jwks`,
        audience: VAULT,
        caller: 'none',
        decryption,
      });
    const first = await sealedChild(served);
    expect(first.kid).to.equal(made.keys[0]);
    expect(statSync(privateFile).mode & 0o777).to.equal(0o600);

    const published = readFileSync(publicFile, 'utf8');
    const after = await again(privateFile, publicFile);
    expect(after.keys).to.have.lengthOf(2);
    expect(after.keys[1]).to.equal(made.keys[0]);
    const next = readFileSync(publicFile, 'utf8');
    expect(next).to.not.include('"d"');
    writeFileSync(publicFile, published); // the service gets its keys before the issuer does
    const vault = service(keysIn(privateFile));
    expect((await vault.authenticate({ authorization: `Bearer ${first.child}` })).claims['card']).to.equal(
      '4111-1111',
    );
    writeFileSync(publicFile, next);
    await served.logged('reloaded');
    const second = await sealedChild(served);
    expect(second.kid).to.equal(after.keys[0]);
    for (const { child } of [first, second])
      expect((await vault.authenticate({ authorization: `Bearer ${child}` })).scopes).to.deep.equal(['take']);
  });

  it('keeps the keys from before where a file is broken, and says so', async () => {
    const { publicFile, privateFile } = await make('--curve', 'P-256', '--wrap');
    const file = scratchFile('shop.yaml', graph(publicFile));
    const keys = path.join(scratchFolder(), 'keys.json');
    const served = await serve([file, '--port', '0', '--keys', keys], { env });
    const { kid } = await sealedChild(served);
    writeFileSync(publicFile, readFileSync(privateFile)); // what must never happen
    const broken = await served.logged('a key set cannot be used; the keys from before stay in place');
    expect(broken['reason']).to.match(/^The encryption keys of vault cannot be used: one of them is private/);
    expect((await sealedChild(served)).kid).to.equal(kid);
  });

  it('does not start without the keys of a sealed call (threat 48)', async () => {
    const file = scratchFile('shop.yaml', graph('/nowhere/vault.jwks'));
    const keys = path.join(scratchFolder(), 'keys.json');
    const { code, stderr } = await run(['serve', file, '--port', '0', '--keys', keys], { env });
    expect(code).to.equal(2);
    expect(stderr).to.match(/vault has no encryption keys: \/nowhere\/vault\.jwks cannot be read/);
  });

  it('adds no key to a file of other keys', async () => {
    const folder = scratchFolder();
    const privateFile = scratchFile('private.jwks', '{"keys":[{"kty":"RSA"}]}', folder);
    const files = ['--private', privateFile, '--public', path.join(folder, 'public.jwks')];
    const { code, stderr } = await run(['keys', 'encryption', ...files]);
    expect(code).to.equal(2);
    expect(stderr).to.match(/is there and cannot be added to/);
    expect(readFileSync(privateFile, 'utf8')).to.include('RSA');
  });

  it('token inspect shows a sealed child as its carrier sees it, and opens it with --key (S8)', async () => {
    const { publicFile, privateFile, made } = await make();
    const file = scratchFile('shop.yaml', graph(publicFile));
    const keys = path.join(scratchFolder(), 'keys.json');
    const served = await serve([file, '--port', '0', '--keys', keys], { env });
    const { root, child } = await sealedChild(served);
    const jwks = ['--jwks', `${served.url}/jwks`];
    const inspect = (input: string, ...args: string[]) =>
      run(['token', 'inspect', ...jwks, ...args], { input });

    const shown = await inspect(root, '--prove');
    expect(shown.code, shown.stderr).to.equal(0);
    expect(shown.stdout).to.include(`sealed to the key ${made.keys[0]}`);
    expect(shown.stdout).to.include('vault is sealed: the signature of its parent covers it');
    expect(shown.stdout).to.not.include('4111');
    const json = JSON.parse((await inspect(root, '--json', '--prove')).stdout) as Record<string, unknown>;
    expect(json).to.have.nested.property('sealed[0].audience', VAULT);
    expect(json).to.have.deep.nested.property('proof.sealed', [['vault']]);

    const closed = await inspect(child);
    expect([closed.code, closed.stderr]).to.deep.equal([2, closed.stderr]);
    expect(closed.stderr).to.include(
      `sealed to ${VAULT} (key ${made.keys[0]}), and only that service can read it`,
    );
    const opened = await inspect(child, '--key', privateFile);
    expect(opened.code, opened.stderr).to.equal(0);
    expect(opened.stdout).to.include('4111-1111');
    const other = await make();
    expect((await inspect(child, '--key', other.privateFile)).stderr).to.match(
      /No key of .* opens the token/,
    );
    expect((await inspect(root, '--key', privateFile)).stderr).to.include('this one is not sealed');
  });
});
