/** `waybill export PATH --to envoy|haproxy|nginx|sidecar`: a configuration for each service. */
import { InvalidArgumentError, type Command } from 'commander';
import {
  CERTIFICATE_HEADER,
  configYaml,
  envoyConfig,
  haproxyConfig,
  nginxConfig,
  noteText,
  sidecarConfigs,
  type EnvoyBootstrap,
  type EnvoyOptions,
  type ExportMode,
  type ExportNote,
  type SidecarAddress,
  type SidecarExport,
  type SocketAddress,
} from '../../architect/export/index.ts';
import { defined } from '../defined.ts';
import { usageError } from '../../errors.ts';
import type { Plan } from '../../graph/index.ts';
import { printDocument, printJson } from '../output/terminal.ts';

export interface EnvoyArguments {
  readonly service: readonly string[];
  readonly parts?: true;
  readonly json?: true;
  readonly inbound?: SocketAddress;
  readonly outbound?: SocketAddress;
  readonly application?: SocketAddress;
  readonly address: ReadonlyMap<string, SocketAddress>;
  readonly issuerAddress?: SocketAddress;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsCa?: string;
  readonly systemCa?: string;
  readonly sidecar?: SidecarAddress;
  readonly keyFile: readonly string[];
  readonly gateway: readonly string[];
  readonly mode: ExportMode;
}

export function withEnvoyOptions(command: Command): Command {
  return command
    .option(
      '--service <name>',
      'envoy, haproxy, nginx, sidecar: only this service (repeatable); default: all, with --out or --json',
      (name: string, earlier: readonly string[]) => [...earlier, name],
      [],
    )
    .option(
      '--parts',
      'envoy: listeners and clusters for a bootstrap of your own; default: a whole bootstrap',
    )
    .option('--json', 'envoy: one JSON document with the configuration of each service, and the notes')
    .option(
      '--inbound <host:port>',
      'envoy, haproxy, nginx: where the proxy accepts calls for the service; default: 0.0.0.0:15006',
      readAddress,
    )
    .option(
      '--outbound <host:port>',
      "envoy, haproxy, nginx: where the proxy accepts the service's own calls, in plain HTTP; default: 127.0.0.1:15001",
      readAddress,
    )
    .option(
      '--application <host:port>',
      'envoy, haproxy, nginx: where the service itself listens, in plain HTTP; default: 127.0.0.1:8080',
      readAddress,
    )
    .option(
      '--address <name=host:port>',
      'envoy, haproxy, nginx, sidecar: where a callee is (repeatable); default: host and port of its audience',
      readNamedAddress,
      new Map(),
    )
    .option(
      '--issuer-address <host:port>',
      'envoy: where the issuer is; default: host and port of its URL',
      readAddress,
    )
    .option(
      '--sidecar <host:port>',
      'envoy: ask the sidecar there, in place of filters of Envoy, over gRPC if it begins with grpc://; nginx, sidecar: where it is; default for these: 127.0.0.1:9191',
      readSidecarAddress,
    )
    .option(
      '--tls-cert <file>',
      "envoy, haproxy, nginx: the service's certificate, a PEM file where the proxy runs; for HAProxy the key is in it; default: tls.crt, or tls.pem, in /etc/waybill/tls",
    )
    .option('--tls-key <file>', 'envoy, nginx: its key; default: /etc/waybill/tls/tls.key')
    .option(
      '--tls-ca <file>',
      'envoy, haproxy, nginx: the authorities of callers and callees with `caller: mtls`; default: /etc/waybill/tls/ca.crt',
    )
    .option(
      '--system-ca <file>',
      'envoy, haproxy, nginx: the authorities of the issuer and of other callees; default: /etc/ssl/certs/ca-certificates.crt',
    )
    .option(
      '--key-file <file>',
      'haproxy: a PEM file with a public key of the issuer (repeatable); default: /etc/waybill/keys/issuer.pem',
      (file: string, earlier: readonly string[]) => [...earlier, file],
      [],
    );
}

/** What to write, by file; undefined if it was printed. */
export interface EnvoyFiles {
  readonly files: ReadonlyMap<string, string> | undefined;
  readonly notes: readonly ExportNote[];
}

type Given = EnvoyArguments & { readonly out?: string };

export function exportEnvoy(plan: Plan, given: Given): EnvoyFiles {
  const { services, notes } = envoyConfig(plan, optionsOf(given));
  const sidecars = given.sidecar && sidecarsOf(plan, given);
  const shape = (bootstrap: EnvoyBootstrap): object => (given.parts ? bootstrap.static_resources : bootstrap);
  if (given.json) {
    printJson({
      services: Object.fromEntries(Array.from(services, ([name, one]) => [name, shape(one)])),
      ...(sidecars ? { sidecars: Object.fromEntries(sidecars.services) } : {}),
      notes: together(notes, sidecars),
    });
    return { files: undefined, notes: [] };
  }
  const files = filesOf(services, 'yaml', (one, name) => configYaml(plan, name, shape(one), notes));
  return withSidecars(plan, written(files, notes, given.out), sidecars);
}

