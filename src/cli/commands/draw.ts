/** `waybill draw PATH`: draws the graph, or with `--client` the token tree of a request. */
import path from 'node:path';
import { Option, type Command } from 'commander';
import { defined } from '../defined.ts';
import { usageError } from '../../errors.ts';
import { PICTURE_FORMATS, drawGraph, drawRequest, type PictureFormat } from '../../architect/draw/index.ts';
import type { Plan } from '../../graph/index.ts';
import { planRequest } from '../../planning/index.ts';
import {
  compileArguments,
  requirePlan,
  withDatedGraphOptions,
  type GraphArguments,
} from '../arguments/graph-arguments.ts';
import { requestOf, withRequestOptions, type RequestArguments } from '../arguments/request-arguments.ts';
import { numberBetween } from '../arguments/number.ts';
import { saveFile } from '../output/save.ts';
import { printDocument } from '../output/terminal.ts';

interface DrawOptions extends GraphArguments, RequestArguments {
  readonly client?: string;
  readonly scopes?: boolean;
  readonly around?: string;
  readonly depth?: number;
  readonly format?: PictureFormat;
  readonly out?: string;
}

export function addDraw(program: Command): void {
  const command = program
    .command('draw')
    .summary('draw the graph, or the token tree of a request')
    .description(
      'Draws who calls whom, or with --client the token tree of a request with the bytes of every token. Exit 1: the graph has an error; it is drawn if possible.',
    )
    .argument('<path...>', 'graph files, or folders of them; together one graph')
    .option('--client <name>', 'draw what this client receives, instead of the graph');
  withRequestOptions(command)
    .option('--scopes', 'draw every scope, and which scope calls which')
    .option('--around <name>', 'draw only this client, service or callee, its callers and its callees')
    .addOption(
      new Option('--depth <calls>', 'number of calls from --around; default: 1').argParser(
        numberBetween(0, 999),
      ),
    )
    .addOption(
      new Option('--format <format>', 'default: from the name of --out, else svg').choices(PICTURE_FORMATS),
    )
    .option('--out <file>', 'write to this file; default: standard output');
  withDatedGraphOptions(command).action(async (paths: string[], options: DrawOptions) => {
    refuseContradictions(options);
    const compiled = compileArguments(paths, options);
    const plan = requirePlan(compiled, 'draft');
    const text = await drawPicture(plan, options);
    if (options.out === undefined) printDocument(text.trimEnd());
    else saveFile(options.out, text);
    process.exitCode = compiled.plan ? 0 : 1;
  });
}

function refuseContradictions({ client, scope, resource, scopes, around, depth }: DrawOptions): void {
  if (client !== undefined && (scopes || around !== undefined))
    throw usageError('--client draws a request; remove --scopes and --around, which draw the graph.');
  if (client === undefined && (scope !== undefined || resource.length > 0))
    throw usageError('--scope and --resource describe a request. Add --client.');
  if (depth !== undefined && around === undefined)
    throw usageError('--depth counts calls from a service. Add --around.');
}

const ENDINGS: Readonly<Record<string, PictureFormat>> = {
  '.svg': 'svg',
  '.dot': 'dot',
  '.gv': 'dot',
  '.mmd': 'mermaid',
  '.mermaid': 'mermaid',
};

async function drawPicture(plan: Plan, options: DrawOptions): Promise<string> {
  const { client, scopes, around, depth, out = '' } = options;
  const format = options.format ?? ENDINGS[path.extname(out).toLowerCase()] ?? 'svg';
  if (client !== undefined) return drawRequest(plan, planRequest(plan, client, requestOf(options)), format);
  return drawGraph(plan, { format, ...defined({ scopes, around, depth }) });
}
