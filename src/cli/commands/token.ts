/** `waybill token inspect`: verifies a token and every token inside it, and draws the tree. */
import { createReadStream, readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import type { Command } from 'commander';
import { systemClock } from '../../clock.ts';
import { issuerKeys } from '../../discovery/index.ts';
import { isWaybillError, usageError } from '../../errors.ts';
import {
  isSealed,
  keySet,
  parsePastedToken,
  payloadTextOf,
  readSealedHeader,
  sealOpener,
  tokenVerifier,
  unfoldPasted,
  verifyTree,
  type DecryptionKeys,
  type KeyResolver,
  type PastedToken,
  type SealedChild,
  type TokenTree,
  type TreeVerdict,
} from '../../token/index.ts';
import { parseExactly, stringifyExactly } from '../../input/exact-number.ts';
import { readInputFile } from '../../input/input-file.ts';
import { decodeInput, parseJsonInput } from '../../input/json-input.ts';
import { parseUrl } from '../../input/url.ts';
import type { Plan } from '../../graph/index.ts';
import { planOf, withGraphOptions, type GraphArguments } from '../arguments/graph-arguments.ts';
import { reasonOf } from '../output/report.ts';
import { proofOf, proofText } from '../output/tree-proof.ts';
import { paint, plain, plural, print, printError, printJsonText } from '../output/terminal.ts';
import { renderTree, type Drawn } from '../output/tree.ts';

interface InspectOptions extends GraphArguments {
  readonly issuer?: string;
  readonly jwks?: string;
  readonly json?: boolean;
  readonly key?: string;
  readonly prove?: boolean;
  readonly graph?: readonly string[];
}

/** Bytes; more than any tree that can be issued. */
const MAX_INPUT = 1 << 20;
/** Errors about the issuer's keys, not about a token. */
const NO_KEYS = ['issuer_unavailable', 'issuer_metadata'] as const;

export function addToken(program: Command): void {
  const token = program.command('token').description('inspect tokens');
  const inspecting = token
    .command('inspect')
    .summary('verify a token tree and show it')
    .description(
      "Verifies a token and every token inside it, nested or packed, and shows the tree. Reads the token, or the token endpoint's response, from the file or from standard input. " +
        'Exit 1: a token does not verify. Without --issuer and --jwks nothing is verified, and the output says so.',
    )
    .argument('[file]', 'a file with the token; `-` is standard input', '-')
    .option('--issuer <url>', 'the issuer: `iss` must match, and its keys are fetched by discovery')
    .option('--jwks <file-or-url>', 'the public keys (JWK Set)')
    .option('--prove', 'say what the tree proves, and fail where it does not hold; needs --issuer or --jwks')
    .option('--key <file>', 'private keys (JWK Set) of a service: opens a token that is sealed to it')
    .option('--graph <path...>', 'with --prove: hold every step against the calls of this graph')
    .option('--json', 'print the tree as JSON');
  withGraphOptions(inspecting).action((file: string, options: InspectOptions) => inspect(file, options));
}

async function inspect(file: string, options: InspectOptions): Promise<void> {
  const plan = graphOf(options);
  const token = await openedWith(options.key, await readToken(file));
  const { tree, ...coding } = unfoldPasted(token, MAX_INPUT);
  const keys = keysOf(tree, options);
  const verdicts =
    keys &&
    (await verifyTree(
      tree,
      tokenVerifier({ issuer: options.issuer ?? tree.claims.iss, keys, maxBytes: MAX_INPUT }),
    ));
  const failed = verdicts?.filter(({ outcome }) => isWaybillError(outcome)) ?? [];
  // Without keys nothing was verified, so this is no verdict about the tokens.
  for (const { outcome } of failed) if (isWaybillError(outcome, ...NO_KEYS)) throw outcome;
  const proof = options.prove && failed.length === 0 ? proofOf(tree, plan) : undefined;
  if (options.json)
    printJsonText(stringifyExactly({ ...coding, ...asJson(tree, verdicts), ...(proof && { proof }) }, 2));
  else print(report(tree, coding, verdicts) + (proof ? `\n\n${proofText(proof)}` : ''));
  if (failed.length > 0 || proof?.holds === false) process.exitCode = 1;
}

/** @throws UsageError where the options do not go together: a proof without keys would prove nothing. */
function graphOf({ prove, graph, issuer, jwks, ...options }: InspectOptions): Plan | undefined {
  if (prove && issuer === undefined && jwks === undefined)
    throw usageError('--prove needs the keys of the issuer: give --issuer or --jwks.');
  if (graph === undefined) return undefined;
  if (!prove) throw usageError('--graph belongs to --prove: it says against which graph the tree is held.');
  return planOf(graph, options, 'draft');
}

type Coding = Omit<PastedToken, 'tree'>;

function describe({ encoding, sizes }: Coding, { children, sealed }: TokenTree): string {
  const [nested, packed] = [sizes.nested, sizes.packed].map((bytes) => `${bytes.toLocaleString('en')} B`);
  if (children.length + sealed.length === 0) return `a bare JWT, ${nested}`;
  return encoding === 'packed'
    ? `packed, ${packed} (nested: ${nested})`
    : `nested, ${nested} (packed: ${packed})`;
}

/** Without a key a sealed token says only whom it is for; with one, what is in it is inspected as any token. */
async function openedWith(keyFile: string | undefined, token: string): Promise<string> {
  const header = isSealed(token) ? readSealedHeader(token) : undefined;
  if (!header) {
    if (keyFile === undefined) return token;
    throw usageError('--key is for a sealed token, and this one is not sealed.');
  }
  if (keyFile === undefined)
    throw usageError(
      `The token is sealed to ${plain(header.aud)} (key ${plain(header.kid)}), and only that service can read it. With its private keys: --key FILE.`,
    );
  try {
    const keys = parseJsonInput(readInputFile(keyFile, MAX_INPUT)) as DecryptionKeys;
    return (await sealOpener(keys, [header.aud], MAX_INPUT)(token)).nested;
  } catch (error) {
    if (isWaybillError(error, 'token_sealed'))
      throw usageError(`No key of ${keyFile} opens the token. It is sealed to the key ${plain(header.kid)}.`);
    throw usageError(`--key ${keyFile} cannot be used: ${reasonOf(error)}.`);
  }
}

async function readToken(file: string): Promise<string> {
  let text: string;
  try {
    if (file === '-' && process.stdin.isTTY) printError(paint.dim('Paste the token, then press Ctrl-D.'));
    text = await readBounded(file === '-' ? process.stdin : createReadStream(file));
  } catch (error) {
    if (isWaybillError(error)) throw error;
    throw usageError(`${file} cannot be read (${reasonOf(error)}).`);
  }
  if (text.trim() === '')
    throw usageError('The input contains no token. Name a file with a token, or pipe it in.');
  return parsePastedToken(text);
}

async function readBounded(input: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of input as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_INPUT)
      throw usageError(`The input has more than ${MAX_INPUT} bytes, which no token has.`);
    chunks.push(chunk);
  }
  return decodeInput(Buffer.concat(chunks));
}

