/**
 * The messages of Envoy's external authorization (`envoy.service.auth.v3`): of a question what the sidecar needs, and the
 * whole answer. Numbers are those of Envoy's definitions, which never change them.
 */
import type { Refusal } from '../../middleware/index.ts';
import type { HeaderLine } from '../identity-headers.ts';
import { bytesOf, lastOf, message, readFields, textOf } from './protobuf.ts';

export interface AskedRequest {
  readonly method: string;
  readonly path: string;
  readonly host: string;
  /** Names and values by turns; a name is there as often as the request has it, if Envoy sends raw headers. */
  readonly rawHeaders: readonly string[];
  readonly source: AskedSource;
}

/** What Envoy says of its peer, as it stands in the question. */
export interface AskedSource {
  /** The first URI in the certificate; without one the first DNS name, without those the subject. Empty: no certificate. */
  readonly principal: string;
  /** PEM with percent escapes; empty unless Envoy sends it (`include_peer_certificate`). */
  readonly certificate: string;
}

/** `CheckRequest.attributes`: see AttributeContext, AttributeContext.Peer and AttributeContext.HttpRequest. */
const [ATTRIBUTES, SOURCE, REQUEST, HTTP] = [1, 1, 4, 2];
const [PRINCIPAL, CERTIFICATE] = [4, 5];
const [METHOD, HEADERS, PATH, HOST, HEADER_MAP] = [2, 3, 4, 5, 13];

/** @throws RangeError for bytes that are no such message. */
export function readCheckRequest(bytes: Buffer): AskedRequest {
  const attributes = readFields(lastOf(readFields(bytes), ATTRIBUTES));
  const peer = readFields(lastOf(attributes, SOURCE));
  const http = readFields(lastOf(readFields(lastOf(attributes, REQUEST)), HTTP));
  // A map is a list of messages with key and value, as a HeaderMap is (`encode_raw_headers`), there perhaps as bytes.
  const raw = bytesOf(http, HEADER_MAP).flatMap((map) => bytesOf(readFields(map), 1));
  const rawHeaders = [...bytesOf(http, HEADERS), ...raw].flatMap((entry) => {
    const fields = readFields(entry);
    return [textOf(fields, 1), textOf(fields, 2) || lastOf(fields, 3).toString('latin1')];
  });
  return {
    ...{ method: textOf(http, METHOD), path: textOf(http, PATH), host: textOf(http, HOST), rawHeaders },
    source: { principal: textOf(peer, PRINCIPAL), certificate: textOf(peer, CERTIFICATE) },
  };
}

/** `google.rpc.Code`. */
const [OK, PERMISSION_DENIED] = [0, 7];
/** In place of what the request has under that name. */
const OVERWRITE = 2;

export function allowedResponse(set: readonly HeaderLine[], removed: readonly string[]): Buffer {
  const ok = message(
    ...set.map((line) => [2, header(line)] as const),
    ...removed.map((name) => [5, name] as const),
  );
  return message([1, message([1, OK])], [3, ok]);
}

export function refusedResponse({ status, headers, body }: Refusal): Buffer {
  const denied = message(
    [1, message([1, status])],
    ...Object.entries(headers).map((line) => [2, header(line)] as const),
    [3, body],
  );
  return message([1, message([1, PERMISSION_DENIED])], [2, denied]);
}

/** `HeaderValueOption`. */
function header([name, value]: HeaderLine): Buffer {
  return message([1, message([1, name], [2, value])], [3, OVERWRITE]);
}
