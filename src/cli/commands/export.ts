/** `waybill export PATH --to istio|opa`: writes policies that other systems enforce. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { Option, type Command } from 'commander';
import { usageError } from '../../errors.ts';
import { istioPolicies, opaBundle, type IstioOptions } from '../../architect/export/index.ts';
import {
  compileArguments,
  requirePlan,
  withGraphOptions,
  type GraphArguments,
} from '../arguments/graph-arguments.ts';
import { saveFile, writingTo } from '../output/save.ts';
import { paint, plain, printDocument, printError } from '../output/terminal.ts';

interface ExportOptions extends GraphArguments {
  readonly to: 'istio' | 'opa';
  readonly out?: string;
  readonly namespace?: string;
  readonly label?: string;
  readonly principal?: string;
  readonly gateway: readonly string[];
}

export function addExport(program: Command): void {
  withGraphOptions(
    program
      .command('export')
      .summary('write policies for Istio or the Open Policy Agent')
      .description(
        'Writes policies that say who may call which operations. Rules that the target cannot express are denied and listed on standard error. Exit 1: the graph has an error; nothing is written.',
      )
      .argument('<path...>', 'graph files, or folders of them; together one graph')
      .addOption(
        new Option('--to <system>', 'istio: AuthorizationPolicies; opa: a bundle')
          .choices(['istio', 'opa'])
          .makeOptionMandatory(),
      )
      .option(
        '--out <folder>',
        'write files into this folder; required for opa; default for istio: standard output',
      )
      .option(
        '--namespace <name>',
        "istio: the namespace of all policies; default: the one in each service's identity, else `default`",
      )
      .option(
        '--label <key=value>',
        'istio: the label that selects the pods of service {name}; default: app={name}',
      )
      .option(
        '--principal <principal>',
        'istio: the principal of service {name}; default: its identity without spiffe://',
      )
      .option(
        '--gateway <principal>',
        'istio: the principal of a gateway for clients (repeatable); default: none, calls of clients are denied',
        (principal: string, earlier: readonly string[]) => [...earlier, principal],
        [],
      ),
  ).action((paths: string[], options: ExportOptions) => {
    const plan = requirePlan(compileArguments(paths, options), 'plan');
    if (options.to === 'istio') {
      const { text, remarks } = istioPolicies(plan, istioOptions(options));
      if (options.out === undefined) printDocument(text.trimEnd());
      else save(options.out, new Map([['authorization-policies.yaml', text]]));
      printRemarks(remarks);
    } else {
      if (options.out === undefined) throw usageError('An OPA bundle is a folder. Name it with --out.');
      const { files, remarks } = opaBundle(plan);
      save(options.out, files);
      printRemarks(remarks);
    }
  });
}

function istioOptions({ namespace, label, principal, gateway }: ExportOptions): IstioOptions {
  return {
    ...(namespace === undefined ? {} : { namespace }),
    ...(label === undefined ? {} : { label }),
    ...(principal === undefined ? {} : { principal }),
    gateways: gateway,
  };
}

function printRemarks(remarks: readonly string[]): void {
  for (const remark of remarks) printError(`${paint.yellow('note')}  ${plain(remark)}`);
}

function save(folder: string, files: ReadonlyMap<string, string>): void {
  writingTo(folder, () => mkdirSync(folder, { recursive: true }));
  for (const [name, text] of files) saveFile(path.join(folder, name), text);
}