function keysOf(tree: TokenTree, { issuer, jwks }: InspectOptions): KeyResolver | undefined {
  if (issuer !== undefined && !isWeb(issuer))
    throw usageError(`--issuer ${issuer} is not a URL. Give the issuer's http or https URL.`);
  if (jwks === undefined) return issuer === undefined ? undefined : issuerKeys({ issuer });
  if (isWeb(jwks)) return issuerKeys({ issuer: issuer ?? tree.claims.iss, jwksUri: jwks });
  try {
    return keySet(parseJsonInput(readFileSync(jwks)));
  } catch (error) {
    throw usageError(
      `--jwks ${jwks} cannot be used: ${reasonOf(error)}. An issuer publishes its public keys at /jwks.`,
    );
  }
}

function isWeb(address: string): boolean {
  return /^https?:/i.test(address) && parseUrl(address) !== undefined;
}

function report(tree: TokenTree, coding: Coding, verdicts: readonly TreeVerdict[] | undefined): string {
  const { claims } = tree;
  const [iss, sub, client, txn] = [claims.iss, claims.sub, claims.client_id, claims.txn].map(plain);
  const failed = verdicts?.filter(({ outcome }) => isWaybillError(outcome)).length ?? 0;
  const verdict = !verdicts
    ? paint.yellow('not verified: give --issuer or --jwks')
    : failed === 0
      ? paint.green(`${plural(verdicts.length, 'token')}, all verified`)
      : paint.red(`${failed} of ${plural(verdicts.length, 'token')} do not verify`);
  const outcomes = new Map(verdicts?.map(({ node, outcome }) => [node, outcome]));
  return [
    `${sub === client ? '' : `subject ${paint.bold(sub ?? '')}, `}client ${paint.bold(client ?? '')}, issued by ${iss}`,
    `transaction ${txn}`,
    describe(coding, tree),
    verdict,
    '',
    renderTree(drawn(tree, outcomes)),
  ].join('\n');
}

