import { truncateSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { expect } from 'chai';

import { removeScratch, scratchFile, scratchFolder } from '../../support/files.ts';
import { run } from '../../support/program.ts';

const graphs = fileURLToPath(new URL('../../../graphs/', import.meta.url));

/** The first file of a graph: everything but `mail`. */
const SHOP = `waybill: 1
name: shop
vars: { domain: shop.example }
issuer: { url: 'https://tokens.\${domain}' }
defaults: { audience: 'https://{name}.\${domain}', headers: { profile: node }, caller: mtls }
clients:
  web:
    auth: { method: client_secret_basic, secret_env: WEB_SECRET }
    calls: { orders: [place] }
services:
  orders: { scopes: { place: { calls: { mail: [send] } } } }
`;
const MAIL = `waybill: 1
services:
  mail: { scopes: { send: {} } }
`;
const WARNING = '  idle: { scopes: { rest: {} } }\n';

interface Report {
  readonly ok: boolean;
  readonly digest: string | null;
  readonly findings: readonly Readonly<Record<string, unknown>>[];
}

async function checkJson(...args: string[]): Promise<Report & { code: number | null }> {
  const { code, stdout } = await run(['check', '--json', ...args]);
  return { ...(JSON.parse(stdout) as Report), code };
}

describe('waybill check', () => {
  after(removeScratch);

  it('a graph without errors: exit 0, and a summary', async () => {
    const { code, stdout, stderr } = await run(['check', `${graphs}online-boutique.yaml`]);
    expect([code, stderr]).to.deep.equal([0, '']);
    expect(stdout).to.match(/^✓ online-boutique: 2 clients, 11 services, 25 scopes/);
  });

  it('a graph with an error: exit 1, with place, line, mark, message and hint', async () => {
    const file = scratchFile('shop.yaml', SHOP);
    const { code, stdout } = await run(['check', file]);
    expect(code).to.equal(1);
    const line = SHOP.split('\n').findIndex((text) => text.includes('mail')) + 1;
    const column = (SHOP.split('\n')[line - 1] as string).indexOf('mail') + 1;
    expect(stdout).to.contain(`${file}:${line}:${column}  error  unknown-service\n`);
    expect(stdout).to.contain(`   ${line} |   orders: { scopes: { place: { calls: { mail: [send] } } } }\n`);
    expect(stdout).to.contain(`\n${' '.repeat(8 + column - 1)}^\n`);
    expect(stdout).to.match(/1 error, 0 warnings\. More about it: waybill explain unknown-service\n$/);
    expect(stdout).to.not.contain('✓');
  });

  it('refers to the code of an error, even if a warning comes first', async () => {
    const { stdout } = await run([
      'check',
      scratchFile('shop.yaml', `${SHOP.replace('vars: {', 'vars: { idle: x,')}`),
    ]);
    expect(stdout).to.contain('unused-variable');
    expect(stdout).to.match(/More about it: waybill explain unknown-service\n$/);
  });

  it('--json prints exactly ok, digest, findings, leftOut and accepted, and for each finding exactly code, severity, place, message, hint and further places', async () => {
    const file = scratchFile('shop.yaml', SHOP);
    const { code, ok, findings, ...rest } = await checkJson(file);
    expect({ code, ok, rest }).to.deep.equal({
      code: 1,
      ok: false,
      rest: { digest: null, leftOut: [], accepted: [] },
    });
    expect(findings).to.have.lengthOf(1);
    const [finding] = findings;
    expect(Object.keys(finding ?? {})).to.deep.equal([
      'code',
      'severity',
      'file',
      'line',
      'column',
      'message',
      'hint',
      'places',
    ]);
    expect(finding?.['places']).to.deep.equal([]);
    expect(finding).to.deep.include({ code: 'unknown-service', severity: 'error', file, line: 11 });
    expect(finding?.['message']).to.match(/mail/);
    expect(finding?.['hint']).to.be.a('string').and.not.equal('');
  });

  it('--json of a graph without errors has ok and no findings', async () => {
    const { digest, ...rest } = await checkJson(`${graphs}hotrod.yaml`);
    expect(digest).to.match(/^[0-9a-f]{64}$/);
    expect(rest).to.deep.equal({
      code: 0,
      ok: true,
      findings: [],
      leftOut: [],
      accepted: [],
    });
  });

  it('a warning is exit 0, and exit 1 with --strict', async () => {
    const file = scratchFile('shop.yaml', SHOP + MAIL.split('\n').slice(2).join('\n') + WARNING);
    const lax = await checkJson(file);
    expect([lax.code, lax.ok]).to.deep.equal([0, true]);
    expect(lax.findings.map(({ severity }) => severity))
      .to.include('warning')
      .and.not.include('error');
    const strict = await checkJson('--strict', file);
    expect([strict.code, strict.ok]).to.deep.equal([1, false]);
    expect(strict.findings).to.deep.equal(lax.findings);
    expect((await run(['check', '--strict', `${graphs}hotrod.yaml`])).code).to.equal(0);
  });

  it('several files, or their folder, are one graph', async () => {
    const folder = scratchFolder();
    const files = [scratchFile('shop.yaml', SHOP, folder), scratchFile('teams/mail.yml', MAIL, folder)];
    expect((await checkJson(...files)).ok).to.equal(true);
    expect((await checkJson(folder)).ok).to.equal(true);
    expect((await checkJson(files[0] as string)).ok).to.equal(false);
  });

  it('--var replaces a value, and may be repeated', async () => {
    const twice = SHOP.replace('vars: {', 'vars: { port: "", ').replace(
      'tokens.${domain}',
      'tokens.${domain}${port}',
    );
    const file = scratchFile('shop.yaml', twice + MAIL.split('\n').slice(2).join('\n'));
    const { code, stdout } = await run([
      'plan',
      file,
      '--client',
      'web',
      '--scope',
      'place',
      '--json',
      '--var',
      'domain=stage.example',
      '--var',
      'port=:8443',
    ]);
    expect(code).to.equal(0);
    expect(JSON.parse(stdout).root.audience).to.equal('https://orders.stage.example');
    const unknown = await checkJson(file, '--var', 'domian=x.example');
    expect([unknown.code, unknown.findings[0]?.['code']]).to.deep.equal([1, 'undefined-variable']);
    expect(unknown.findings[0]?.['hint']).to.contain('domain');
  });

  it('--var without a value is wrong use', async () => {
    for (const value of ['domain', '=x']) {
      const { code, stderr } = await run(['check', `${graphs}hotrod.yaml`, '--var', value]);
      expect(code).to.equal(2);
      expect(stderr).to.contain('Use the form name=value.');
    }
  });

  it('a path that does not exist, an empty folder and a broken file are findings', async () => {
    const broken = scratchFile('broken.yaml', 'waybill: 1\nclients: {\n');
    for (const [path, code] of [
      ['/nowhere/graph.yaml', 'file-unreadable'],
      [scratchFolder(), 'no-files'],
      [broken, 'yaml-syntax'],
    ] as const) {
      const report = await checkJson(path);
      expect([report.code, report.findings[0]?.['code']]).to.deep.equal([1, code]);
      expect(report.findings[0]?.['message']).to.be.a('string').and.not.equal('');
    }
  });

  it('names a file that cannot be read without a line and a column, and says what to do', async () => {
    const missing = await run(['check', '/nowhere/graph.yaml']);
    expect(missing.code).to.equal(1);
    expect(missing.stdout).to.match(/^\/nowhere\/graph\.yaml {2}error {2}file-unreadable\n/);
    expect(missing.stdout).to.include('/nowhere/graph.yaml cannot be read (ENOENT).');
    expect(missing.stdout).to.include('No such file. Check the path; it counts from the current folder.');
    const large = scratchFile('large.yaml', '');
    truncateSync(large, 17 * 1024 * 1024);
    const refused = await run(['check', large]);
    expect(refused.stdout.startsWith(`${large}  error  file-too-large\n`), refused.stdout).to.equal(true);
  });

  it('--help lists the choices of --format once', async () => {
    const { stdout } = await run(['check', '--help']);
    expect(stdout.match(/"github"/g)).to.have.lengthOf(1);
    expect(stdout).to.not.include('text; json');
  });

  it('escapes control characters of a name in text and JSON', async () => {
    const evil = 'evil\\e[2J\\x9b31m\\u202e';
    const file = scratchFile('shop.yaml', SHOP.replace('mail: [send]', `"${evil}": [send]`));
    const raw = scratchFile('\u001b[31mname\u009b.yaml', `# \u001b[2J\u009b31m\n${SHOP}`);
    for (const args of [
      ['check', file],
      ['check', '--json', file],
      ['check', raw],
      ['check', '--json', raw],
    ]) {
      const { stdout } = await run(args);

      expect(stdout).to.not.match(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    }
  });

  describe('with variables', () => {
    const graph = `${SHOP.replace('{ domain: shop.example }', '{ domain: { required: true }, to: { one_of: [mail, post, idle], default: mail } }').replace('mail: [send]', "'${to}': [send]")}  mail: { scopes: { send: {} } }
  post: { scopes: { rest: {} } }
`;

    it('takes values from files, a later one before an earlier one, and --var before all', async () => {
      const file = scratchFile('shop.yaml', graph);
      const one = scratchFile('one.vars.yml', 'domain: one.example\nto: post\n');
      const two = scratchFile('two.vars.yml', 'to: idle\n');
      const codesWith = async (...args: string[]) =>
        (await checkJson(file, ...args)).findings.map(({ code }) => code);
      expect(await codesWith()).to.deep.equal(['required-variable']);
      expect(await codesWith('--vars', one)).to.include('unknown-scope');
      expect(await codesWith('--vars', one, '--vars', two)).to.include('unknown-service');
      expect(await codesWith('--vars', one, '--vars', two, '--var', 'to=mail')).to.deep.equal([
        'unreachable-service',
      ]);
    });

    it('prints a digest that is the same for two environments that issue the same, and another otherwise', async () => {
      const file = scratchFile('shop.yaml', graph);
      const digestWith = async (...args: string[]) => {
        const { stdout } = await run(['check', file, ...args]);
        return /Digest ([0-9a-f]{12}):/.exec(stdout)?.[1];
      };
      const values = scratchFile('same.vars.yml', 'domain: a.example\n');
      const first = await digestWith('--var', 'domain=a.example');
      expect(first)
        .to.be.a('string')
        .and.equal(await digestWith('--vars', values));
      expect(first).to.not.equal(await digestWith('--var', 'domain=b.example'));
      const planned = await run(['plan', file, '--client', 'web', '--scope', 'place', '--vars', values]);
      expect(planned.stdout).to.contain(`The digest of the graph is ${first}.`);
    });

    it('refuses a file of variables that is none, with the place: exit 2', async () => {
      const wrong = scratchFile('wrong.vars.yml', 'domain: a\nto: [mail]\n');
      const { code, stderr } = await run(['check', scratchFile('shop.yaml', graph), '--vars', wrong]);
      expect(code).to.equal(2);
      expect(stderr).to.contain(`${wrong}:2:1: The value of to is not text`);
    });

    it('--every-value checks each combination, and says which ones a finding is of', async () => {
      const file = scratchFile('shop.yaml', graph);
      const { code, findings } = await checkJson(file, '--var', 'domain=a.example', '--every-value');
      expect(code).to.equal(1);
      const hints = new Map(findings.map(({ code: found, hint }) => [found, hint]));
      expect(hints.get('unknown-scope')).to.match(/Only with to=post\.$/);
      expect(hints.get('unknown-service')).to.match(/Only with to=idle\.$/);
    });

    it('--every-value says that there are too many combinations: exit 1', async () => {
      const names = Array.from({ length: 7 }, (_, n) => `b${n}`);
      const vars = names.map((name) => `${name}: true`).join(', ');
      const use = names.map((name) => `\${${name}}`).join('-');
      const text = `${SHOP.replace('{ domain:', `{ ${vars}, domain:`)}${MAIL.split('\n').slice(2).join('\n')}`;
      const file = scratchFile('shop.yaml', text.replace('https://tokens.', `https://${use}.`));
      const { code, stderr } = await run(['check', file, '--every-value']);
      expect(code).to.equal(1);
      expect(stderr).to.match(/128 combinations .* at most 64/);
      expect((await run(['check', file, '--every-value', '--var', 'b0=true'])).code).to.equal(0);
    });
  });
});
