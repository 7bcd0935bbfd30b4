import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { expect } from 'chai';

import { jaegerText, otlpText, type TestSpan } from '../../support/spans.ts';
import { run } from '../../support/program.ts';
import { removeScratch, scratchFile, utf16 } from '../../support/files.ts';

const SPANS: readonly TestSpan[] = [
  { id: '1', service: 'shop', name: 'GET /cart', kind: 'server' },
  { id: '2', parent: '1', service: 'shop', name: 'GET', kind: 'client' },
  { id: '3', parent: '2', service: 'stock', name: 'GET /items', kind: 'server' },
  { id: '4', parent: 'f', service: 'stock', name: 'GET /lost', kind: 'server' },
];
const FROM = ['--from', 'otlp'];
const MAIN = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));

describe('waybill import and waybill drift', function () {
  this.timeout(120_000); // each test runs the program several times
  after(removeScratch);

  it('print a graph that passes the check, with warnings, and find nothing undeclared in it', async () => {
    const traces = scratchFile('traces.jsonl', otlpText(SPANS));
    const { code, stdout, stderr } = await run(['import', traces, ...FROM, '--name', 'my shop']);
    expect([code, stderr]).to.deep.equal([
      0,
      'warning  Spans whose parent is missing from the files: the caller is unknown: 1.\n',
    ]);
    expect(stdout).to.contain('name: my-shop\n').and.contain('from 4 spans of traces.jsonl.\n');
    const graph = scratchFile('graph.yaml', stdout);
    expect((await run(['check', graph])).code).to.equal(0);
    const drift = await run(['drift', graph, traces, ...FROM]);
    expect(drift.code).to.equal(0);
    expect(drift.stdout).to.contain(
      '✓ The graph declares everything that was seen (4 spans).\nThe traces cover 2 of 3 declared calls, 3 of 3 scopes, 2 of 2 services. 1 more call perhaps: the operation or the caller is unknown.\n',
    );
  });

  it('drift: exit 1 on an undeclared call; --json contains what the text shows', async () => {
    const graph = scratchFile(
      'graph.yaml',
      (await run(['import', scratchFile('a', otlpText(SPANS.slice(0, 1))), ...FROM])).stdout,
    );
    const traces = scratchFile('b', otlpText(SPANS));
    const text = await run(['drift', graph, traces, ...FROM]);
    expect(text.code).to.equal(1);
    expect(text.stdout).to.contain(
      'Seen but not declared (1)\n  shop cart:read (GET /cart) -> stock (GET /items)  1 time\n',
    );
    const { code, stdout } = await run(['drift', graph, traces, ...FROM, '--json']);
    const { ok, basis, findings } = JSON.parse(stdout) as {
      ok: boolean;
      basis: string;
      findings: { code: string; file: string }[];
    };
    expect([code, ok, basis]).to.deep.equal([1, false, 'traffic']);
    expect(findings.map((one) => [one.code, one.file])).to.deep.equal([['undeclared-call', graph]]);
  });

  it('import --into prints a patch, and with --write writes it', async () => {
    const graph = scratchFile(
      'graph.yaml',
      (await run(['import', scratchFile('a', otlpText(SPANS.slice(0, 1))), ...FROM])).stdout,
    );
    const before = readFileSync(graph, 'utf8');
    const traces = scratchFile('b', otlpText(SPANS.slice(0, 3)));
    const patch = await run(['import', traces, ...FROM, '--into', graph]);
    expect([patch.code, patch.stderr, readFileSync(graph, 'utf8')]).to.deep.equal([0, '', before]);
    expect(patch.stdout)
      .to.match(/^--- a\/.*graph\.yaml\n\+\+\+ b\/.*graph\.yaml\n@@ /)
      .and.contain('\n+  stock:\n');
    const written = await run(['import', traces, ...FROM, '--into', graph, '--write']);
    expect(written.stdout).to.contain(`✓ ${graph} written.`);
    expect((await run(['drift', graph, traces, ...FROM])).code).to.equal(0);
    expect((await run(['import', traces, ...FROM, '--into', graph])).stderr).to.equal(
      'The graph lacks nothing.\n',
    );
  });

  it('reads traces that begin with a byte order mark, and says what to do about UTF-16', async () => {
    const text = jaegerText(SPANS.slice(0, 3));
    const file = scratchFile('bom.json', text);
    const fromJaeger = (content: string | Uint8Array) => {
      writeFileSync(file, content);
      return run(['import', file, '--from', 'jaeger']);
    };
    const plainly = await fromJaeger(text);
    expect(await fromJaeger(`\ufeff${text}`)).to.deep.equal(plainly);
    expect(plainly.code).to.equal(0);
    for (const [index, bytes] of utf16(text).entries()) {
      const { code, stdout, stderr } = await fromJaeger(bytes);
      expect([code, stdout], String(index)).to.deep.equal([1, '']);
      expect(stderr).to.match(/bom\.json, byte [01]: This is UTF-16\. Save the file as UTF-8\./);
    }
  });

  it('says what to do about YAML in UTF-16', async () => {
    const files = utf16('kind: AuthorizationPolicy\n');
    expect(files).to.have.lengthOf(4);
    for (const bytes of files) {
      const { code, stderr } = await run(['import', scratchFile('p.yaml', bytes), '--from', 'istio']);
      expect(code).to.equal(1);
      expect(stderr).to.match(/p\.yaml cannot be read: it is UTF-16, not UTF-8; save it as UTF-8\./);
    }
  });

  it('reads standard input', async () => {
    const { code, stdout } = await run(['import', '-', '--from', 'jaeger'], {
      input: jaegerText(SPANS.slice(0, 3)),
    });
    expect(code).to.equal(0);
    expect(stdout).to.contain('name: imported\n').and.contain('3 spans and rows of standard input.');
  });

  for (const [what, args, code, message] of [
    ['an unknown format', ['--from', 'cloud'], 2, /Allowed choices are jaeger, zipkin, otlp, kiali, istio/],
    ['no format', [], 2, /required option '--from/],
    ['a file of another format', ['--from', 'kiali'], 1, /^error {2}source_unsuitable/],
  ] as const) {
    it(`refuses ${what}`, async () => {
      const outcome = await run(['import', scratchFile('traces', otlpText(SPANS)), ...args]);
      expect([outcome.code, outcome.stdout]).to.deep.equal([code, '']);
      expect(outcome.stderr).to.match(message);
    });
  }

  it('a missing file is wrong use', async () => {
    const outcome = await run(['import', '/nowhere/traces', ...FROM]);
    expect(outcome).to.include({ code: 2, stdout: '' });
    expect(outcome.stderr).to.equal('error  source_unreadable  /nowhere/traces cannot be read (ENOENT).\n');
  });

  it('refuses two gigabytes of one string after a few megabytes', async () => {
    const child = spawn(process.execPath, [
      '--max-old-space-size=128',
      MAIN,
      'import',
      '-',
      '--from',
      'otlp',
    ]);
    let [stderr, sent] = ['', 0];
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.stdin.on('error', () => undefined); // it stops reading, and that is the point
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
    const chunk = Buffer.alloc(1 << 20, 'x');
    child.stdin.write('{"resourceSpans": [{"resource": {"attributes": [{"key": "');
    while (child.stdin.writable && sent < 2 ** 31) {
      sent += chunk.length;
      if (!child.stdin.write(chunk))
        await Promise.race([new Promise((resolve) => child.stdin.once('drain', resolve)), ended]);
      if (child.exitCode !== null) break;
    }
    child.stdin.end();
    expect(await ended).to.equal(1);
    expect(stderr).to.match(
      /^error {2}source_too_large {2}standard input, byte [\d,]+: A (string|value) has more than [\d,]+ bytes\.\n$/,
    );
    expect(sent).to.be.below(2 ** 27);
  });
});
