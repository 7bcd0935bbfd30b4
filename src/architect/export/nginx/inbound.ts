/** nginx before a service: asks the sidecar about each request, and tells the service who calls. */
import { tokenHeaders } from '../token-headers.ts';
import type { ServiceModel } from '../service-model.ts';
import { checkLocations, headerSizes, refusals, type NginxContext } from './checks.ts';
import { block, quoted } from './text.ts';

export const CERTIFICATE_HEADER = 'x-client-cert';

/** Set from the sidecar's answer. A header that the answer lacks is empty, and nginx sends no empty header. */
const IDENTITY = [...tokenHeaders.map(({ header }) => header), 'x-waybill-claims'];

export function inboundServer(service: ServiceModel, context: NginxContext): string {
  const { inbound, application, tls, mode } = context.deployment;
  const checksCaller = service.caller === 'mtls';
  const speaksTls = checksCaller || /^https:/i.test(service.audience);
  return block('server', [
    `listen ${inbound.host}:${inbound.port}${speaksTls ? ' ssl' : ''};`,
    ...(speaksTls
      ? [`ssl_certificate ${quoted(tls.certificate)};`, `ssl_certificate_key ${quoted(tls.key)};`]
      : []),
    ...(checksCaller
      ? [
          `ssl_client_certificate ${quoted(tls.authorities)};`,
          // In report mode one may have none; the sidecar says whom it would refuse.
          `ssl_verify_client ${mode === 'enforce' ? 'on' : 'optional'};`,
          'ssl_verify_depth 4;',
        ]
      : []),
    ...headerSizes(context),
    block('location /', [
      'auth_request /.waybill/check;',
      'auth_request_set $waybill_status $upstream_status;',
      'auth_request_set $waybill_authorization $upstream_http_authorization;',
      ...IDENTITY.map((name) => `auth_request_set $${variable(name)} $upstream_http_${underscored(name)};`),
      'error_page 500 = @waybill_refused;',
      `proxy_pass ${quoted(`http://${application.host}:${application.port}`)};`,
      'proxy_http_version 1.1;',
      'proxy_set_header connection "";',
      'proxy_set_header host $http_host;',
      'proxy_set_header authorization $waybill_authorization;',
      `proxy_set_header ${CERTIFICATE_HEADER} "";`,
      ...IDENTITY.map((name) => `proxy_set_header ${name} $${variable(name)};`),
    ]),
    ...checkLocations('inbound', context, [
      `proxy_set_header ${CERTIFICATE_HEADER} ${checksCaller ? '$ssl_client_escaped_cert' : '""'};`,
    ]),
    refusals(),
  ]);
}

function underscored(header: string): string {
  return header.replaceAll('-', '_');
}

function variable(header: string): string {
  return underscored(header).replace(/^x_/, '');
}
