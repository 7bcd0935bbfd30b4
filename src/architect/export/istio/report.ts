/** In report mode: what the proxy of a service writes of requests and calls that would have been refused. */
import { extension, type Json } from '../envoy/typed.ts';
import { STRIP } from '../envoy/listener.ts';
import { callLog, serviceLog } from '../report/access-log.ts';
import { ISTIO_ALLOW, REFUSALS, unlessAllowed } from '../report/shadow-rules.ts';
import type { ServiceModel } from '../service-model.ts';
import type { Workload } from './options.ts';
import { insertBeforeRouter } from './outbound.ts';
import { envoyFilter, type Resource } from './resource.ts';

export function reportFilter(service: ServiceModel, workload: Workload): Resource {
  return envoyFilter(`${workload.name}-waybill-report`, workload, [
    // The service gets headers of tokens that enforcement would accept, and of no others.
    insertBeforeRouter(unlessAllowed('waybill.accepted_alone', STRIP, RESULTS), 'SIDECAR_INBOUND'),
    logTo('SIDECAR_INBOUND', serviceLog(service, RESULTS)),
    logTo('SIDECAR_OUTBOUND', callLog(service)),
  ]);
}

/** Of the policies, and of the filter that refuses spellings. */
const RESULTS = [REFUSALS, ISTIO_ALLOW];
const MANAGER = 'envoy.filters.network.http_connection_manager';

/** A merged list is appended to the one that is there. */
function logTo(context: string, log: Json): object {
  return {
    applyTo: 'NETWORK_FILTER',
    match: { context, listener: { filterChain: { filter: { name: MANAGER } } } },
    patch: { operation: 'MERGE', value: extension(MANAGER, 'connectionManager', { access_log: [log] }) },
  };
}
