import { fileURLToPath } from 'node:url';

import { expect } from 'chai';

import { explanations } from '../../src/graph/index.ts';
import { run, runUnread } from '../support/program.ts';

const graphs = fileURLToPath(new URL('../../graphs/', import.meta.url));
const ESCAPE = '\u001b';

describe('waybill', () => {
  const commands = [
    'check',
    'plan',
    'draw',
    'export',
    'serve',
    'token',
    'token inspect',
    'keys',
    'keys list',
    'keys rotate',
    'explain',
  ];

  it('--help lists every command, and says of each what it takes', async () => {
    const { code, stdout, stderr } = await run(['--help']);
    expect([code, stderr]).to.deep.equal([0, '']);
    for (const command of commands) expect(stdout).to.contain(command.split(' ')[0]);
    await Promise.all(
      commands.map(async (command) => {
        const help = await run([...command.split(' '), '--help']);
        expect([help.code, help.stderr], command).to.deep.equal([0, '']);
        expect(help.stdout).to.contain(`Usage: waybill ${command}`);
        expect(help.stdout.split('\n').length).to.be.greaterThan(5);
      }),
    );
  });

  it('--version is that of the package', async () => {
    const { stdout } = await run(['--version']);
    expect(stdout).to.match(/^\d+\.\d+\.\d+\n$/);
  });

  it('wrong use is exit 2, with a message and a hint at --help', async () => {
    const wrong: readonly (readonly [args: readonly string[], says: string])[] = [
      [['chekc', 'x'], 'Did you mean check?'],
      [['check', '--jsno', 'x'], 'Did you mean --json?'],
      [['check'], "missing required argument 'path'"],
      [['keys', 'rotte'], 'Did you mean rotate?'],
      [['keys', 'rotate', '--alg', 'HS256'], 'Allowed choices are ES256, Ed25519, PS256, RS256'],
      [['serve', '--port', '70000', 'x'], 'It must be a number from 0 to 65535'],
      [['serve', '--port', '0x50', 'x'], 'It must be a number from 0 to 65535'],
      [['serve', '--log-level', 'loud', 'x'], 'debug, info, warn, error, silent'],
    ];
    await Promise.all(
      wrong.map(async ([args, says]) => {
        const { code, stdout, stderr } = await run(args);
        expect([code, stdout], args.join(' ')).to.deep.equal([2, '']);
        expect(stderr).to.contain(says).and.to.contain('--help');
        expect(stderr).to.not.contain('    at ');
      }),
    );
  });

  it('without a command it is wrong use, and the help is shown', async () => {
    for (const args of [[], ['keys'], ['token']]) {
      const { code, stderr } = await run(args);
      expect(code).to.equal(2);
      expect(stderr).to.contain('Usage: waybill');
    }
  });

  it('output that is no terminal has no colours, in a CI job and with TERM either', async () => {
    const bad = [`${graphs}tutorial/1-one-call.yaml`];
    const environments = [
      {},
      { CI: 'true' },
      { NO_COLOR: '1' },
      { TERM: 'xterm-256color', COLORTERM: 'truecolor' },
    ];
    const commandLines = [['check', ...bad], ['plan', ...bad, '--client', 'nobody'], ['explain']];
    const runs = environments.flatMap((env) => commandLines.map((args) => run(args, { env })));
    const outcomes = await Promise.all(runs);
    expect(outcomes).to.have.lengthOf(12);
    for (const { stdout, stderr } of outcomes) {
      expect(stdout + stderr)
        .to.not.equal('')
        .and.not.contain(ESCAPE);
    }
  });

  it('a reader that stops reading ends the output, without a stack trace, and the outcome stays', async () => {
    const outcomes = await Promise.all([
      runUnread(['explain']),
      runUnread(['plan', `${graphs}otel-demo.yaml`, '--client', 'browser']),
      runUnread(['check', '--strict', `${graphs}tutorial/2-tree.yaml`]),
    ]);
    expect(outcomes).to.deep.equal([0, 0, 1].map((code) => ({ code, stderr: '' })));
  });
});

describe('waybill explain', () => {
  it('every code that a check can give is explained, as text and as JSON', async () => {
    const { stdout } = await run(['explain', '--json']);
    const listed = JSON.parse(stdout) as { code: string; severity: string; title: string }[];
    expect(listed.map(({ code }) => code)).to.deep.equal(Object.keys(explanations));
    const [text, json] = await Promise.all([run(['explain', 'cycle']), run(['explain', 'cycle', '--json'])]);
    expect(text.stdout).to.contain(explanations.cycle.title).and.to.contain(explanations.cycle.text);
    expect(JSON.parse(json.stdout)).to.deep.equal({ code: 'cycle', ...explanations.cycle });
  });

  it('an unknown code is exit 2, with the nearest code or how to list all', async () => {
    const near = await run(['explain', 'unknown-scop']);
    expect([near.code, near.stdout]).to.deep.equal([2, '']);
    expect(near.stderr).to.contain('unknown-scop').and.to.contain('Did you mean unknown-scope?');
    for (const code of ['toString', 'zzzzzzzzzzzz']) {
      const far = await run(['explain', code]);
      expect(far.code).to.equal(2);
      expect(far.stderr).to.contain('`waybill explain` lists all findings.');
    }
  });

  it('profiles: each with its limits and where they were read', async () => {
    const [text, json] = await Promise.all([
      run(['explain', 'profiles']),
      run(['explain', 'profiles', '--json']),
    ]);
    const { read, profiles } = JSON.parse(json.stdout) as { read: string; profiles: { name: string }[] };
    expect(read).to.match(/^\d{4}-\d{2}/);
    for (const { name } of profiles) expect(text.stdout).to.contain(`\n${name} `);
    expect(text.stdout).to.match(/^node .*16383/m);
  });
});
