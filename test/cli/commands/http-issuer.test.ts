import { expect } from 'chai';
import { removeScratch, scratchFile, scratchFolder } from '../../support/files.ts';
import { freePort } from '../../support/http.ts';
import { run, serve, stopServing } from '../../support/program.ts';

const graph = (url: string): string => `
waybill: 1
issuer: { url: '${url}' }
defaults: { headers: { profile: go }, caller: none }
clients:
  web: { auth: { method: client_secret_basic, secret_env: WEB_SECRET }, calls: { shop: [buy] } }
services:
  shop: { scopes: { buy: } }
`;

describe('an issuer at an http URL', () => {
  after(async () => {
    await stopServing();
    removeScratch();
  });

  const check = async (url: string, ...options: string[]) => {
    const { code, stdout, stderr } = await run(['check', scratchFile('graph.yaml', graph(url)), ...options]);
    return { code, text: stdout + stderr };
  };

  it('is refused, and the hint names the option', async () => {
    const { code, text } = await check('http://waybill.tokens.svc:8080');
    expect(code).to.equal(1);
    expect(text).to.include('issuer-url').and.include('--allow-http-issuer');
  });

  it('is a warning with --allow-http-issuer', async () => {
    const { code, text } = await check('http://waybill.tokens.svc:8080', '--allow-http-issuer');
    expect([code, text.includes('http-issuer')]).to.deep.equal([0, true]);
  });

  it('needs no warning on loopback, and no other scheme is accepted', async () => {
    expect((await check('http://127.0.0.1:8080', '--allow-http-issuer')).text).not.to.include('http-issuer');
    expect((await check('ftp://waybill.tokens.svc', '--allow-http-issuer')).code).to.equal(1);
    expect((await check('http://user@waybill.tokens.svc', '--allow-http-issuer')).code).to.equal(1);
  });

  it('is served, with a warning in the log that says what protects it', async () => {
    const port = await freePort();
    const args = [
      scratchFile('served.yaml', graph(`http://waybill.tokens.svc:${port}`)),
      ...['--port', String(port), '--keys', `${scratchFolder()}/keys.json`, '--allow-http-issuer'],
    ];
    const served = await serve(args, { env: { WEB_SECRET: 's' } });
    const warned =
      'tokens and secrets travel to this issuer as plain text: only the mutual TLS of a mesh protects them, if nothing reaches it but through its proxies';
    expect(await served.logged(warned)).to.include({ level: 40 });
  });
});
