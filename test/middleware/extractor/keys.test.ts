import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

import { expect } from 'chai';
import type { JWK } from 'jose';

import type { Extractor } from '../../../src/middleware/index.ts';
import { pkcs1Padded, unitRsa } from '../../support/keys/weak-keys.ts';
import { base64url, claims, makeSigner, type Signer } from '../../support/keys/signer.ts';
import { failure } from '../../support/failure.ts';
import { METADATA_PATH, startScriptedIssuer, type ScriptedIssuer } from '../../support/issuer/scripted.ts';
import { closeServers, listen } from '../../support/http.ts';
import { extractorFor, startCallee } from '../services.ts';

describe("the issuer's keys", () => {
  let issuer: ScriptedIssuer;

  beforeEach(async () => {
    issuer = await startScriptedIssuer();
  });
  afterEach(closeServers);

  async function ask(waybill: Extractor, token?: string): Promise<string> {
    const context = await waybill.authenticate({
      authorization: `Bearer ${token ?? (await issuer.token())}`,
    });
    return context.claims.sub;
  }

  async function tokenBy(signer: Signer): Promise<string> {
    return signer.sign(claims({ iss: issuer.url }));
  }

  it('are not asked for before a token comes, then found by discovery and kept', async () => {
    const waybill = extractorFor(issuer, { cache: { tokens: 0 } });
    expect(issuer.requests).to.deep.equal([]);
    for (let times = 0; times < 3; times += 1) await ask(waybill);
    expect(issuer.requests).to.deep.equal([METADATA_PATH, '/jwks']);
  });

  it('are found below the path of an issuer that has one (RFC 8414 section 3.1)', async () => {
    issuer = await startScriptedIssuer('/tenant');
    expect(await ask(extractorFor(issuer))).to.equal('login:alice');
    expect(issuer.requests).to.deep.equal([`${METADATA_PATH}/tenant`, '/jwks']);
  });

  it('are fetched once for many requests at once', async () => {
    const waybill = extractorFor(issuer);
    const tokens = await Promise.all(
      Array.from({ length: 20 }, (_, index) => issuer.token({ jti: `T1.${index}` })),
    );
    await Promise.all(tokens.map((token) => ask(waybill, token)));
    expect(issuer.requests).to.deep.equal([METADATA_PATH, '/jwks']);
  });

  it('come from jwksUri without discovery', async () => {
    expect(await ask(extractorFor(issuer, { jwksUri: `${issuer.url}/jwks` }))).to.equal('login:alice');
    expect(issuer.requests).to.deep.equal(['/jwks']);
  });

  it('are asked for with the fetch of the options', async () => {
    const asked: string[] = [];
    const own: typeof fetch = (input, init) => {
      asked.push((input as string).slice(issuer.url.length));
      return fetch(input, init);
    };
    await ask(extractorFor(issuer, { fetch: own }));
    expect(asked).to.deep.equal([METADATA_PATH, '/jwks']);
  });

  describe('when they rotate', () => {
    it('are fetched again for an unknown key id, once the cool-down is over', async () => {
      const waybill = extractorFor(issuer, { cooldown: 0.1 });
      await ask(waybill);
      const next = await makeSigner('ES256', 'next');
      issuer.keys = [issuer.signer.publicJwk, next.publicJwk];
      await failure('token_key_unknown', async () => ask(waybill, await tokenBy(next)));
      await sleep(150);
      expect(await ask(waybill, await tokenBy(next))).to.equal('login:alice');
      expect(await ask(waybill)).to.equal('login:alice');
      expect(issuer.asked('/jwks')).to.equal(2);
    });

    it('are not fetched for every unknown key id that someone thinks of', async () => {
      const waybill = extractorFor(issuer);
      await ask(waybill);
      for (let attempt = 0; attempt < 20; attempt += 1) {
        const token = await issuer.token({}, { kid: `guess-${attempt}` });
        await failure('token_key_unknown', () => ask(waybill, token), token);
      }
      expect(issuer.asked('/jwks')).to.equal(1);
    });

    it('are not fetched for a known key id with another algorithm', async () => {
      const waybill = extractorFor(issuer, { cooldown: 0 });
      await ask(waybill);
      const rsa = await makeSigner('RS256', issuer.signer.kid);
      await failure('token_algorithm', async () => ask(waybill, await tokenBy(rsa)));
      expect(issuer.asked('/jwks')).to.equal(1);
    });

    it('are refreshed beside a request from half their age on, and a withdrawn key ends', async () => {
      const waybill = extractorFor(issuer, { keysMaxAge: 1, cache: { tokens: 0 } });
      await ask(waybill);
      issuer.keys = [(await makeSigner('ES256', 'next')).publicJwk];
      await sleep(600);
      expect(await ask(waybill)).to.equal('login:alice');
      await until(() => issuer.asked('/jwks') === 2);
      await sleep(50);
      await failure('token_key_unknown', () => ask(waybill));
    });

    it('end with their age for a token in the cache too', async () => {
      let now = 1_800_000_000;
      const waybill = extractorFor(issuer, { keysMaxAge: 100, cooldown: 0, clock: () => now });
      const token = await issuer.token();
      await ask(waybill, token);
      issuer.keys = [(await makeSigner('ES256', 'next')).publicJwk];
      now += 99;
      expect(await ask(waybill, token)).to.equal('login:alice');
      now += 1;
      // Verified anew, on keys that jose still holds by the wall clock.
      expect(await ask(waybill, token)).to.equal('login:alice');
      const other = await issuer.token({}, { kid: 'other' });
      await failure('token_key_unknown', () => ask(waybill, other));
      now += 100;
      await failure('token_key_unknown', () => ask(waybill, token));
    });
  });

  describe('when the issuer publishes no usable one', () => {
    const unusable = ({ publicJwk }: Signer): readonly (readonly object[])[] => [
      [],
      [{ ...publicJwk, alg: undefined }],
      [{ ...publicJwk, use: 'enc' }],
      [{ ...publicJwk, x: 'AAAA' }],
      [{ ...unitRsa(), kid: publicJwk.kid, alg: 'RS256' }],
    ];

    it('stay in use, and a token with an unknown key gets the reason', async () => {
      const sets = unusable(issuer.signer);
      expect(sets).to.have.lengthOf(5);
      for (const keys of sets) {
        const waybill = extractorFor(issuer, { cooldown: 0, cache: { tokens: 0 } });
        issuer.keys = [issuer.signer.publicJwk];
        await ask(waybill);
        issuer.keys = [...keys] as JWK[];
        const other = await issuer.token({}, { kid: 'other' });
        const { detail } = await failure('issuer_metadata', () => ask(waybill, other), other);
        expect(detail).to.contain('publishes no usable key; the previous keys stay in use');
        expect(await ask(waybill), JSON.stringify(keys)).to.equal('login:alice');
      }
    });

    it('stay in use through a background refresh, and expire with their age', async () => {
      const waybill = extractorFor(issuer, { keysMaxAge: 3, cache: { tokens: 0 } });
      await ask(waybill);
      issuer.keys = [];
      await sleep(1600);
      expect(await ask(waybill)).to.equal('login:alice');
      await until(() => issuer.asked('/jwks') === 2);
      await sleep(50);
      expect(await ask(waybill)).to.equal('login:alice');
      await sleep(1500);
      await failure('issuer_metadata', () => ask(waybill));
    }).timeout(10_000);

    it('stay in use if the metadata no longer has a jwks_uri', async () => {
      const waybill = extractorFor(issuer, { cooldown: 0, cache: { tokens: 0 } });
      await ask(waybill);
      issuer.intercept = ({ url }, response) => {
        if (url === '/jwks') response.writeHead(404).end();
        return url === '/jwks';
      };
      const other = await issuer.token({}, { kid: 'other' });
      await failure('issuer_unavailable', () => ask(waybill, other), other);
      issuer.metadata = { jwks_uri: undefined };
      await sleep(1050); // the pause after a failure
      await failure('issuer_metadata', () => ask(waybill, other), other);
      expect(await ask(waybill)).to.equal('login:alice');
    });
  });

  describe('when the issuer is away', () => {
    const away = (_request: IncomingMessage, response: ServerResponse): boolean => {
      response.writeHead(500).end();
      return true;
    };

    it('are missed with issuer_unavailable, and found when it is back', async () => {
      issuer.intercept = away;
      const waybill = extractorFor(issuer);
      const error = await failure('issuer_unavailable', () => ask(waybill));
      expect(error.message).to.not.include(issuer.url);
      expect(error.detail).to.include('500');
      issuer.intercept = undefined;
      await failure('issuer_unavailable', () => ask(waybill)); // no second attempt within a second
      expect(issuer.requests).to.have.length(1);
      await sleep(1050);
      expect(await ask(waybill)).to.equal('login:alice');
    });

    it('are found by discovery anew where they have moved', async () => {
      const waybill = extractorFor(issuer, { cooldown: 0, cache: { tokens: 0 } });
      await ask(waybill);
      issuer.metadata = { jwks_uri: `${issuer.url}/moved` };
      issuer.intercept = ({ url }, response) => {
        if (url === '/moved') response.end(JSON.stringify({ keys: issuer.keys }));
        else if (url === '/jwks') response.writeHead(404).end();
        return url !== METADATA_PATH;
      };
      const next = await makeSigner('ES256', 'next');
      issuer.keys = [next.publicJwk];
      await failure('issuer_unavailable', async () => ask(waybill, await tokenBy(next)));
      await sleep(1050);
      expect(await ask(waybill, await tokenBy(next))).to.equal('login:alice');
    });

    it('are used on while they are young enough, even if a refresh fails', async () => {
      const waybill = extractorFor(issuer, { keysMaxAge: 2, cooldown: 0, cache: { tokens: 0 } });
      await ask(waybill);
      issuer.intercept = away;
      await failure('issuer_unavailable', async () => ask(waybill, await issuer.token({}, { kid: 'other' })));
      await sleep(1100);
      expect(await ask(waybill)).to.equal('login:alice');
      await sleep(1000);
      await failure('issuer_unavailable', () => ask(waybill));
    }).timeout(5000);

    it('are not waited for longer than the timeout', async () => {
      issuer.intercept = () => true; // never answers
      const waybill = extractorFor(issuer, { timeout: 100 });
      const began = performance.now();
      await failure('issuer_unavailable', () => ask(waybill));
      expect(performance.now() - began).to.be.lessThan(1000);
    });

    it('are not waited for where the answer trickles in', async () => {
      issuer.intercept = (_request, response) => response.writeHead(200).write('{"issuer":');
      await failure('issuer_unavailable', () => ask(extractorFor(issuer, { timeout: 100 })));
    });
  });

  describe('are refused where', () => {
    async function refused(code: 'issuer_metadata' | 'issuer_unavailable', detail: RegExp): Promise<void> {
      const error = await failure(code, () => ask(extractorFor(issuer)));
      expect(error.detail).to.match(detail);
    }

    it('the metadata is for another issuer, a slash at the end included', async () => {
      for (const other of ['https://evil.example', `${issuer.url}/`, undefined]) {
        issuer.metadata = { issuer: other };
        await refused('issuer_metadata', /another issuer/);
      }
      expect(issuer.asked('/jwks')).to.equal(0);
    });

    it('jwks_uri is neither https nor on loopback', async () => {
      for (const address of [
        'http://keys.example/jwks',
        'file:///etc/passwd',
        'http://127.0.0.1@evil.example/',
        7,
      ]) {
        issuer.metadata = { jwks_uri: address };
        await refused('issuer_metadata', /jwks_uri/);
      }
    });

    it('the metadata redirects, and the redirect is not followed', async () => {
      const elsewhere = await startCallee();
      issuer.intercept = (_request, response) => {
        response.writeHead(302, { location: elsewhere }).end();
        return true;
      };
      await refused('issuer_unavailable', /302/);
    });

    it('the key set redirects, and the redirect is not followed', async () => {
      let followed = false;
      const elsewhere = await listen((_request, response) => {
        followed = true;
        response.end(JSON.stringify({ keys: issuer.keys }));
      });
      issuer.intercept = (request, response) => {
        if (request.url === '/jwks') response.writeHead(307, { location: elsewhere }).end();
        return request.url === '/jwks';
      };
      await refused('issuer_unavailable', /307/);
      expect(followed).to.equal(false);
    });

    it('the metadata or the key set is UTF-16, which the error names', async () => {
      for (const path of ['/jwks', '/.well-known/oauth-authorization-server']) {
        issuer.intercept = (request, response) => {
          if (request.url === path) response.end(Buffer.from('{}', 'utf16le'));
          return request.url === path;
        };
        await refused('issuer_metadata', /did not answer in JSON: it is UTF-16/);
      }
    });

    it('the key set is over 256 KiB', async () => {
      issuer.keys = [{ ...issuer.signer.publicJwk, x5c: ['x'.repeat(256 * 1024)] }];
      await refused('issuer_metadata', /262144/);
    });

    it('the metadata never ends', async () => {
      issuer.intercept = (_request, response) => {
        response.on('drain', () => response.write('x'.repeat(65_536)));
        while (response.write('x'.repeat(65_536)));
        return true;
      };
      await refused('issuer_metadata', /262144/);
    });

    it('the key set has over 100 keys', async () => {
      issuer.keys = Array.from({ length: 101 }, (_, index) => ({
        ...issuer.signer.publicJwk,
        kid: `k${index}`,
      }));
      await refused('issuer_metadata', /101/);
    });

    it('the key set has a symmetric or private key', async () => {
      for (const key of [
        { kty: 'oct', k: 'AAAA', alg: 'HS256', kid: 'h' },
        { ...issuer.signer.publicJwk, d: 'AAAA' },
      ]) {
        issuer.keys = [issuer.signer.publicJwk, key];
        await refused('issuer_metadata', /private or symmetric/);
      }
    });

    it('the key set is no JSON', async () => {
      issuer.intercept = (request, response) => {
        if (request.url === '/jwks') response.end('<html>');
        return request.url === '/jwks';
      };
      await refused('issuer_metadata', /JSON/);
    });

    it('a key is one with which anyone can sign: it is ignored, and the others serve', async () => {
      const weak = { ...unitRsa(), kid: 'weak', alg: 'RS256' } as JWK;
      issuer.keys = [issuer.signer.publicJwk, weak];
      const [, payload] = (await issuer.token()).split('.');
      const header = base64url(JSON.stringify({ alg: 'RS256', typ: 'at+jwt', kid: 'weak' }));
      const input = `${header}.${payload}`;
      const forged = `${input}.${pkcs1Padded(input).toString('base64url')}`;
      const waybill = extractorFor(issuer);
      await failure('token_key_unknown', () => ask(waybill, forged), forged);
      expect(await ask(waybill)).to.equal('login:alice');
    });

    it('a key has no alg or no kid: an issuer of ours always writes both', async () => {
      const { alg, kid, ...members } = issuer.signer.publicJwk;
      const other = (await makeSigner('ES256', 'other')).publicJwk;
      for (const key of [{ ...members, kid }, { ...members, alg }, members]) {
        issuer.keys = [key as JWK, other];
        await failure('token_key_unknown', () => ask(extractorFor(issuer)));
      }
    });

    it('a key is no point of its curve', async () => {
      issuer.keys = [{ ...issuer.signer.publicJwk, x: 'AAAA' }];
      await failure('issuer_metadata', () => ask(extractorFor(issuer)));
    });
  });
});

async function until(condition: () => boolean): Promise<void> {
  for (let waited = 0; !condition(); waited += 10) {
    if (waited > 1500) throw new Error('waited too long');
    await sleep(10);
  }
}
