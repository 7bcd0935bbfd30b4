import { expect } from 'chai';
import fs, {
  chmodSync,
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import { compileGraph } from '../../../src/planning/compile.ts';
import type { Finding, FindingCode } from '../../../src/graph/index.ts';
import { HEAD, client, compileFiles, compileText, placed, within } from '../../support/compile.ts';
import { bytesRead, callsTo } from '../../support/counted-work.ts';
import { withFolder } from '../../support/files.ts';
import type { fileCodes } from './file-codes.ts';

type FileCode = (typeof fileCodes)[number];
const MIB = 1024 * 1024;
const SHOP = `${HEAD}${client('{ shop: [browse] }')}services:\n  shop: { scopes: { browse: } }\n`;

/** Findings of a folder that the test itself fills. */
function findingsOf(fill: (folder: string) => void, paths: readonly string[] = ['']): string[] {
  return withFolder({}, (folder) => {
    fill(folder);
    const { findings } = compileGraph(paths.map((name) => path.join(folder, name)));
    for (const { hint } of findings) expect(hint).to.not.equal('');
    return within(folder, findings).map(placed);
  });
}

/** The superuser may read every file. */
function asAnotherUser<Result>(run: () => Result): Result {
  if (process.geteuid?.() !== 0) return run();
  process.seteuid?.(65_534);
  try {
    return run();
  } finally {
    process.seteuid?.(0);
  }
}

function sparse(file: string, bytes: number): void {
  const descriptor = openSync(file, 'w');
  ftruncateSync(descriptor, bytes);
  closeSync(descriptor);
}

/** A graph of this many bytes, most of them in a comment. */
function padded(bytes: number, text = 'waybill: 1\n'): string {
  return `${text}#${'x'.repeat(bytes - text.length - 2)}\n`;
}

const at = (place: string, code: FileCode | FindingCode): string => `${place} ${code}`;

describe('graph files', () => {
  it('are read from a folder, from those below it, and from both spellings of the ending', () => {
    const { plan, findings } = compileFiles({
      'a.yaml': HEAD,
      'teams/shop.yml': `waybill: 1\n${client('{ shop: [browse] }')}`,
      'teams/deep/er/shop.yaml': 'waybill: 1\nservices:\n  shop: { scopes: { browse: } }\n',
      '.hidden.yaml': 'waybill: 2',
      '.git/x.yaml': 'waybill: 2',
      'notes.txt': 'waybill: 2',
    });
    expect(findings).to.deep.equal([]);
    expect([...(plan?.services.keys() ?? [])]).to.deep.equal(['shop']);
  });

  it('may begin with a byte order mark and end lines as Windows does', () => {
    expect(compileText(`\uFEFF${SHOP.replaceAll('\n', '\r\n')}`).findings).to.deep.equal([]);
  });

  it('that do not exist are reported, and no name is judged without them', () => {
    const fill = (folder: string): void =>
      writeFileSync(path.join(folder, 'a.yaml'), SHOP.replace('[browse]', '[nothing]'));
    expect(findingsOf(fill, ['a.yaml', 'missing.yaml'])).to.deep.equal([
      at('missing.yaml:1:1', 'file-unreadable'),
    ]);
  });

  it('that do not exist, or that this user may not read, are reported with what to do', () => {
    withFolder({ 'secret.yaml': SHOP }, (folder) => {
      const file = path.join(folder, 'secret.yaml');
      chmodSync(file, 0);
      const { findings } = asAnotherUser(() => compileGraph([file]));
      expect(findings.map(({ message, hint }) => [message, hint])).to.deep.equal([
        [
          `${file} cannot be read (EACCES).`,
          'This user may not read it. Change its permissions, or run as a user who may.',
        ],
      ]);
    });
    const [missing] = compileGraph(['/nowhere/graph.yaml']).findings;
    expect(missing?.message).to.equal('/nowhere/graph.yaml cannot be read (ENOENT).');
    expect(missing?.hint).to.equal('No such file. Check the path; it counts from the current folder.');
  });

  it('that do not parse are reported, and neither names nor variables of the others are judged', () => {
    const { findings } = compileFiles({
      'a.yaml': `${HEAD}vars: { domain: x\n`,
      'b.yaml': "waybill: 1\nservices:\n  shop: { audience: '${domain}', calls: { stock: [read] } }\n",
    });
    expect(findings.map(placed)).to.deep.equal(['a.yaml:6:1 yaml-syntax']);
  });

  it('are looked for in vain in an empty folder', () => {
    expect(findingsOf((folder) => mkdirSync(path.join(folder, 'sub')))).to.deep.equal([
      at('.:1:1', 'no-files'),
    ]);
  });

  it('are at most 2,000', function () {
    this.timeout(180_000);
    const fill = (count: number) => (folder: string) => {
      for (let n = 0; n < count; n++)
        writeFileSync(path.join(folder, `${n}.yaml`), n === 0 ? SHOP : 'waybill: 1\n');
    };
    expect(findingsOf(fill(2_000))).to.deep.equal([]);
    expect(findingsOf(fill(2_001))).to.deep.equal([at(':1:1', 'too-many-files')]);
  });

  it('that are too large are refused before they are read', () => {
    const refuses = (bytes: number, paths?: readonly string[]) => () => {
      const found = findingsOf((folder) => sparse(path.join(folder, 'a.yaml'), bytes), paths);
      expect(found).to.deep.equal([at('a.yaml:1:1', 'file-too-large')]);
    };
    expect(bytesRead(refuses(50 * MIB))).to.equal(0);
    expect(bytesRead(refuses(4096 * MIB, ['a.yaml']))).to.equal(0);
  });

  it('that never end are read no further than the bound', () => {
    const bytes = bytesRead(() => {
      const { findings } = compileGraph(['/dev/zero']);
      expect(findings.map(placed)).to.deep.equal([at('/dev/zero:1:1', 'file-too-large')]);
    });
    expect(bytes).to.be.within(16 * MIB + 1, 17 * MIB);
  });

  it('have at most 32 MiB together', function () {
    this.timeout(180_000);
    const fill = (last: number) => (folder: string) => {
      writeFileSync(path.join(folder, 'a.yaml'), padded(11 * MIB, SHOP));
      writeFileSync(path.join(folder, 'b.yaml'), padded(11 * MIB));
      writeFileSync(path.join(folder, 'c.yaml'), padded(last));
    };
    expect(findingsOf(fill(10 * MIB))).to.deep.equal([]);
    expect(findingsOf(fill(11 * MIB))).to.deep.equal([at('c.yaml:1:1', 'file-too-large')]);
  });

  it('of exactly 16 MiB are read, and of one byte more are not', function () {
    this.timeout(180_000);
    const fill = (bytes: number) => (folder: string) =>
      writeFileSync(path.join(folder, 'a.yaml'), padded(bytes, SHOP));
    expect(findingsOf(fill(16 * MIB))).to.deep.equal([]);
    expect(findingsOf(fill(16 * MIB + 1))).to.deep.equal([at('a.yaml:1:1', 'file-too-large')]);
  });

  it('are UTF-8', () => {
    const { findings } = compileFiles({ 'a.yaml': Buffer.from('waybill: 1\nname: gr\xfcn\n', 'latin1') });
    expect(findings.map(placed)).to.deep.equal([at('a.yaml:1:1', 'not-utf8')]);
  });

  it('of UTF-16 are not taken for YAML', () => {
    const { findings } = compileFiles({ 'a.yaml': Buffer.from(`\uFEFF${SHOP}`, 'utf16le') });
    expect(findings.map(placed)).to.deep.equal([at('a.yaml:1:1', 'not-utf8')]);
  });

  it('are not looked for behind links to folders, however many there are', () => {
    const foldersRead = withFolder({ 'graph.yaml': SHOP }, (folder) => {
      for (const name of 'abcdefghij') symlinkSync('.', path.join(folder, `${name}.yaml`));
      return callsTo(fs, 'readdirSync', () => {
        expect(compileGraph([folder]).findings).to.deep.equal([]);
      });
    });
    expect(foldersRead).to.equal(1);
  });

  it('may be links to files, and a link to nothing is reported', () => {
    const fill = (folder: string): void => {
      mkdirSync(path.join(folder, '.real'));
      writeFileSync(path.join(folder, '.real/graph'), SHOP);
      symlinkSync('.real/graph', path.join(folder, 'a.yaml'));
      symlinkSync('nowhere', path.join(folder, 'b.yaml'));
    };
    expect(findingsOf(fill)).to.deep.equal([at('b.yaml:1:1', 'file-unreadable')]);
  });

  it('are not pipes that a folder holds', function () {
    const fill = (folder: string): void => {
      writeFileSync(path.join(folder, 'a.yaml'), SHOP);
      if (spawnSync('mkfifo', [path.join(folder, 'b.yaml')]).status !== 0) this.skip();
    };
    expect(findingsOf(fill)).to.deep.equal([]);
  });
});

describe('more than a thousand findings', () => {
  const names = Array.from({ length: 1_500 }, (_, n) => `t${n}`);
  const many = (scopes: readonly string[], calls: string): string =>
    `${HEAD}${client(`{ shop: [${calls}] }`)}services:\n  shop: { scopes: { ${scopes.map((name) => `${name}: `).join(', ')} } }\n`;
  const wasteful = `claims: { ${names.map((name) => `${name}: { value: 1 }`).join(', ')} }\n${many(['t0'], 't0')}`;

  it('of warnings are cut, and the graph still holds', () => {
    const { plan, findings } = compileText(wasteful);
    expect(findings).to.have.lengthOf(1_001);
    expect(findings[0]?.code).to.equal('too-many-findings' satisfies FileCode);
    expect(plan).to.not.equal(undefined);
  });

  it('of warnings hide no error', () => {
    const { plan, findings } = compileText(
      `${wasteful}  later: { scopes: { x: { calls: { gone: [y] } } } }\n`,
    );
    expect(plan).to.equal(undefined);
    expect(findings.map(({ code }) => code)).to.include('unknown-service');
  });

  it('of errors are cut, and the graph is refused', () => {
    const { plan, findings } = compileText(many(['browse'], `browse, ${names.join(', ')}`));
    expect(plan).to.equal(undefined);
    expect(findings.filter(({ code }) => code === 'unknown-scope')).to.have.lengthOf(1_000);
  });
});

describe('more than ten thousand further places', () => {
  const scopes = Array.from({ length: 10_050 }, (_, n) => `t${n}: `);
  const services = (more: string): string =>
    `${HEAD}${client('{ shop: [s] }')}services:\n  shop: { scopes: { s: , ${scopes.join(', ')} } }\n${more}`;
  const count = (findings: readonly Finding[], code: FindingCode): number[] =>
    findings.flatMap((each) => (each.code === code ? [each.places.length] : []));

  it('of one warning are cut, and said; other warnings and errors stay', () => {
    const { findings } = compileText(services('  lost: { claims: [gone] }\n'));
    expect(count(findings, 'unknown-claim')).to.deep.equal([0]);
    const { findings: warnings, plan } = compileText(services('  lost:\n'));
    expect(count(warnings, 'unused-scope')).to.deep.equal([10_000]);
    expect(count(warnings, 'unreachable-service')).to.deep.equal([0]);
    expect(warnings[0]?.code).to.equal('too-many-findings' satisfies FindingCode);
    expect(warnings[0]?.message).to.equal(
      'The findings have more than 10,000 further places; the rest is not listed.',
    );
    expect(plan).to.not.equal(undefined);
  });

  it('of several errors count together', () => {
    const uses = (claim: string): string =>
      scopes.map((scope) => `${scope}{ claims: [${claim}] }`).join(', ');
    const { findings, plan } = compileText(
      `${HEAD}${client('{ a: [s], b: [s] }')}services:\n  a: { scopes: { s: , ${uses('x')} } }\n  b: { scopes: { s: , ${uses('y')} } }\n`,
    );
    expect(plan).to.equal(undefined);
    expect(count(findings, 'unknown-claim')).to.deep.equal([10_000, 0]);
    expect(findings[0]?.code).to.equal('too-many-findings' satisfies FindingCode);
  });
});
