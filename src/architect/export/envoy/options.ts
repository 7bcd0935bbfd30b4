/** What the graph does not know of a deployment, with defaults. */
import type { ExportMode } from '../report/mode.ts';

/** A host name or an IP address, and a port. */
export interface SocketAddress {
  readonly host: string;
  readonly port: number;
}

export interface SidecarAddress extends SocketAddress {
  /** How it is asked. Default: http. */
  readonly over?: 'http' | 'grpc';
}

/** Paths of PEM files on the machine where Envoy runs. */
export interface TlsFiles {
  /** The service's certificate, then its intermediates: shown to callers and to callees. */
  readonly certificate: string;
  readonly key: string;
  /** Authorities that vouch for callers and callees. */
  readonly authorities: string;
}

export interface Deployment {
  /** Where Envoy accepts calls for the service. Default: 0.0.0.0:15006. */
  readonly inbound: SocketAddress;
  /** Where Envoy accepts the service's own calls, in plain HTTP. Default: 127.0.0.1:15001. */
  readonly outbound: SocketAddress;
  /** Where the service itself listens, in plain HTTP. Default: 127.0.0.1:8080. */
  readonly application: SocketAddress;
  /** Where callees are, by name. Default: host and port of the audience. */
  readonly addresses: ReadonlyMap<string, SocketAddress>;
  /** Where the issuer is. Default: host and port of its URL. */
  readonly issuerAddress: SocketAddress | undefined;
  /** Authorities of the issuer's certificate, and of callees that ask for none: a PEM file. Default: Debian's. */
  readonly systemAuthorities: string;
  /** Default: tls.crt, tls.key and ca.crt in /etc/waybill/tls. */
  readonly tls: TlsFiles;
  /** Where `waybill sidecar` answers checks; it then decides in place of Envoy's own filters. Default: none. */
  readonly sidecar: SidecarAddress | undefined;
  /** Identities of the gateways that present roots of clients to services with `caller: mtls`. Default: none. */
  readonly gateways: readonly string[];
  /** `report`: requests pass, and Envoy writes a line for each that it would have refused. Default: `enforce`. */
  readonly mode: ExportMode;
}

export const DEFAULT_DEPLOYMENT: Deployment = {
  inbound: { host: '0.0.0.0', port: 15006 },
  outbound: { host: '127.0.0.1', port: 15001 },
  application: { host: '127.0.0.1', port: 8080 },
  addresses: new Map(),
  issuerAddress: undefined,
  systemAuthorities: '/etc/ssl/certs/ca-certificates.crt',
  tls: {
    certificate: '/etc/waybill/tls/tls.crt',
    key: '/etc/waybill/tls/tls.key',
    authorities: '/etc/waybill/tls/ca.crt',
  },
  sidecar: undefined,
  gateways: [],
  mode: 'enforce',
};
