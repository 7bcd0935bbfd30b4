/** Checks errors and output: each error has a code of the closed union, and no text discloses a secret. */
import { readFileSync } from 'node:fs';

import { isWaybillError } from '../../src/errors.ts';
import { Broken, refusedAs, type Outcome } from './target.ts';

/** The union only exists for the compiler, so its members are read from its source. */
const CODES: ReadonlySet<string> = new Set(
  [
    ...readFileSync(new URL('../../src/errors.ts', import.meta.url), 'utf8').matchAll(/^ {2}\| '(\w+)'/gm),
  ].map(([, code = '']) => code),
);

/** This many characters of a token in a row are a leak. */
const RUN = 20;
const RUNS = /[\w+/-]{20,}/g;

/** Texts that must not appear in output: secrets, and the payloads and signatures of tokens. */
export class Secrets {
  readonly #runs = new Set<string>();

  add(...texts: readonly string[]): void {
    for (const text of texts)
      for (let at = 0; at + RUN <= text.length; at += 1) this.#runs.add(text.slice(at, at + RUN));
  }

  /** Payload and signature. A header is no secret: it only has an algorithm and a key id. */
  addToken(token: string): void {
    if (token.startsWith('wb1~')) this.add(token.slice(4));
    else this.add(...token.split('.').slice(1));
  }

  isIn(text: string): boolean {
    for (let at = 0; at + RUN <= text.length; at += 1)
      if (this.#runs.has(text.slice(at, at + RUN))) return true;
    return false;
  }
}

/**
 * @param input the refused token, which must not be disclosed either.
 * @throws Broken
 */
export function requireSilent(text: string, secrets: Secrets, input?: string): void {
  if (secrets.isIn(text)) throw new Broken('no leak', 'a secret, or a piece of a token, is disclosed');
  if (input === undefined) return;
  for (const [run] of text.matchAll(RUNS)) {
    for (let at = 0; at + RUN <= run.length; at += 1)
      if (input.includes(run.slice(at, at + RUN)))
        throw new Broken('no leak', 'a piece of the input is disclosed');
  }
}

/**
 * The outcome of a thrown error. Also checks everything that its log line would contain.
 *
 * @throws Broken for an error without a code, or one that discloses too much.
 */
export function refusal(error: unknown, secrets: Secrets, input?: string): Outcome {
  if (error instanceof Broken) throw error;
  if (!isWaybillError(error) || !CODES.has(error.code)) throw codeless(error);
  const { cause } = error;
  const told = [error.message, error.detail ?? '', cause instanceof Error ? cause.message : ''];
  for (const text of told) requireSilent(text, secrets, input);
  return refusedAs(error.code);
}

/** Where in `src` it was thrown: that distinguishes failures better than a message, which may quote the input. */
export function codeless(error: unknown): Broken {
  if (!(error instanceof Error))
    return new Broken('every error has a code', 'a value that is not an error is thrown');
  const [, place = 'outside src'] = /\/(src\/[^:)]+\.ts:\d+)/.exec(error.stack ?? '') ?? [];
  return new Broken('every error has a code', `${error.name} at ${place}`);
}

/** Runs a function that may refuse. @returns the refusal, or undefined. @throws Broken */
export async function refusalOf(
  act: () => unknown,
  secrets: Secrets,
  input?: string,
): Promise<Outcome | undefined> {
  try {
    await act();
    return undefined;
  } catch (error) {
    return refusal(error, secrets, input);
  }
}
