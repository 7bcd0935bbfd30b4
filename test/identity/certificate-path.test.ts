/** From a certificate to an authority of a bundle, over intermediates: what holds, and each thing that breaks it. */
import { spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { expect } from 'chai';

import { MAX_INTERMEDIATES, pathFault } from '../../src/identity/index.ts';
import { readDetails } from '../../src/identity/certificate-details.ts';
import { readDer } from '../../src/identity/der.ts';
import { testCa, type CertificateNames, type Identity, type TestCa } from '../support/keys/certificates.ts';
import { ed25519Jwk, keyOf, lowOrderEncodings, rsaWith, unitRsa } from '../support/keys/weak-keys.ts';

const NOW = Date.UTC(2026, 0, 1) / 1000;
const ID: CertificateNames = { uris: ['spiffe://shop.example/till'] };

/** The certificates of a PEM text. */
const read = (pem: string): X509Certificate[] =>
  (pem.match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g) ?? []).map(
    (block) => new X509Certificate(block),
  );

function parsed(der: Buffer): X509Certificate | undefined {
  try {
    return new X509Certificate(der);
  } catch {
    return undefined;
  }
}

function fault(identity: Identity, authorities: readonly TestCa[], now = NOW): string | undefined {
  const [certificate, ...intermediates] = read(identity.chain);
  if (certificate === undefined) throw new Error('no certificate');
  return pathFault(
    { certificate, intermediates },
    authorities.map((authority) => authority.certificate),
    now,
  );
}

