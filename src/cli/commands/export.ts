/** `waybill export PATH --to istio|opa|envoy`: writes what other systems enforce. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { Option, type Command } from 'commander';
import { defined } from '../defined.ts';
import { usageError } from '../../errors.ts';
import { EXPORT_MODES, istioResources, noteText, opaBundle } from '../../architect/export/index.ts';
import type { Plan } from '../../graph/index.ts';
import { planOf, withDatedGraphOptions, type GraphArguments } from '../arguments/graph-arguments.ts';
import {
  exportEnvoy,
  exportHaproxy,
  exportNginx,
  exportSidecar,
  withEnvoyOptions,
  type EnvoyArguments,
  type EnvoyFiles,
} from './export-envoy.ts';
import { saveFile, writingTo } from '../output/save.ts';
import { paint, plain, printDocument, printError } from '../output/terminal.ts';

interface ExportOptions extends GraphArguments, EnvoyArguments {
  readonly to: keyof typeof EXPORTS;
  readonly out?: string;
  readonly namespace?: string;
  readonly label?: string;
  readonly principal?: string;
  readonly host?: string;
  readonly jwksUri?: string;
  readonly gateway: readonly string[];
}

/** What to write, by target; for proxies and the sidecar a file for each service. */
const EXPORTS = {
  envoy: exportEnvoy,
  haproxy: exportHaproxy,
  nginx: exportNginx,
  sidecar: exportSidecar,
  istio: exportIstio,
  opa: exportOpa,
};

export function addExport(program: Command): void {
  const command = program
    .command('export')
    .summary('write configuration for Envoy, HAProxy, nginx, Istio, the Open Policy Agent or the sidecar')
    .description(
      'Writes configuration that lets proxies verify tokens, decide who may call which operations, and send the right token with each call. What the target cannot express is denied and listed on standard error. Exit 1: the graph has an error; nothing is written.',
    )
    .argument('<path...>', 'graph files, or folders of them; together one graph')
    .addOption(
      new Option(
        '--to <system>',
        'envoy, haproxy, nginx, sidecar: a configuration for each service; istio: resources for every service; opa: a bundle',
      )
        .choices(Object.keys(EXPORTS))
        .makeOptionMandatory(),
    )
    .addOption(
      new Option(
        '--mode <mode>',
        'enforce refuses what the graph does not allow; report lets it pass and logs it',
      )
        .choices(EXPORT_MODES)
        .default('enforce'),
    )
    .option(
      '--out <folder>',
      'write files into this folder; required for opa; default for others: standard output',
    )
    .option(
      '--namespace <name>',
      "istio: the namespace of all services; default: each service's `namespace`, else the one in its identity, else `default`",
    )
    .option(
      '--label <key=value>',
      'istio: the label that selects the pods of service {name}; default: app={name}',
    )
    .option(
      '--principal <principal>',
      'istio: the principal of service {name} in {namespace}; default: its identity without spiffe://',
    )
    .option(
      '--host <host>',
      'istio: the host of service {name} in {namespace}; default: {name}.{namespace}.svc.cluster.local',
    )
    .option(
      '--jwks-uri <url>',
      "istio: where istiod and the proxies fetch the issuer's keys; default: /jwks at the issuer's URL",
    )
    .option(
      '--gateway <principal>',
      'istio: the principal of a gateway for clients (repeatable); envoy, sidecar, opa: its identity; default: none, calls of clients to services with `caller: mtls` are denied',
      (principal: string, earlier: readonly string[]) => [...earlier, principal],
      [],
    );
  withDatedGraphOptions(withEnvoyOptions(command)).action((paths: string[], options: ExportOptions) => {
    const plan = planOf(paths, options, 'plan');
    const { files, notes } = EXPORTS[options.to](plan, options);
    if (files && options.out !== undefined) save(options.out, files);
    for (const note of notes) printError(`${paint.yellow('note')}  ${plain(noteText(note))}`);
  });
}

function exportIstio(plan: Plan, options: ExportOptions): EnvoyFiles {
  const { namespace, label, principal, host, jwksUri, gateway: gateways, mode } = options;
  const given = defined({ namespace, label, principal, host, jwksUri });
  const { text, notes } = istioResources(plan, { ...given, gateways, mode });
  if (options.out === undefined) printDocument(text.trimEnd());
  return { files: new Map([['istio.yaml', text]]), notes };
}

function exportOpa(plan: Plan, { out, gateway: gateways, mode }: ExportOptions): EnvoyFiles {
  if (out === undefined) throw usageError('An OPA bundle is a folder. Name it with --out.');
  return opaBundle(plan, { gateways, mode });
}

function save(folder: string, files: ReadonlyMap<string, string>): void {
  writingTo(folder, () => mkdirSync(folder, { recursive: true }));
  for (const [name, text] of files) saveFile(path.join(folder, name), text);
}
