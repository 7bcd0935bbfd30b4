/** What holds for a whole namespace: mutual TLS, no request that no policy allows, no header that only proxies set. */
import type { ExportMode } from '../report/mode.ts';
import { dryRun, envoyFilter, insertFirst, stripHeaders, type Resource } from './resource.ts';

export function namespaceResources(namespace: string, mode: ExportMode): readonly Resource[] {
  return [
    {
      apiVersion: 'security.istio.io/v1',
      kind: 'PeerAuthentication',
      metadata: { name: 'default', namespace },
      // Principals mean nothing on connections without a certificate.
      spec: { mtls: { mode: mode === 'enforce' ? 'STRICT' : 'PERMISSIVE' } },
    },
    envoyFilter('waybill-strip-headers', { namespace }, [insertFirst(stripHeaders)]),
    {
      apiVersion: 'security.istio.io/v1',
      kind: 'AuthorizationPolicy',
      metadata: { name: 'waybill-deny-by-default', namespace, ...dryRun(mode) },
      spec: {},
    },
  ];
}
