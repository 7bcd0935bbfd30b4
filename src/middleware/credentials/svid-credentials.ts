/** Authentication with a JWT-SVID that an agent hands out (draft-ietf-oauth-spiffe-client-auth section 3.1). */

import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';

import { issuerUnavailable } from '../../discovery/index.ts';
import { withAssertion, type Authenticate } from './issuer-access.ts';
import { requireNames, requireText, usage } from '../option-checks.ts';

export interface SvidCredentials {
  /** The service's name in the graph, or its SPIFFE ID. */
  readonly clientId: string;
  readonly method: 'spiffe_jwt';
  /** Gives the current JWT-SVID for an audience, say from the Workload API. Asked for each request to the issuer. */
  readonly svid?: ((audience: string) => string | Promise<string>) | undefined;
  /** In place of `svid`: a file with the SVID, which an agent rewrites. Its audience must be the issuer's URL. */
  readonly svidFile?: string | undefined;
}

/** Compact serialization (RFC 7515 section 3.1). */
const COMPACT = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** @throws WaybillError `usage` */
export function withSvid(options: SvidCredentials, issuer: string): Authenticate {
  requireNames(options, ['clientId', 'method', 'svid', 'svidFile'], 'credentials');
  const { clientId, svid, svidFile } = options;
  if ((svid === undefined) === (svidFile === undefined)) {
    throw usage('credentials takes svid, a function, or svidFile, the name of a file');
  }
  const current = svid === undefined ? fromFile(requireText(svidFile, 'credentials.svidFile')) : svid;
  if (typeof current !== 'function') throw usage('credentials.svid must be a function');
  return withAssertion(clientId, 'jwt-spiffe', () => current(issuer));
}

/** Read each time: an SVID lives for minutes, and is asked for only where a token has to be fetched. */
function fromFile(file: string): () => Promise<string> {
  try {
    readFileSync(file);
  } catch {
    throw usage(`credentials.svidFile ${file} cannot be read`);
  }
  return async () => {
    const text = await readFile(file, 'utf8').then(
      (content) => content.trim(),
      () => '',
    );
    if (COMPACT.test(text)) return text;
    throw issuerUnavailable(`credentials.svidFile ${file} holds no JWT-SVID`);
  };
}