describe('the path from a certificate to an authority', () => {
  const root = testCa('root');
  const upper = root.authority({ commonName: 'upper' });
  const lower = upper.authority({ commonName: 'lower' });

  it('RFC 5280 section 6.1: leads over the intermediates that came along, in any order', () => {
    for (const authority of [root, upper, lower]) {
      expect(fault(authority.issue(ID), [root]), authority.certificate.subject).to.equal(undefined);
    }
    const { certificate, chain } = lower.issue(ID);
    const [, ...intermediates] = read(chain);
    const shuffled = [
      testCa('stranger').certificate,
      ...intermediates.reverse(),
      testCa('another').certificate,
    ];
    expect(pathFault({ certificate, intermediates: shuffled }, [root.certificate], NOW)).to.equal(undefined);
  });

  it('may end at an authority that is not the uppermost, if the bundle has that one', () => {
    expect(fault({ ...lower.issue(ID), chain: lower.issue(ID).cert }, [lower])).to.equal(undefined);
    const { certificate } = lower.issue(ID);
    expect(pathFault({ certificate, intermediates: [] }, [lower.certificate], NOW)).to.equal(undefined);
  });

  it('finds the one of two intermediates of one name and key that leads to the bundle', () => {
    const stranger = testCa('stranger');
    const { certificate } = lower.issue(ID);
    const [astray, twin] = [stranger.certify(lower), stranger.authority({ commonName: 'lower' }).certificate];
    const intermediates = [twin, astray, lower.certificate, upper.certificate];
    expect(pathFault({ certificate, intermediates }, [root.certificate], NOW)).to.equal(undefined);
    expect(pathFault({ certificate, intermediates }, [stranger.certificate], NOW)).to.equal(undefined);
  });

  it('needs every step: a missing intermediate, or one that only has the name, leads nowhere', () => {
    const { certificate, chain } = lower.issue(ID);
    const [, own, above] = read(chain);
    const twin = root.authority({ commonName: 'lower' }).certificate;
    for (const intermediates of [[], [own], [above], [twin], [twin, above]]) {
      const given = intermediates.filter((one) => one !== undefined);
      expect(pathFault({ certificate, intermediates: given }, [root.certificate], NOW)).to.match(
        /no authority/,
      );
    }
    expect(fault(lower.issue(ID), [testCa('root')])).to.match(/no authority/);
    expect(fault(lower.issue(ID), [])).to.match(/no authority/);
  });

  it('RFC 5280 section 4.2.1.9: leads over authorities alone', () => {
    const posing = root.authority({ commonName: 'posing', isAuthority: false });
    expect(fault(posing.issue(ID), [root])).to.be.a('string');
    const silent = root.authority({ commonName: 'silent', isAuthority: false, keyUsage: ['keyCertSign'] });
    expect(fault(silent.issue(ID), [root])).to.match(/no authority/);
    // A workload's own certificate, which would sign for another workload.
    const worker = root.authority({
      commonName: 'worker',
      isAuthority: false,
      ...ID,
      keyUsage: ['digitalSignature'],
    });
    expect(fault(worker.issue(ID), [root])).to.be.a('string');
  });

  it('X.509-SVID section 4.3: an intermediate has the key usage keyCertSign', () => {
    expect(fault(root.authority({ commonName: 'a', keyUsage: 'none' }).issue(ID), [root])).to.match(
      /keyCertSign/,
    );
    const other = root.authority({ commonName: 'a', keyUsage: ['cRLSign', 'digitalSignature'] });
    expect(fault(other.issue(ID), [root])).to.be.a('string');
  });

  it('X.509-SVID section 4.3: the certificate itself has digitalSignature, and signs nothing', () => {
    expect(fault(root.issue({ ...ID, keyUsage: 'none' }), [root])).to.match(/digitalSignature/);
    expect(fault(root.issue({ ...ID, keyUsage: [] }), [root])).to.match(/digitalSignature/);
    for (const usage of ['keyCertSign', 'cRLSign'] as const) {
      const mixed = root.issue({ ...ID, keyUsage: ['digitalSignature', usage] });
      expect(fault(mixed, [root]), usage).to.match(/an authority/);
    }
    expect(fault(root.issue({ ...ID, isAuthority: true }), [root])).to.match(/an authority/);
  });

  it('X.509-SVID section 4.4: is for clients, where purposes are named', () => {
    expect(fault(root.issue({ ...ID, purposes: ['server', 'client'] }), [root])).to.equal(undefined);
    expect(fault(root.issue({ ...ID, purposes: ['server'] }), [root])).to.match(/not for clients/);
    const servers = root.authority({ commonName: 'servers', purposes: ['server'] });
    expect(fault(servers.issue(ID), [root])).to.match(/not for clients/);
  });

  it('RFC 5280 section 4.1.2.5: is valid now at every step', () => {
    const over = '20251231000000Z';
    const soon = '20260102000000Z';
    expect(fault(root.issue({ ...ID, notAfter: over }), [root])).to.match(/not valid now/);
    expect(fault(root.issue({ ...ID, notBefore: soon }), [root])).to.match(/not valid now/);
    for (const when of [{ notAfter: over }, { notBefore: soon }]) {
      expect(fault(root.authority({ commonName: 'a', ...when }).issue(ID), [root])).to.match(/not valid now/);
      const bundle = testCa('brief', when);
      expect(fault(bundle.issue(ID), [bundle])).to.match(/not valid now/);
    }
    const brief = root.authority({ commonName: 'a', notAfter: '20260101000000Z' });
    expect(fault(brief.issue(ID), [root], NOW - 1)).to.equal(undefined);
    expect(fault(brief.issue(ID), [root], NOW)).to.match(/not valid now/);
  });

  it('RFC 5280 section 4.2.1.9: is no longer than each authority on it allows', () => {
    const none = testCa('none', { pathLength: 0 });
    expect(fault(none.issue(ID), [none])).to.equal(undefined);
    expect(fault(none.authority({ commonName: 'a' }).issue(ID), [none])).to.match(/longer/);
    const one = testCa('one', { pathLength: 1 });
    const below = one.authority({ commonName: 'a', pathLength: 0 });
    expect(fault(below.issue(ID), [one])).to.equal(undefined);
    expect(fault(below.authority({ commonName: 'b' }).issue(ID), [one])).to.match(/longer/);
    const open = one.authority({ commonName: 'c' });
    expect(fault(open.authority({ commonName: 'd' }).issue(ID), [one])).to.match(/longer/);
  });

  it('RFC 5280 section 4.2.1.9: an authority that renews itself does not count', () => {
    const one = testCa('same', { pathLength: 0 });
    const renewed = one.authority({ commonName: 'same' });
    expect(fault(renewed.issue(ID), [one])).to.equal(undefined);
  });

  it('RFC 5280 section 4.2.1.10: stays within the hosts of URIs that an authority may name', () => {
    const cases: readonly (readonly [CertificateNames, boolean])[] = [
      [{ permittedHosts: ['shop.example'] }, true],
      [{ permittedHosts: ['other.example', 'shop.example'] }, true],
      [{ permittedHosts: ['other.example'] }, false],
      [{ permittedHosts: ['.example'] }, true],
      [{ permittedHosts: ['.shop.example'] }, false],
      [{ permittedHosts: ['op.example'] }, false],
      [{ excludedHosts: ['shop.example'] }, false],
      [{ excludedHosts: ['other.example'] }, true],
      [{ permittedHosts: ['.example'], excludedHosts: ['shop.example'] }, false],
      [{ permittedDns: ['shop.example'] }, false],
    ];
    for (const [constraint, holds] of cases) {
      const bound = root.authority({ commonName: 'bound', ...constraint });
      const said = JSON.stringify(constraint);
      expect(fault(bound.issue(ID), [root]) === undefined, said).to.equal(holds);
      const deeper = bound.authority({ commonName: 'deeper' });
      expect(fault(deeper.issue(ID), [root]) === undefined, said).to.equal(holds);
    }
    const many = Array.from({ length: 200 }, (_, index) => `spiffe://shop.example/${index}`);
    const open = root.authority({ commonName: 'bound', permittedHosts: ['shop.example'] });
    expect(fault(open.issue({ uris: many.slice(0, 16) }), [root])).to.equal(undefined);
    expect(fault(open.issue({ uris: many }), [root])).to.match(/forbids/);
    const bound = root.authority({ commonName: 'bound', permittedHosts: ['shop.example'] });
    const foreign = bound.authority({ commonName: 'deeper', uris: ['spiffe://other.example'] });
    expect(fault(foreign.issue(ID), [root])).to.match(/forbids/);
    expect(fault(bound.issue({ uris: ['urn:x'] }), [root])).to.match(/forbids/);
  });

  it('RFC 5280 section 4.2: has no critical extension that is not understood', () => {
    const critical = '2a0304';
    expect(fault(root.issue({ ...ID, critical }), [root])).to.match(/not understood/);
    expect(fault(root.authority({ commonName: 'a', critical }).issue(ID), [root])).to.match(/not understood/);
  });

  it('has strong keys and signatures at every step', () => {
    const weak = root.authority({ commonName: 'weak', rsa: 1024 });
    expect(fault(weak.issue(ID), [root])).to.match(/too weak/);
    expect(fault(root.issue({ ...ID, rsa: 1024 }), [root])).to.match(/too weak/);
    for (const jwk of [unitRsa(), rsaWith('Ag'), ...lowOrderEncodings().map(ed25519Jwk)]) {
      const publicKey = keyOf(jwk).export({ type: 'spki', format: 'der' });
      expect(fault(root.issue({ ...ID, publicKey }), [root])).to.match(/too weak/);
    }
    const strong = root.authority({ commonName: 'strong', rsa: 2048 });
    expect(fault(strong.issue(ID), [root])).to.equal(undefined);
    expect(fault(strong.issue({ ...ID, hash: 'sha1' }), [root])).to.match(/not understood/);
    expect(fault(root.issue({ ...ID, hash: 'sha1' }), [root])).to.match(/not understood/);
  });

  it('is bounded in certificates, however many come along', () => {
    let authority = root;
    for (let step = 0; step < MAX_INTERMEDIATES; step += 1) {
      authority = authority.authority({ commonName: `step ${step}` });
    }
    expect(fault(authority.issue(ID), [root])).to.equal(undefined);
    expect(fault(authority.authority({ commonName: 'one more' }).issue(ID), [root])).to.match(/more than 4/);
    const long = root.authority({ commonName: 'long', uris: [`https://a.example/${'a'.repeat(40_000)}`] });
    expect(fault(long.issue(ID), [root])).to.match(/bytes/);
  });
});

