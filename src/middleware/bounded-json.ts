/** Fetches a small JSON document from the issuer: no redirect, no body over the limit, one deadline. */

import { WaybillError } from '../errors.ts';

/** Metadata and key sets take a few kilobytes. */
const MAX_DOCUMENT_BYTES = 256 * 1024;

/**
 * @param signal aborts the request and the reading of its body.
 * @throws WaybillError `issuer_unavailable` where there is no answer of status 200 in time; `issuer_metadata` where
 *   the answer is over 256 KiB or not JSON. The address and the cause are in `detail`, for the log.
 */
export async function fetchDocument(
  fetch: typeof globalThis.fetch,
  address: string,
  signal: AbortSignal,
): Promise<unknown> {
  const response = await request(fetch, address, signal);
  if (response.status !== 200) {
    await response.body?.cancel();
    throw unavailable(`${address} answered ${response.status}; redirects are not followed`);
  }
  const text = await boundedText(response, address);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw refused(`${address} did not answer in JSON`);
  }
}

async function request(
  fetch: typeof globalThis.fetch,
  address: string,
  signal: AbortSignal,
): Promise<Response> {
  try {
    return await fetch(address, { redirect: 'manual', signal, headers: { accept: 'application/json' } });
  } catch (error) {
    throw unavailable(`${address} could not be reached`, error);
  }
}

async function boundedText(response: Response, address: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      bytes += chunk.byteLength;
      if (bytes > MAX_DOCUMENT_BYTES) break; // leaving the loop cancels the body
      chunks.push(chunk);
    }
  } catch (error) {
    throw unavailable(`${address} broke off its answer`, error);
  }
  if (bytes > MAX_DOCUMENT_BYTES) throw refused(`${address} answered more than ${MAX_DOCUMENT_BYTES} bytes`);
  return Buffer.concat(chunks).toString('utf8');
}

function unavailable(detail: string, cause?: unknown): WaybillError {
  return new WaybillError('issuer_unavailable', 'the keys of the issuer cannot be fetched at the moment', {
    detail,
    cause,
  });
}

function refused(detail: string): WaybillError {
  return new WaybillError('issuer_metadata', 'what the issuer published about itself cannot be used', {
    detail,
  });
}
