/** Whether Envoy's questions over gRPC say who the peer is. */
import { WaybillError } from '../../errors.ts';
import { addressList } from '../../identity/index.ts';
import type { SourceTrust } from '../check/source-peer.ts';
import type { SidecarConfig } from './config.ts';

/** What the schema cannot say of `client_cert`. @returns undefined without `source`. @throws WaybillError `usage` */
export function readSourceTrust({ client_cert: given, grpc }: SidecarConfig): SourceTrust | undefined {
  if (given === undefined) return undefined;
  const { header, source } = given;
  if ((header === undefined) === (source === undefined))
    throw usage('client_cert needs either header or source, which say where the proxy names its peer');
  if (source === undefined) return undefined;
  if (grpc === undefined) throw usage('client_cert.source needs grpc: Envoy sends it with no other question');
  const from = addressList(given.from);
  if (from === undefined) throw usage('client_cert.from must be IP addresses or networks');
  return { source, from };
}

function usage(message: string): WaybillError {
  return new WaybillError('usage', `${message}.`);
}