describe('what is read of a certificate', () => {
  it('is bent in every byte, and never more than refused', () => {
    const root = testCa('root');
    const above = root.authority({ commonName: 'above', permittedHosts: ['shop.example'], pathLength: 1 });
    const { certificate } = above.issue(ID);
    let read = 0;
    for (const [original, isLeaf] of [
      [certificate, true],
      [above.certificate, false],
    ] as const) {
      for (let at = 0; at < original.raw.length; at += 1) {
        for (const bits of [0x01, 0x80, 0xff]) {
          const bytes = Buffer.from(original.raw);
          bytes[at] = (bytes[at] ?? 0) ^ bits;
          const bent = parsed(bytes);
          if (bent === undefined) continue;
          read += 1;
          const path = isLeaf
            ? { certificate: bent, intermediates: [above.certificate] }
            : { certificate, intermediates: [bent] };
          const said = pathFault(path, [root.certificate], NOW);
          // OpenSSL reads an unsigned byte or two in more than one way; whatever it takes must be signed as it stands.
          const isSigned = bent.verify((isLeaf ? above : root).certificate.publicKey);
          expect(said !== undefined || isSigned).to.equal(true);
        }
      }
    }
    expect(read).to.be.above(1_000);
  });

  it('X.690 section 10.1: is DER, each length in its shortest form', () => {
    const values = (hex: string) => readDer(Buffer.from(hex, 'hex'))?.map(({ content }) => content.length);
    expect(values('')).to.deep.equal([]);
    expect(values('0500020101')).to.deep.equal([0, 1]);
    expect(values(`0481${'80'}${'00'.repeat(128)}`)).to.deep.equal([128]);
    for (const hex of [
      '05',
      '0501',
      '048001',
      '04810101',
      '0482000101',
      '0480000000',
      '1f0100',
      '04850000000001',
    ])
      expect(values(hex), hex).to.equal(undefined);
  });

  it('is nothing where an extension stands twice', () => {
    const { certificate } = testCa().issue({ critical: '551d13' });
    expect(readDetails(certificate)).to.equal(undefined);
  });

  it('is what OpenSSL wrote', function () {
    const folder = mkdtempSync(path.join(tmpdir(), 'openssl-'));
    try {
      const file = path.join(folder, 'c.pem');
      const config = path.join(folder, 'c.cnf');
      writeFileSync(
        config,
        '[req]\ndistinguished_name=dn\nx509_extensions=e\nprompt=no\n[dn]\nCN=root\n[e]\n' +
          'basicConstraints=critical,CA:TRUE,pathlen:3\nkeyUsage=critical,keyCertSign,cRLSign\n' +
          'nameConstraints=critical,permitted;URI:.shop.example,excluded;URI:bad.shop.example\n',
      );
      for (const key of [
        ['-newkey', 'rsa:2048'],
        ['-newkey', 'rsa:2048', '-sigopt', 'rsa_padding_mode:pss'],
        ['-newkey', 'ed25519'],
      ]) {
        const { error, status, stderr } = spawnSync('openssl', [
          ...['req', '-x509', ...key, '-nodes', '-keyout', path.join(folder, 'k.pem'), '-out', file],
          ...['-config', config, '-days', '1'],
        ]);
        if (error) this.skip();
        expect(status, stderr.toString()).to.equal(0);
        expect(readDetails(new X509Certificate(readFileSync(file))), key.join(' ')).to.deep.equal({
          keyUsage: new Set(['keyCertSign', 'cRLSign']),
          pathLength: 3,
          uriHosts: { permitted: ['.shop.example'], excluded: ['bad.shop.example'] },
        });
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
