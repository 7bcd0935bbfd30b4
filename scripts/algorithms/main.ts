/**
 * `npm run algorithms`: which libraries verify a token of each algorithm and each `typ`, as they come. Tokens are signed with
 * jose; each library gets the key and the one algorithm that is allowed, and has to verify.
 */
import { spawnSync } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { exportJWK, generateKeyPair, jwtVerify, SignJWT } from 'jose';

import { SIGNING_ALGORITHMS } from '../../src/protocol.ts';
import { go, isMissing, java, jarVersion, python, type Command, type Found } from '../foreign/tools.ts';

const TYPES = ['JWT', 'at+jwt'];

/** A token to verify: `alg/typ`, and what a library of another language needs. */
interface Sample {
  readonly name: string;
  readonly alg: string;
  readonly jwk: object;
  readonly pem: string;
  readonly token: string;
}

async function samples(): Promise<Sample[]> {
  const made: Sample[] = [];
  for (const alg of SIGNING_ALGORITHMS) {
    const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
    const jwk = { ...(await exportJWK(publicKey)), alg, kid: 'k', use: 'sig' };
    const pem = createPublicKey({ key: jwk, format: 'jwk' })
      .export({ type: 'spki', format: 'pem' })
      .toString();
    for (const typ of TYPES) {
      const token = await new SignJWT({ scope: 's' })
        .setProtectedHeader({ alg, typ, kid: 'k' })
        .setAudience('a')
        .setExpirationTime('5m')
        .sign(privateKey);
      await jwtVerify(token, publicKey, { algorithms: [alg], typ });
      made.push({ name: `${alg}/${typ}`, alg, jwk, pem, token });
    }
  }
  return made;
}

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