/** nginx does nothing without a sidecar. */
export function exportNginx(plan: Plan, given: Given): EnvoyFiles {
  if (given.sidecar?.over === 'grpc')
    throw usageError('nginx asks the sidecar over HTTP. Write --sidecar HOST:PORT.');
  const { services, notes } = nginxConfig(plan, optionsOf(given));
  const sidecars = sidecarsOf(plan, given, { certificateHeader: CERTIFICATE_HEADER });
  return withSidecars(plan, written(filesOf(services, 'conf'), notes, given.out), sidecars);
}

export function exportSidecar(plan: Plan, given: Given): EnvoyFiles {
  const sidecars = sidecarsOf(plan, given);
  return written(sidecarFiles(plan, sidecars, 'yaml'), sidecars.notes, given.out);
}

export function exportHaproxy(plan: Plan, given: Given): EnvoyFiles {
  const options = { ...optionsOf(given), ...(given.keyFile.length > 0 ? { keyFiles: given.keyFile } : {}) };
  const { services, notes } = haproxyConfig(plan, options);
  return written(filesOf(services, 'cfg'), notes, given.out);
}

function filesOf<Config>(
  services: ReadonlyMap<string, Config>,
  ending: string,
  text: (config: Config, service: string) => string = String,
): ReadonlyMap<string, string> {
  return new Map(Array.from(services, ([name, config]) => [`${name}.${ending}`, text(config, name)]));
}

function sidecarFiles(plan: Plan, { services, notes }: SidecarExport, ending: string) {
  return filesOf(services, ending, (one, name) => configYaml(plan, name, one, notes, `Sidecar of ${name}`));
}

function sidecarsOf(
  plan: Plan,
  { sidecar, ...given }: EnvoyArguments,
  more: { readonly certificateHeader?: string } = {},
): SidecarExport {
  const { only, addresses, gateways, mode } = optionsOf(given);
  return sidecarConfigs(plan, { ...defined({ only, addresses, gateways, mode, check: sidecar }), ...more });
}

/** Beside the proxy's file, which is of no use alone: `shop.sidecar.yaml`. */
function withSidecars(plan: Plan, { files, notes }: EnvoyFiles, sidecars?: SidecarExport): EnvoyFiles {
  if (!sidecars) return { files, notes };
  const beside = sidecarFiles(plan, sidecars, 'sidecar.yaml');
  return { files: files && new Map([...files, ...beside]), notes: together(notes, sidecars) };
}

/** Both list what the graph leaves out. */
function together(notes: readonly ExportNote[], sidecars: SidecarExport | undefined): readonly ExportNote[] {
  const all = [...notes, ...(sidecars?.notes ?? [])];
  return [...new Map(all.map((note) => [noteText(note), note])).values()];
}

function written(
  texts: ReadonlyMap<string, string>,
  notes: readonly ExportNote[],
  out: string | undefined,
): EnvoyFiles {
  if (out !== undefined) return { files: texts, notes };
  const [text, ...others] = texts.values();
  if (text === undefined || others.length > 0)
    throw usageError(
      'Each service has a configuration of its own. Name a service with --service, or a folder for all with --out.',
    );
  printDocument(text.trimEnd());
  return { files: undefined, notes };
}

function optionsOf(given: EnvoyArguments): EnvoyOptions {
  const { tlsCert, tlsKey, tlsCa } = given;
  return defined({
    only: given.service.length > 0 ? given.service : undefined,
    inbound: given.inbound,
    outbound: given.outbound,
    application: given.application,
    addresses: given.address,
    issuerAddress: given.issuerAddress,
    sidecar: given.sidecar,
    systemAuthorities: given.systemCa,
    tls: defined({ certificate: tlsCert, key: tlsKey, authorities: tlsCa }),
    gateways: given.gateway,
    mode: given.mode,
  });
}

/** `host:port`, an IPv6 address in brackets. */
function readAddress(text: string): SocketAddress {
  const [, host, port] = /^(\[[0-9a-fA-F:.]+\]|[\w.-]+):(\d{1,5})$/.exec(text) ?? [];
  if (host === undefined || Number(port) > 65_535) throw new InvalidArgumentError('Use the form host:port.');
  return { host, port: Number(port) };
}

function readSidecarAddress(text: string): SidecarAddress {
  const address = readAddress(text.replace(/^(?:grpc|http):\/\//, ''));
  return text.startsWith('grpc://') ? { ...address, over: 'grpc' } : address;
}

function readNamedAddress(
  text: string,
  earlier: ReadonlyMap<string, SocketAddress>,
): Map<string, SocketAddress> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('Use the form name=host:port.');
  return new Map(earlier).set(text.slice(0, at), readAddress(text.slice(at + 1)));
}