/** Keeps numbers as written: an id of 17 digits keeps all of them. */
function writtenPayload({ compact }: TokenTree): Record<string, unknown> {
  return parseExactly(payloadTextOf(compact)) as Record<string, unknown>;
}

/** Claims that every token has, or that the tree shows elsewhere. */
const SHOWN_ELSEWHERE = new Set(
  'iss sub aud client_id scope iat exp nbf jti txn act embedded on_demand'.split(' '),
);

function drawn(node: TokenTree, outcomes: ReadonlyMap<TokenTree, TreeVerdict['outcome']>): Drawn {
  const { claims, bytes } = node;
  const tailored = Object.entries(writtenPayload(node)).filter(([name]) => !SHOWN_ELSEWHERE.has(name));
  const extra =
    tailored.length === 0 ? '' : `  ${paint.magenta(plain(stringifyExactly(Object.fromEntries(tailored))))}`;
  const outcome = outcomes.get(node);
  const mark =
    outcome === undefined
      ? ''
      : isWaybillError(outcome)
        ? paint.red(` ✗ ${plain(outcome.message)}`)
        : paint.green(' ✓');
  const audience = plain([claims.aud].flat().join(', '));
  const label = `${paint.bold(node.name === '' ? audience : plain(node.name))}  ${paint.cyan(plain(claims.scope ?? ''))}${extra}${mark}`;
  const onDemand = node.onDemand.map(({ name, audience: at }): Drawn => ({
    label: `${paint.bold(plain(name))}  ${paint.dim(name === at ? 'fetched when needed' : `fetched when needed, ${plain([at].flat().join(', '))}`)}`,
    columns: [],
    children: [],
  }));
  const children = node.children.map((child) => drawn(child, outcomes));
  return {
    label,
    columns: [
      `${bytes.toLocaleString('en')} B`,
      lifetime(claims.exp),
      ...(node.name === '' || node.name === audience ? [] : [paint.dim(audience)]),
    ],
    children: [...children, ...node.sealed.map(drawnSealed), ...onDemand],
  };
}

/** All that a carrier sees of it. */
function drawnSealed({ name, audience, bytes, exp, header }: SealedChild): Drawn {
  const kid = plain(String(header['kid']));
  return {
    label: `${paint.bold(plain(name))}  ${paint.dim(`sealed to the key ${kid}`)}`,
    columns: [
      `${bytes.toLocaleString('en')} B`,
      lifetime(exp),
      ...(name === audience ? [] : [paint.dim(plain(audience))]),
    ],
    children: [],
  };
}

function lifetime(exp: number): string {
  const left = exp - systemClock();
  return left > 0 ? `${left} s left` : paint.red(`expired ${-left} s ago`);
}

function asJson(tree: TokenTree, verdicts: readonly TreeVerdict[] | undefined): object {
  const outcomes = new Map(verdicts?.map(({ node, outcome }) => [node, outcome]));
  const view = (node: TokenTree): object => {
    const outcome = outcomes.get(node);
    const payload = writtenPayload(node);
    delete payload['embedded']; // shown below, token by token
    return {
      name: node.name === '' ? null : node.name,
      verified: outcome === undefined ? null : !isWaybillError(outcome),
      ...(isWaybillError(outcome) ? { error: outcome.code } : {}),
      bytes: node.bytes,
      header: node.header,
      payload,
      embedded: node.children.map(view),
      ...(node.sealed.length === 0 ? {} : { sealed: node.sealed.map(({ compact: _, ...seen }) => seen) }),
    };
  };
  return view(tree);
}
