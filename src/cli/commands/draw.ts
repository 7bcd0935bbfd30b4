/** `waybill draw PATH`: the graph as a picture, or with `--client` what one of its requests issues. */
import path from 'node:path';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { WaybillError } from '../../errors.ts';
import { PICTURE_FORMATS, drawGraph, drawRequest, type PictureFormat } from '../../architect/draw/index.ts';
import type { Plan } from '../../graph/index.ts';
import { planRequest } from '../../planning/index.ts';
import {
  compileArguments,
  requirePlan,
  withGraphOptions,
  type GraphArguments,
} from '../arguments/graph-arguments.ts';
import { requestOf, withRequestOptions, type RequestArguments } from '../arguments/request-arguments.ts';
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
      'Draws who calls whom, or with --client the token tree of a request with the bytes of every hop. Exit 1: the graph has an error; what can be drawn is drawn.',
    )
    .argument('<path...>', 'graph files, or folders of them; together one graph')
    .option('--client <name>', 'draw what this client is issued, in place of the graph');
  withRequestOptions(command)
    .option('--scopes', 'draw every scope, and which scope calls which')
    .option('--around <name>', 'draw this client, service or callee with who reaches it and whom it reaches')
    .addOption(
      new Option('--depth <calls>', 'how many calls away from --around; default: 1').argParser(depthOf),
    )
    .addOption(
      new Option('--format <format>', 'default: by the name of --out, else svg').choices(PICTURE_FORMATS),
    )
    .option('--out <file>', 'write to this file; default: standard output');
  withGraphOptions(command).action(async (paths: string[], options: DrawOptions) => {
    refuseContradictions(options);
    const compiled = compileArguments(paths, options);
    const plan = requirePlan(compiled, 'draft');
    if (plan) {
      const text = await pictureOf(plan, options);
      if (options.out === undefined) printDocument(text.trimEnd());
      else saveFile(options.out, text);
    }
    process.exitCode = compiled.plan ? 0 : 1;
  });
}

function depthOf(text: string): number {
  if (!/^\d{1,3}$/.test(text)) throw new InvalidArgumentError('Write a number of calls, such as 2.');
  return Number(text);
}

function refuseContradictions({ client, scope, resource, scopes, around, depth }: DrawOptions): void {
  if (client !== undefined && (scopes || around !== undefined))
    throw new WaybillError('usage', '--client draws one request; --scopes and --around are for the graph.');
  if (client === undefined && (scope !== undefined || resource.length > 0))
    throw new WaybillError('usage', '--scope and --resource are for the request of a client: add --client.');
  if (depth !== undefined && around === undefined)
    throw new WaybillError('usage', '--depth counts from a service: add --around.');
}

const ENDINGS: Readonly<Record<string, PictureFormat>> = {
  '.svg': 'svg',
  '.dot': 'dot',
  '.gv': 'dot',
  '.mmd': 'mermaid',
  '.mermaid': 'mermaid',
};

async function pictureOf(plan: Plan, options: DrawOptions): Promise<string> {
  const { client, scopes, around, depth, out = '' } = options;
  const format = options.format ?? ENDINGS[path.extname(out).toLowerCase()] ?? 'svg';
  if (client !== undefined) return drawRequest(plan, planRequest(plan, client, requestOf(options)), format);
  return drawGraph(plan, {
    format,
    ...(scopes === undefined ? {} : { scopes }),
    ...(around === undefined ? {} : { around }),
    ...(depth === undefined ? {} : { depth }),
  });
}
