#!/usr/bin/env node
/**
 * The command line. Exit 0: success; 1: an error among the findings, or a token that does not verify; 2: wrong use, or
 * output that cannot be written.
 */
import { Command } from 'commander';
import { isWaybillError } from '../errors.ts';
import { report } from './output/report.ts';
import { plain, printErrorPart, printPart } from './output/terminal.ts';
import { version } from './arguments/version.ts';

/** In the order of the help. Each is loaded only where it is needed: loading all takes longer than most commands. */
const COMMANDS: Readonly<Record<string, () => Promise<(program: Command) => void>>> = {
  check: async () => (await import('./commands/check.ts')).addCheck,
  plan: async () => (await import('./commands/plan.ts')).addPlan,
  why: async () => (await import('./commands/why.ts')).addWhy,
  test: async () => (await import('./commands/test.ts')).addTest,
  diff: async () => (await import('./commands/diff.ts')).addDiff,
  draw: async () => (await import('./commands/draw.ts')).addDraw,
  export: async () => (await import('./commands/export.ts')).addExport,
  import: async () => (await import('./commands/import.ts')).addImport,
  drift: async () => (await import('./commands/drift.ts')).addDrift,
  explore: async () => (await import('./commands/explore.ts')).addExplore,
  serve: async () => (await import('./commands/serve.ts')).addServe,
  sidecar: async () => (await import('./commands/sidecar.ts')).addSidecar,
  token: async () => (await import('./commands/token.ts')).addToken,
  keys: async () => (await import('./commands/keys.ts')).addKeys,
  explain: async () => (await import('./commands/explain.ts')).addExplain,
};

/** The command that the first argument names; all of them for the help, and for a name that is none. */
function wanted(first: string | undefined): readonly string[] {
  if (first === '--version') return [];
  return first !== undefined && Object.hasOwn(COMMANDS, first) ? [first] : Object.keys(COMMANDS);
}

async function program(first: string | undefined): Promise<Command> {
  const waybill = new Command('waybill')
    .description(
      'OAuth tokens for a whole call tree: one request at the edge, a tailored JWT for every service below.',
    )
    .version(version())
    .showHelpAfterError('(add --help for help)')
    .configureOutput({ writeOut: printPart, writeErr: printErrorPart, outputError: printUsageError })
    .exitOverride();
  for (const name of wanted(first)) (await COMMANDS[name]?.())?.(waybill);
  for (const command of waybill.commands) configure(command);
  return waybill;
}

/** Commander does not pass these settings on to existing commands. */
function configure(command: Command): void {
  command.exitOverride().showHelpAfterError('(add --help for help)');
  for (const below of command.commands) configure(below);
}

const SUGGESTION = '\n(Did you mean ';

/** Prints commander's message as one line, whatever it quotes, and its suggestion as another. */
function printUsageError(text: string, write: (text: string) => void): void {
  const at = text.lastIndexOf(SUGGESTION);
  const lines = at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
  for (const line of lines) write(`${plain(line.trimEnd())}\n`);
}

/** A bug in a command: the stack says where. */
process.on('uncaughtException', (error) => {
  report(error);
  process.exit();
});

try {
  await (await program(process.argv[2])).parseAsync(process.argv);
} catch (error) {
  report(error);
  // Nobody can read the output, so end even if a server listens already.
  if (isWaybillError(error, 'output_failed')) process.exit();
}
