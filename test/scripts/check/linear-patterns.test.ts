import { readFileSync } from 'node:fs';

import { expect } from 'chai';
import { ESLint } from 'eslint';

const eslint = new ESLint({ overrideConfigFile: 'scripts/check/eslint.config.js' });

/** The rules that a text breaks, of those that `npm run check` has for every file. */
async function broken(text: string): Promise<readonly string[]> {
  const [result] = await eslint.lintText(text, { filePath: 'scripts/check/example.js' });
  return (result?.messages ?? []).map(({ ruleId, message }) => ruleId ?? message);
}

const BACKTRACKING = 'regexp/no-super-linear-backtracking';
const MOVE = 'regexp/no-super-linear-move';

describe('lint of regular expressions', function () {
  this.timeout(60_000);

  for (const [pattern, rule] of [
    ['/^[A-Za-z0-9.-]+\\.[A-Za-z0-9.-]+(\\/\\S*)$/', BACKTRACKING],
    ['/^("[a-z]+:\\/\\/)([^./:"]*)(.*)$/s', BACKTRACKING],
    ['/^<!--\\s*output:\\s*(.*?)\\s*-->$/s', BACKTRACKING],
    ['/^(a+)+$/', BACKTRACKING],
    ['/ *$/', MOVE],
    ['/^[^=]*=[ "]*|[ "]*$/g', MOVE],
    ['/\\{[^}"\']*\\$\\{/', MOVE],
    ['/^-+|-+$/g', MOVE],
    ['/\\s*\\n\\s*/', MOVE],
    ['/%.*$/', MOVE],
    ['/[?#].*$/s', MOVE],
  ] as const) {
    it(`refuses ${pattern}, which takes more than linear time`, async () => {
      expect(await broken(`export const pattern = ${pattern};\n`)).to.include(rule);
    });
  }

  it('accepts the linear forms of the same patterns', async () => {
    for (const pattern of [
      '/^[A-Za-z0-9-]+\\.[A-Za-z0-9.-]+(\\/\\S*)$/',
      '/(?<! ) +$/',
      '/\\{[^{}"\']*\\$\\{/',
      '/^-|-$/g',
      "'a?b'.replace(/[?#].*/s, '')",
    ]) {
      expect(await broken(`export const pattern = ${pattern};\n`), pattern).to.deep.equal([]);
    }
  });

  it('checks every file of src, scripts and test', async () => {
    for (const file of [
      'src/issuer/http/form.ts',
      'src/architect/explore/page/service/json.tsx',
      'scripts/check/docs.ts',
      'test/support/files.ts',
    ]) {
      const { rules } = (await eslint.calculateConfigForFile(file)) as { rules: Record<string, unknown[]> };
      for (const rule of [BACKTRACKING, MOVE]) {
        expect(rules[rule], `${rule} for ${file}`).to.deep.include({
          report: 'potential',
          ...(rule === MOVE ? { ignorePartial: false } : {}),
        });
        expect(rules[rule]?.[0], file).to.equal(2);
      }
    }
  });

  it('lets the source build no pattern at run time, which nobody could look at', async () => {
    const { rules } = (await eslint.calculateConfigForFile('src/issuer/http/form.ts')) as {
      rules: Record<string, unknown[]>;
    };
    expect(JSON.stringify(rules['no-restricted-syntax'])).to.contain('[callee.name=\\"RegExp\\"]');
  });

  it('holds for the patterns of the schema of graphs', async () => {
    const schema = readFileSync('schemas/graph.schema.json', 'utf8');
    const patterns: string[] = [];
    JSON.parse(schema, (key, value: unknown) => {
      if (key === 'pattern' && typeof value === 'string') patterns.push(value);
      return value;
    });
    expect(patterns).to.have.length.above(5);
    const lint = async (...texts: readonly string[]) => {
      const made = texts.map((pattern) => `new RegExp(${JSON.stringify(pattern)}, 'u')`);
      return broken(`export const patterns = [${made.join(', ')}];\n`);
    };
    expect(await lint(...patterns)).to.deep.equal([]);
    expect(await lint(...patterns, '^(a+)+$')).to.include(BACKTRACKING);
  });
});
