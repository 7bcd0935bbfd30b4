/** Fetches a small JSON document from the issuer: no redirect, no body over the limit, one deadline. */

import { WaybillError, isWaybillError } from '../errors.ts';
import { InputFault, parseJsonInput } from '../input/json-input.ts';

/** What is used of the global `fetch`, which is one. */
export type Fetch = (address: string, init: FetchInit) => Promise<Response>;

export interface FetchInit {
  readonly method?: string;
  readonly headers?: Headers;
  readonly body?: string;
  readonly signal: AbortSignal;
  readonly redirect?: 'manual';
}

/** Metadata and key sets take a few kilobytes. */
const MAX_DOCUMENT_BYTES = 256 * 1024;

/**
 * @param signal aborts the request and the reading of its body.
 * @param maxBytes of the answer. Default: 256 KiB.
 * @throws WaybillError `issuer_unavailable` where there is no answer of status 200 in time; `issuer_metadata` where
 *   the answer is over it or not JSON in UTF-8. The address and the cause are in `detail`, for the log.
 */
export async function fetchDocument(
  fetch: Fetch,
  address: string,
  signal: AbortSignal,
  maxBytes = MAX_DOCUMENT_BYTES,
): Promise<unknown> {
  const { status, body, fault = '' } = await fetchJson(fetch, address, { signal }, maxBytes);
  if (status !== 200) throw issuerUnavailable(`${address} answered ${status}; redirects are not followed`);
  if (body === undefined) throw unusableMetadata(`${address} did not answer in JSON: ${fault}`);
  return body;
}

/**
 * The same for any request and any status.
 *
 * @returns the body as JSON; undefined if it is not JSON, and then the reason in `fault`.
 */
export async function fetchJson(
  fetch: Fetch,
  address: string,
  init: FetchInit,
  maxBytes = MAX_DOCUMENT_BYTES,
): Promise<{
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
  readonly fault?: string;
}> {
  const { status, headers, bytes } = await fetchBytes(fetch, address, 'application/json', init, maxBytes);
  try {
    return { status, headers, body: parseJsonInput(bytes) };
  } catch (error) {
    if (!(error instanceof InputFault)) throw error;
    return { status, headers, body: undefined, fault: error.message };
  }
}

/** The same for any kind of text. `type` is the media type, without parameters. */
export async function fetchText(
  fetch: Fetch,
  address: string,
  accept: string,
  init: FetchInit,
): Promise<{ readonly status: number; readonly type: string; readonly text: string }> {
  const { status, type, bytes } = await fetchBytes(fetch, address, accept, init);
  return { status, type, text: bytes.toString('utf8') };
}

async function fetchBytes(
  fetch: Fetch,
  address: string,
  accept: string,
  init: FetchInit,
  maxBytes = MAX_DOCUMENT_BYTES,
) {
  const response = await request(fetch, address, accept, init);
  const [type = ''] = (response.headers.get('content-type') ?? '').split(';', 1);
  const bytes = await boundedBytes(response, address, maxBytes);
  const { status, headers } = response;
  return { status, headers, type: type.trim().toLowerCase(), bytes };
}

async function request(fetch: Fetch, address: string, accept: string, init: FetchInit): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.set('accept', accept);
  try {
    return await fetch(address, { ...init, redirect: 'manual', headers });
  } catch (error) {
    if (isWaybillError(error)) throw error; // the caller's own `fetch` knows better why
    throw issuerUnavailable(`${address} could not be reached`, error);
  }
}

async function boundedBytes(response: Response, address: string, maxBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      bytes += chunk.byteLength;
      if (bytes > maxBytes) break; // leaving the loop cancels the body
      chunks.push(chunk);
    }
  } catch (error) {
    throw issuerUnavailable(`${address} broke off its answer`, error);
  }
  if (bytes > maxBytes) throw unusableMetadata(`${address} answered more than ${maxBytes} bytes`);
  return Buffer.concat(chunks);
}

/**
 * An error for an issuer that did not answer, or that is not asked.
 *
 * @param detail why, for the log alone.
 */
export function issuerUnavailable(detail: string, cause?: unknown): WaybillError {
  return new WaybillError('issuer_unavailable', 'the issuer cannot be reached at the moment', {
    detail,
    cause,
  });
}

/** @param detail why, for the log alone. */
export function unusableMetadata(detail: string): WaybillError {
  return new WaybillError('issuer_metadata', 'what the issuer published about itself cannot be used', {
    detail,
  });
}
