/** `waybill diff` of a change that puts another encryption key in place of a service's (threat 55). */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { calculateJwkThumbprint } from 'jose';
import { removeScratch, scratchFile, scratchFolder } from '../../support/files.ts';
import { sealKeyPair } from '../../support/keys/seal-keys.ts';
import { run } from '../../support/program.ts';

const GRAPH = `waybill: 1
name: shop
issuer: { url: 'https://tokens.shop.example' }
defaults: { headers: { profile: envoy }, caller: mtls }
clients:
  web: { auth: { method: client_secret_basic, secret_env: S }, calls: { shop: [buy] } }
services:
  shop: { scopes: { buy: { calls: { vault: [take] } } } }
  vault: { seal: true, encryption: { jwks_file: keys/vault.jwks }, scopes: { take: } }
`;

describe('waybill diff, where the graph stays and a key does not', () => {
  after(removeScratch);

  it('names the thumbprints of both keys, and counts it as widening', async () => {
    const folder = scratchFolder();
    const git = (...args: string[]): void => {
      const identity = ['-c', 'user.name=test', '-c', 'user.email=test@shop.example'];
      expect(spawnSync('git', [...identity, ...args], { cwd: folder }).status).to.equal(0);
    };
    const [first, next] = [await sealKeyPair('one'), await sealKeyPair('two', { crv: 'X25519' })];
    scratchFile('graph.yaml', GRAPH, folder);
    const file = scratchFile('keys/vault.jwks', JSON.stringify(first.jwks), folder);
    git('init', '--quiet', '--initial-branch=main');
    git('add', '--all');
    git('commit', '--quiet', '--message', 'first');
    const diff = () =>
      run(['diff', 'main:graph.yaml', 'graph.yaml', '--fail-on', 'widening'], { cwd: folder });
    expect((await diff()).code).to.equal(0);
    // A key behind the first is for the service to open with, and nothing is sealed to it.
    writeFileSync(file, JSON.stringify({ keys: [first.publicJwk, next.publicJwk] }));
    expect((await diff()).code).to.equal(0);
    writeFileSync(file, JSON.stringify({ keys: [next.publicJwk, first.publicJwk] }));
    const changed = await diff();
    expect(changed.code, changed.stderr).to.equal(1);
    const [was, is] = await Promise.all(
      [first, next].map(({ publicJwk }) => calculateJwkThumbprint(publicJwk)),
    );
    expect(changed.stdout).to.include(`tokens for vault are sealed to the key ${is}, not to ${was}`);
  });
});
