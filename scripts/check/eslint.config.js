/**
 * What the compiler does not refuse. Each rule keeps out a kind of bug or guards a rule of the architecture;
 * layout is prettier's.
 */
import * as regexp from 'eslint-plugin-regexp';
import tseslint from 'typescript-eslint';

import { certainExpect } from './eslint/certain-expect.js';

const clockMessage = 'Take a Clock (src/clock.ts), so that a test can set the time.';

/** Rules for the product alone: it reads nothing of its surroundings but through `cli`. */
const productRules = {
  'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
  'max-lines-per-function': ['error', { max: 80, skipBlankLines: true, skipComments: true }],
  'max-depth': ['error', 4],
  'no-restricted-properties': [
    'error',
    { object: 'Date', property: 'now', message: clockMessage },
    { object: 'URL', property: 'canParse', message: 'Use parseUrl (src/input/url.ts), which says why.' },
    { object: 'Math', property: 'random', message: 'Use node:crypto: ids and nonces must not be guessable.' },
  ],
  'no-restricted-syntax': [
    'error',
    { selector: 'NewExpression[callee.name="Date"][arguments.length=0]', message: clockMessage },
    {
      selector:
        'TSNonNullExpression:not([expression.type="MemberExpression"][expression.computed=true]):not([expression.type="CallExpression"])',
      message:
        'Narrow the value; only a look-up that cannot miss, `list[i]!` or `map.get(k)!`, may be asserted.',
    },
    {
      selector: ':matches(NewExpression, CallExpression)[callee.name="RegExp"]',
      message: 'Write a literal: the time that a pattern takes is checked for literals alone.',
    },
    {
      selector: 'ThrowStatement > NewExpression[callee.name="Error"]',
      message: 'Throw a WaybillError with a code, or a TypeError when the caller broke a contract.',
    },
  ],
};

/** Only `cli` reads the command line and the environment and writes to the terminal. */
const surroundingsRules = {
  'no-restricted-globals': [
    'error',
    ...['process', 'console'].map((name) => ({ name, message: `Only src/cli touches ${name}.` })),
  ],
  'no-restricted-imports': [
    'error',
    {
      paths: ['node:process', 'process', 'node:console', 'console'].map((name) => ({
        name,
        message: 'Only src/cli reads its surroundings.',
      })),
    },
  ],
};

/**
 * No regular expression takes more than linear time on any input: neither by matching the same characters in several
 * ways, nor by restarting at each of them. `potential`: makes no assumption about the rest of a text.
 */
const linearPatterns = {
  'regexp/no-super-linear-backtracking': ['error', { report: 'potential' }],
  'regexp/no-super-linear-move': ['error', { report: 'potential', ignorePartial: false }],
};

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  { files: ['**/*.ts', '**/*.tsx', '**/*.js'], plugins: { regexp }, rules: linearPatterns },
  {
    files: ['**/*.ts', '**/*.tsx'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: {
      parserOptions: {
        project: ['tsconfig.json', 'src/architect/explore/page/tsconfig.json'],
        tsconfigRootDir: process.cwd(),
      },
    },
    rules: {
      eqeqeq: 'error',
      'no-param-reassign': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-import-type-side-effects': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      // `const { exp, ...rest }` is how a member is left out.
      '@typescript-eslint/no-unused-vars': ['error', { ignoreRestSiblings: true }],
      '@typescript-eslint/return-await': ['error', 'in-try-catch'],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // An implementation of an asynchronous interface may have nothing to wait for.
      '@typescript-eslint/require-await': 'off',
    },
  },
  { files: ['src/**/*.ts', 'src/**/*.tsx'], rules: productRules },
  { files: ['src/**/*.ts', 'src/**/*.tsx'], ignores: ['src/cli/**'], rules: surroundingsRules },
  { files: ['src/clock.ts'], rules: { 'no-restricted-properties': 'off' } },
  // It tells which processes live, and nothing else of them.
  { files: ['src/issuer/keys/lock-owner.ts'], rules: { 'no-restricted-globals': 'off' } },
  {
    files: ['test/**/*.ts'],
    plugins: { waybill: { rules: { 'certain-expect': certainExpect } } },
    rules: {
      'waybill/certain-expect': 'error',
      // Tests read parsed JSON at will, and chai's `expect(x).to.be.true` is an expression.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unused-expressions': 'off',
    },
  },
  {
    files: ['examples/**/*.ts'],
    rules: {
      // Node's test runner waits for its tests by itself.
      '@typescript-eslint/no-floating-promises': [
        'error',
        { allowForKnownSafeCalls: [{ from: 'package', package: 'node:test', name: ['test'] }] },
      ],
    },
  },
);
