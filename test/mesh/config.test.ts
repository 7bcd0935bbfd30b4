/** The configuration of a sidecar, from a file and from variables. */
import { readFileSync } from 'node:fs';

import { expect } from 'chai';

import { readConfig, readSourceTrust, sidecarOptions } from '../../src/mesh/index.ts';
import { isWaybillError } from '../../src/errors.ts';
import { removeScratch, scratchFile } from '../support/files.ts';
import { sealKeyPair } from '../support/keys/seal-keys.ts';

interface Described {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Described>>;
}

const GOOD = `
issuer: https://tokens.shop.example
audience: https://stock.shop.example
caller: none
`;

describe('The configuration of a sidecar', () => {
  after(removeScratch);

  const read = (text: string | undefined, environment: Record<string, string> = {}) =>
    readConfig(text === undefined ? undefined : scratchFile('sidecar.yaml', text), environment);
  const messageOf = (run: () => unknown): string => {
    try {
      run();
    } catch (error) {
      if (isWaybillError(error, 'usage')) return error.message;
      throw error;
    }
    return 'nothing was thrown';
  };

  it('is YAML or JSON', () => {
    const { config } = read(GOOD);
    expect(config).to.deep.equal({
      issuer: 'https://tokens.shop.example',
      audience: 'https://stock.shop.example',
      caller: 'none',
    });
    expect(read(JSON.stringify(config)).config).to.deep.equal(config);
  });

  it('has the keys of its service in a file or in a variable, and not in both', async () => {
    const { privateJwk } = await sealKeyPair('k');
    const text = JSON.stringify({ keys: [privateJwk] });
    const file = scratchFile('decryption.jwks', text);
    const optionsOf = (more: string, environment: Record<string, string> = {}) =>
      sidecarOptions(read(GOOD + more).config, environment).extractor;
    expect(optionsOf(`decryption_file: ${file}\nseal: require\n`)).to.deep.include({
      decryption: { keys: [privateJwk] },
      seal: 'require',
    });
    const { decryption } = optionsOf('decryption_env: KEYS', { KEYS: text });
    expect(decryption).to.deep.equal({ keys: [privateJwk] });
    expect(messageOf(() => optionsOf('decryption_env: KEYS'))).to.match(/the variable KEYS is not set/);
    expect(messageOf(() => optionsOf(`decryption_file: ${file}\ndecryption_env: K`))).to.match(/not both/);
    const broken = messageOf(() => optionsOf('decryption_env: KEYS', { KEYS: `{${text}` }));
    expect(broken)
      .to.match(/the variable KEYS cannot be read/)
      .and.not.include(privateJwk['d']);
  });

  it('comes from variables too, which count before the file', () => {
    const variables = {
      WAYBILL_ISSUER: 'https://tokens.shop.example',
      WAYBILL_AUDIENCE: 'https://stock.shop.example',
      WAYBILL_CALLER: 'mtls',
      WAYBILL_CLIENT_CERT_HEADER: 'x-forwarded-client-cert',
      WAYBILL_CLIENT_CERT_FROM: '127.0.0.1, 10.0.0.0/8',
      WAYBILL_REVOCATION_MAX_AGE: '7',
      WAYBILL_CLAIMS_HEADER: 'true',
    };
    expect(read(undefined, variables).config).to.deep.equal({
      issuer: 'https://tokens.shop.example',
      audience: 'https://stock.shop.example',
      caller: 'mtls',
      client_cert: { header: 'x-forwarded-client-cert', from: ['127.0.0.1', '10.0.0.0/8'] },
      revocation_max_age: 7,
      claims_header: true,
    });
    const more = `client_cert: { header: client-cert, from: [::1] }`;
    expect(read(GOOD + more, { WAYBILL_CLIENT_CERT_FROM: '10.1.1.1' }).config.client_cert).to.deep.equal({
      header: 'client-cert',
      from: ['10.1.1.1'],
    });
  });

  it('trusts the source of a question as variables say, too', () => {
    const { config } = read(`${GOOD}grpc: 127.0.0.1:9192`, {
      WAYBILL_CLIENT_CERT_SOURCE: 'certificate',
      WAYBILL_CLIENT_CERT_FROM: '127.0.0.1,10.1.0.0/16',
    });
    const trust = readSourceTrust(config);
    expect(trust?.source).to.equal('certificate');
    const trusted = ['127.0.0.1', '10.1.2.3', '10.2.0.1'].filter((address) => trust?.from.has(address));
    expect(trusted).to.deep.equal(['127.0.0.1', '10.1.2.3']);
    expect(sidecarOptions(config, {}).extractor).to.include({
      clientCertHeader: undefined,
      clientCertFrom: undefined,
    });
  });

  it('is refused with the nearest key, and without the value', () => {
    const wrong: readonly (readonly [string, RegExp])[] = [
      [`${GOOD}revokation: none`, /no key `revokation`. Did you mean revocation\?/],
      [`${GOOD}budget: { inbund: 1 }`, /budget has no key `inbund`. Did you mean inbound\?/],
      [
        `${GOOD}credentials: { client_id: a, secret: hunter2 }`,
        /credentials has no key `secret`. Known: client_id, /,
      ],
      [`${GOOD}caller: tls`, /line 5 .*duplicated/],
      [GOOD.replace('none', 'tls'), /caller must be one of mtls, none/],
      [GOOD.replace(/audience.*/, ''), /lacks the key `audience`, and WAYBILL_AUDIENCE is not set\.$/],
      [`${GOOD}check: '9191'`, /check must match pattern/],
      [`${GOOD}max_requests: many`, /max_requests must be integer/],
      ['- a', /must be a mapping/],
      ['a: &x [1]\nb: *x', /alias/],
      ['"\\', /is not YAML/],
    ];
    for (const [text, says] of wrong)
      expect(
        messageOf(() => read(text)),
        text,
      ).to.match(says);
    expect(messageOf(() => read(wrong[2]?.[0]))).not.to.contain('hunter2');
    expect(messageOf(() => read(GOOD, { WAYBILL_MAX_REQUESTS: 'many' }))).to.match(/must be integer/);
    expect(messageOf(() => readConfig('/nowhere/sidecar.yaml', {}))).to.match(/cannot be read \(ENOENT\)/);
    expect(messageOf(() => read(undefined))).to.match(
      /^The configuration: it lacks the key `issuer`, and WAYBILL_ISSUER is not set\.$/,
    );
  });

  it('names variables that mean nothing, which an orchestrator may have set', () => {
    const { ignored } = read(GOOD, { WAYBILL_CALER: 'mtls', WAYBILL_SERVICE_HOST: '10.0.0.1', PATH: '/bin' });
    expect(ignored).to.deep.equal(['WAYBILL_CALER. Did you mean WAYBILL_CALLER?', 'WAYBILL_SERVICE_HOST.']);
  });

  it('takes secrets from a file or a variable alone', () => {
    const credentials = (more: string) => read(`${GOOD}credentials: { client_id: stock, ${more} }`).config;
    const fromEnv = sidecarOptions(credentials('secret_env: S'), { S: 'a secret' });
    expect(fromEnv.extractor.credentials).to.deep.equal({ clientId: 'stock', secret: 'a secret' });
    const file = scratchFile('secret', 'another secret\n');
    const fromFile = sidecarOptions(credentials(`secret_file: '${file}', method: client_secret_post`), {});
    expect(fromFile.extractor.credentials).to.deep.equal({
      clientId: 'stock',
      method: 'client_secret_post',
      secret: 'another secret',
    });
    expect(messageOf(() => sidecarOptions(credentials('secret_env: S'), {}))).to.match(
      /variable S is not set/,
    );
    const both = credentials(`secret_env: S, secret_file: '${file}'`);
    expect(messageOf(() => sidecarOptions(both, { S: 'x' }))).to.match(/not both/);
    const gone = credentials('secret_file: /nowhere/secret');
    expect(messageOf(() => sidecarOptions(gone, {}))).to.match(/ENOENT/);
  });

  it('is accepted as the how-to shows it', () => {
    const page = readFileSync(new URL('../../docs/how-to/use-the-sidecar.md', import.meta.url), 'utf8');
    const blocks = [...page.matchAll(/```yaml\n(issuer:.*?)```/gs)].map(([, block = '']) => block);
    expect(blocks.length).to.be.at.least(2);
    for (const block of blocks) expect(() => read(block), block).not.to.throw();
  });

  it('has a schema whose every key says what it means', () => {
    const text = readFileSync(new URL('../../schemas/sidecar.schema.json', import.meta.url), 'utf8');
    const undescribed = ({ description = '', properties = {} }: Described, name: string): string[] => [
      ...(description.endsWith('.') ? [] : [name]),
      ...Object.entries(properties).flatMap(([key, below]) => undescribed(below, `${name}.${key}`)),
    ];
    expect(undescribed(JSON.parse(text) as Described, 'schema')).to.deep.equal([]);
  });
});
