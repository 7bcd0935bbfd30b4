/** `waybill explore PATH…`: shows the graph as a page, on loopback or as files. */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { pageFiles, serveExplorer, viewData, writeSite } from '../../architect/explore/index.ts';
import { usageError } from '../../errors.ts';
import type { Compiled } from '../../planning/index.ts';
import { keySet } from '../../token/index.ts';
import { parseJsonInput } from '../../input/json-input.ts';
import { followGraph } from '../serving/follow-files.ts';
import {
  checkArguments,
  countFindings,
  withDatedGraphOptions,
  type GraphArguments,
} from '../arguments/graph-arguments.ts';
import { readPort } from '../arguments/operation-options.ts';
import { reasonOf } from '../output/report.ts';
import { writingTo } from '../output/save.ts';
import { paint, plain, print, printError } from '../output/terminal.ts';

interface ExploreOptions extends GraphArguments {
  readonly port: number;
  readonly out?: string;
  readonly jwks?: string;
}

export function addExplore(program: Command): void {
  withDatedGraphOptions(
    program
      .command('explore')
      .summary('show the graph in the browser: what requests issue, who can read what')
      .description(
        'Serves the graph as a page on loopback and updates it when its files change, until you press Ctrl-C. With --out it writes the page as static files, which need no network.',
      )
      .argument('<path...>', 'graph files, or folders of them; together one graph')
      .option('--port <number>', 'the port to listen on; 0: any free port', readPort, 0)
      .option('--out <folder>', 'write a static site into this folder instead')
      .option('--jwks <file>', "the issuer's public keys (JWK Set), to verify pasted tokens"),
  ).action((paths: string[], options: ExploreOptions) => explore(paths, options));
}

async function explore(paths: readonly string[], options: ExploreOptions): Promise<void> {
  const page = pageFiles();
  const jwks = options.jwks === undefined ? undefined : readKeys(options.jwks);
  const follower = await followGraph([...paths, ...options.vars]);
  const compile = (): Compiled => checkArguments(paths, options);
  const compiled = compile();
  if (options.out !== undefined) {
    const { out } = options;
    const [first] = writingTo(out, () => writeSite(out, page, viewData(compiled, { jwks, live: false })));
    print(`${paint.green('✓')} ${plain(first ?? '')}  ${paint.dim(summary(compiled))}`);
    return;
  }
  const explorer = await serveExplorer(page, viewData(compiled, { jwks, live: true }), options.port);
  print(`listening on ${explorer.url}`);
  print(paint.dim(`${summary(compiled)} Press Ctrl-C to stop.`));
  follower.start(() => {
    try {
      const changed = compile();
      explorer.show(viewData(changed, { jwks, live: true }));
      print(paint.dim(`The graph has changed. ${summary(changed)}`));
    } catch (error) {
      printError(reasonOf(error)); // a file of variables may be half written
    }
  });
  await interrupted();
  follower.close();
  await explorer.close();
}

function interrupted(): Promise<void> {
  return new Promise((done) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => done());
  });
}

function summary({ findings }: Compiled): string {
  return findings.length === 0 ? 'No findings.' : `${countFindings(findings)}.`;
}

/** The page shows the file as it is, so it must contain public keys only. */
function readKeys(file: string): unknown {
  try {
    const keys = parseJsonInput(readFileSync(file));
    keySet(keys);
    return keys;
  } catch (error) {
    throw usageError(`--jwks ${file} cannot be used: ${reasonOf(error)}.`);
  }
}
