/** A token as people have it at hand: bare, behind its scheme, or inside the answer of a token endpoint. */

import { usageError } from '../errors.ts';

/** @throws WaybillError `usage` where the text holds no token. */
export function parsePastedToken(pasted: string): string {
  const text = pasted.trim();
  if (text === '') throw usageError('There is no token.');
  if (!text.startsWith('{')) return text.replace(/^(Bearer|DPoP) +/i, '');
  let answer: { access_token?: unknown; error?: unknown };
  try {
    answer = JSON.parse(text) as typeof answer;
  } catch {
    throw usageError('The input begins like JSON and is not.');
  }
  if (typeof answer.access_token === 'string') return answer.access_token;
  const reason = typeof answer.error === 'string' ? `: it is the error ${answer.error}` : '';
  throw usageError(`The input is JSON without an access_token${reason}.`);
}
