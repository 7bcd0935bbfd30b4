import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { checkDocuments, rewriteOutputs } from '../../../scripts/check/docs.ts';

/** Stands for the built program: two subcommands, and graphs that are valid unless they say `broken`. */
const program = `
import { readFileSync } from 'node:fs';
const [command, argument] = process.argv.slice(2);
if (command === '--help') console.log('Usage: waybill\\n\\nOptions:\\n  --help\\n\\nCommands:\\n  check <file>  Check.\\n  keys  Keys.\\n');
else if (argument === '--help' && command === 'keys') console.log('Commands:\\n  rotate  Rotate.\\n');
else if (argument === '--help') console.log('Usage: waybill check\\n\\nOptions:\\n  --strict  Warnings fail.\\n');
else if (command === 'check' && readFileSync(argument, 'utf8').includes('broken')) { console.log('bad'); process.exitCode = 1; }
else console.log('all is well  ');
`;

const fence = '```';
const block = (language: string, text: string): string => `${fence}${language}\n${text}\n${fence}\n`;

describe('documents', () => {
  let root: string;

  function write(file: string, text: string): void {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    writeFileSync(path.join(root, file), text);
  }

  function problemsOf(readme: string): string[] {
    write('README.md', readme);
    return checkDocuments(root).problems.map(({ file, line, text }) => `${file}:${line}: ${text}`);
  }

  beforeEach(() => {
    root = mkdtempSync(path.join(tmpdir(), 'waybill-documents-'));
    symlinkSync(path.resolve('node_modules'), path.join(root, 'node_modules'));
    write('tsconfig.json', readFileSync('tsconfig.json', 'utf8'));
    write(
      'package.json',
      JSON.stringify({
        name: 'waybill',
        type: 'module',
        exports: { '.': { types: './dist/index.d.ts', default: './dist/index.js' } },
        scripts: { demo: 'true' },
      }),
    );
    write('dist/index.d.ts', 'export declare function load(file: string): Promise<number>;');
    write('dist/index.js', 'export const load = async (file) => file.length;');
    write('dist/cli/main.js', program);
    write('graphs/README.md', '# Graphs\n\n## The `hop` and its scopes\n');
  });

  afterEach(() => {
    rmSync(root, { recursive: true });
  });

  it('passes a document whose promises hold', () => {
    const problems = problemsOf(`# Title

[graphs](graphs/README.md), [a part](graphs/README.md#the-hop-and-its-scopes), [here](#title), [out](https://example.com/x#y)

${block('ts', `import { load } from 'waybill';\nconst size: number = await load('a.yaml');`)}
<!-- run -->
${block('ts', `import { load } from 'waybill';\nif ((await load('a.yaml')) !== 6) process.exitCode = 1;`)}
${block('yaml', 'waybill: 1')}
${block('sh', 'npm ci && npm run demo # and then\nNO_COLOR=1 npx waybill check \\\n  --strict a.yaml | head\nwaybill keys rotate')}
<!-- output: waybill check README.md -->
${block('text', 'all is well')}`);
    expect(problems).to.deep.equal([]);
  });

  it('reads documents of docs/ at any depth', () => {
    write('README.md', '# Title');
    write('docs/concepts.md', '[x](how-to/none.md)');
    write('docs/how-to/deploy.md', '\n[x](../concepts.md#none)');
    expect(checkDocuments(root).problems).to.deep.equal([
      { file: 'docs/concepts.md', line: 1, text: 'link how-to/none.md: no such file' },
      { file: 'docs/how-to/deploy.md', line: 2, text: 'link ../concepts.md#none: no such heading' },
    ]);
  });

  const faults: [title: string, readme: string, expected: string][] = [
    ['a link to a missing file', '[x](graphs/none.yaml)', 'README.md:1: link graphs/none.yaml: no such file'],
    ['a path that does not exist', 'See `src/none.ts`.', 'README.md:1: src/none.ts: no such file'],
    [
      'a command for a file that does not exist',
      block('sh', 'true\nnpx mocha test/none.test.ts'),
      'README.md:3: test/none.test.ts: no such file',
    ],
    [
      'a link to another file than its text names',
      '[`hop.yaml`](graphs/README.md)',
      'README.md:1: link graphs/README.md: its text names hop.yaml',
    ],
    [
      'a link to a missing heading',
      '\n[x](graphs/README.md#hop)',
      'README.md:2: link graphs/README.md#hop: no such heading',
    ],
    [
      'a reference to a missing heading here',
      '[x]\n\n[x]: #none',
      'README.md:3: link #none: no such heading',
    ],
    ['a missing image in HTML', '<img src="logo.svg">', 'README.md:1: link logo.svg: no such file'],
    ['a link out of the repository', '[x](../elsewhere.md)', 'leaves the repository'],
    [
      'a type error, at its line',
      block('ts', `import { load } from 'waybill';\n\nconst size: string = await load('a');`),
      "README.md:4: Type 'number'",
    ],
    [
      'an import that the package does not export',
      block('ts', `import { none } from 'waybill';`),
      "README.md:2: Module '\"waybill\"' has no exported member 'none'",
    ],
    [
      'a program that fails',
      `<!-- run -->\n${block('ts', `import { load } from 'waybill';\nthrow new Error(\`size \${await load('abc')}\`);`)}`,
      'Error: size 3',
    ],
    [
      'a path that the package does not export',
      block('ts', `import 'waybill/inner';`),
      'README.md:2: Cannot find module',
    ],
    [
      'a graph that is refused',
      block('yaml', 'waybill: 1\nbroken: yes'),
      'README.md:2: waybill check refuses',
    ],
    [
      'a missing npm script',
      block('sh', 'npm run demo\nnpm run deploy'),
      'README.md:3: npm run deploy: package.json has no script "deploy"',
    ],
    ['a missing test script', block('sh', 'npm test'), 'package.json has no script "test"'],
    ['an unknown subcommand', block('sh', 'cd x && npx waybill chekc a.yaml'), 'lists no "chekc"'],
    [
      'an unknown subcommand of a subcommand',
      block('sh', 'waybill keys burn'),
      'waybill keys --help lists no "burn"',
    ],
    [
      'an unknown option',
      block('console', '$ waybill check --loud a.yaml\nwaybill nonsense'),
      'waybill check has no --loud',
    ],
    [
      'output that is out of date',
      `<!-- output: waybill check README.md -->\n${block('text', 'all was well')}`,
      'README.md:3: "waybill check README.md" prints something else',
    ],
  ];

  for (const [title, readme, expected] of faults) {
    it(`reports ${title}`, () => {
      const problems = problemsOf(readme);
      expect(problems.join('\n')).to.include(expected);
      expect(problems).to.have.lengthOf(1);
    });
  }

  it('rewrites output, and only that', () => {
    write(
      'README.md',
      `# A\n\n<!-- output: waybill check README.md -->\n${block('text', 'one\ntwo')}\nafter\n`,
    );
    expect(rewriteOutputs(root)).to.deep.equal(['README.md']);
    expect(readFileSync(path.join(root, 'README.md'), 'utf8')).to.equal(
      `# A\n\n<!-- output: waybill check README.md -->\n${block('text', 'all is well')}\nafter\n`,
    );
    expect(checkDocuments(root).problems).to.deep.equal([]);
  });

  it('holds a picture to what draws it, and draws it anew', () => {
    const readme = '# A\n\n<!-- output: waybill check README.md -->\n\n![A picture](a.svg)\n';
    write('a.svg', 'something else\n');
    expect(problemsOf(readme)).to.deep.equal([
      'README.md:5: a.svg is not what its command draws (npm run docs)',
    ]);
    expect(rewriteOutputs(root)).to.deep.equal(['a.svg']);
    expect(readFileSync(path.join(root, 'a.svg'), 'utf8')).to.equal('all is well  \n');
    expect(checkDocuments(root).problems).to.deep.equal([]);
  });

  it('says what it skips while the program is not built', () => {
    rmSync(path.join(root, 'dist/cli'), { recursive: true });
    write('README.md', block('yaml', 'waybill: 1\nbroken: yes'));
    expect(checkDocuments(root)).to.deep.equal({
      problems: [],
      skipped: ['subcommands, 1 graphs, programs and outputs: the program is not built'],
    });
  });
});
