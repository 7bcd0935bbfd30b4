/**
 * `npm run algorithms`: which libraries, and whether Envoy, verify a token of each algorithm and each `typ`, as they come.
 * Tokens are signed with jose; each library gets the key and the one algorithm that is allowed, and has to verify. Envoy
 * gets all keys; what it allows is what a key's `alg` says.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { envoyVersion, hasEnvoy } from '../bench/mesh/envoy.ts';
import { go, isMissing, java, jarVersion, python, type Command, type Found } from '../foreign/tools.ts';
import { envoyVerdicts } from './envoy.ts';
import { samples } from './samples.ts';

const file = (name: string): string => fileURLToPath(new URL(`../foreign/${name}`, import.meta.url));

/** Feeds the samples to a program. @returns what it printed, a line for each library and sample. */
function verdicts(found: Found<Command>, args: readonly string[], lines: readonly unknown[]): string[] {
  if (isMissing(found)) return [`skipped ${found.missing}`];
  const input = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
  const { stdout, stderr, status } = spawnSync(found.command, [...found.args, ...args], {
    input,
    encoding: 'utf8',
  });
  return status === 0
    ? stdout.trim().split('\n')
    : [`skipped ${stderr.trim().split('\n').at(-1) ?? 'no answer'}`];
}

const all = await samples();
const said = [
  ...all.map(({ name }) => `jose ${name} accepted`), // or `samples` had thrown
  ...verdicts(
    python(true),
    [file('python/tokens.py')],
    all.map(({ name, jwk, token, alg }) => [name, jwk, token, alg]),
  ),
  ...verdicts(
    go('tokens', true),
    [],
    all.map(({ name, pem, token, alg }) => [name, pem, token, alg]),
  ),
  ...verdicts(
    java(true),
    [file('java/Tokens.java')],
    all.map(({ name, jwk, token, alg }) => [name, JSON.stringify(jwk), token, alg]),
  ),
  ...(await envoyVerdicts(all)),
];
for (const line of said.filter((text) => text.startsWith('skipped'))) console.log(line);
const libraries = [
  ...new Set(said.filter((text) => !text.startsWith('skipped')).map((text) => text.split(' ')[0]!)),
];
const row = (cells: readonly string[]): string =>
  cells
    .map((cell, at) => cell.padEnd(at === 0 ? 16 : 13))
    .join('')
    .trimEnd();
console.log(row(['alg/typ', ...libraries]));
for (const { name } of all) {
  const cells = libraries.map(
    (library) => said.find((text) => text.startsWith(`${library} ${name} `))?.split(' ')[2] ?? 'no answer',
  );
  console.log(row([name, ...cells]));
}
console.log(
  `nimbus-jose-jwt ${jarVersion('nimbus-jose-jwt')}; nimbus-typed: with a type verifier for at+jwt`,
);
if (hasEnvoy()) console.log(`envoy ${envoyVersion()}: jwt_authn`);
