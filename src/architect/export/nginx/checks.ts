/** What both directions have in common: the question to the sidecar, and what becomes of its answer. */
import type { NginxDeployment } from './options.ts';
import { block } from './text.ts';

export interface NginxContext {
  readonly deployment: NginxDeployment;
  /** Bytes. */
  readonly largestToken: number;
}

/** Room for the name of a header, its scheme, and the other headers of an answer. */
const BESIDE_TOKEN = 2 * 1024;

/** A header line must fit into one buffer, and all headers of an answer, too. */
function bufferKb({ largestToken }: NginxContext): number {
  return Math.ceil((largestToken + BESIDE_TOKEN) / 1024);
}

/** For a server. Its service bounds bodies itself. */
export function headerSizes(context: NginxContext): string[] {
  return [
    `large_client_header_buffers 8 ${bufferKb(context)}k;`,
    'client_max_body_size 0;',
    // Many frameworks take an underscore for a dash, and headers of the token must come from the sidecar alone.
    'underscores_in_headers off;',
    'ignore_invalid_headers on;',
  ];
}

/** @param more lines for the question. */
export function checkLocations(
  direction: 'inbound' | 'outbound',
  context: NginxContext,
  more: readonly string[],
): string[] {
  const { deployment } = context;
  const { sidecar } = deployment;
  // In report mode the answer may have any header that nginx has accepted.
  const kb = bufferKb(context) + (deployment.mode === 'report' ? 1 : 0);
  return [
    block('location = /.waybill/check', [
      'internal;',
      `proxy_pass http://${sidecar.host}:${sidecar.port}/auth/${direction};`,
      'proxy_http_version 1.1;',
      'proxy_pass_request_body off;',
      'proxy_set_header connection "";',
      'proxy_set_header content-length "";',
      // In place of what a client wrote there.
      'proxy_set_header x-forwarded-method $request_method;',
      'proxy_set_header x-forwarded-uri $request_uri;',
      'proxy_set_header x-forwarded-host $http_host;',
      ...more,
      `proxy_buffer_size ${kb}k;`,
      `proxy_buffers 4 ${kb}k;`,
      `proxy_busy_buffers_size ${kb}k;`,
      'proxy_read_timeout 10s;',
    ]),
  ];
}

/** `auth_request` passes 401 and 403 on, and makes 500 of everything else. */
export function refusals(): string {
  return block('location @waybill_refused', [
    'if ($waybill_status = 400) { return 400; }',
    'if ($waybill_status = 431) { return 431; }',
    // The sidecar is busy or away, or asks an issuer that is.
    'return 503;',
  ]);
}
