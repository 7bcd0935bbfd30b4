import { expect } from 'chai';

import { extractor, type ExtractorOptions } from '../../../src/middleware/index.ts';
import { failure } from '../../support/failure.ts';

const GOOD: ExtractorOptions = {
  issuer: 'https://tokens.boutique.example',
  audience: 'https://checkout.boutique.example',
  caller: 'none',
};

describe('the options of an extractor', () => {
  function make(options: Record<string, unknown>): unknown {
    return extractor({ ...GOOD, ...options });
  }

  it('are enough with issuer, audience and caller', () => {
    expect(extractor(GOOD)).to.have.keys([
      'protect',
      'authenticate',
      'admission',
      'current',
      'fetch',
      'certificateOf',
      'peerOf',
      'resume',
    ]);
  });

  it('have no default for caller, and say what to choose', async () => {
    const error = await failure('usage', () => make({ caller: undefined }));
    expect(error.message).to.include("'none'").and.to.include("'mtls'").and.to.include('no default');
  });

  it('take mtls, and refuse what unboundRoots is not', async () => {
    expect(make({ caller: 'mtls', unboundRoots: 'accept' })).to.be.an('object');
    const error = await failure('usage', () => make({ caller: 'mtls', unboundRoots: true }));
    expect(error.message).to.include('unboundRoots');
  });

  it('take accept and refuse for packed, and nothing else', async () => {
    for (const packed of ['accept', 'refuse']) expect(make({ packed })).to.be.an('object');
    const error = await failure('usage', () => make({ packed: false }));
    expect(error.message).to.include('packed must be accept or refuse');
  });

  it('are refused by name where they are unknown', async () => {
    for (const options of [{ isuer: 'x' }, { budget: { inbuond: 1 } }, { cache: { size: 1 } }]) {
      const error = await failure('usage', () => make(options));
      expect(error.message).to.match(/isuer|inbuond|size/);
    }
  });

  for (const issuer of [
    'http://127.0.0.1:8080',
    'http://127.9.9.9',
    'http://[::1]:1',
    'http://localhost/tenant',
    'https://a.example/t',
  ]) {
    it(`take the issuer ${issuer}`, () => {
      expect(make({ issuer })).to.be.an('object');
    });
  }

  for (const issuer of [
    'http://tokens.boutique.example',
    'http://127.0.0.1.evil.example',
    'http://localhost.evil.example',
    'http://128.0.0.1',
    'https://user@a.example',
    'https://a.example/?x',
    'https://a.example/#x',
    'ftp://a.example',
    'a.example',
    '',
    7,
  ]) {
    it(`refuse the issuer ${issuer}`, () => failure('usage', () => make({ issuer })));
  }

  it('are checked for their shape', async () => {
    const wrong: Record<string, unknown>[] = [
      { audience: '' },
      { routes: { ads: 'ads' } },
      { routes: { 'http://ads:8080': '' } },
      { routes: { 'http://ads:8080?x=1': 'ads' } },
      { budget: { inbound: 0 } },
      { budget: { outbound: { payment: '8KiB' } } },
      { cache: { tokens: -1 } },
      { cache: { tokens: 10_000_001 } },
      { cache: { exchanged: 0 } },
      { cache: { proofs: 1e9 } },
      { clockTolerance: NaN },
      { clock: 5 },
      { fetch: 'fetch' },
      { jwksUri: 'http://keys.example/jwks' },
      { timeout: 0 },
      { connections: 0 },
      { connections: Infinity },
      { cooldown: -1 },
      { keysMaxAge: Infinity },
    ];
    for (const options of wrong) {
      const error = await failure('usage', () => make(options));
      expect(error.message).to.include(Object.keys(options)[0]);
    }
  });

  it('of protect are checked when the route is declared', async () => {
    const waybill = extractor(GOOD);
    const wrong = [{ scopes: 'a' }, { scope: '' }, { scope: 'a  b' }, { scope: [] }, { scope: 'a"b' }];
    for (const options of wrong) await failure('usage', () => waybill.protect(options));
    expect(waybill.protect()).to.be.a('function');
  });
});
