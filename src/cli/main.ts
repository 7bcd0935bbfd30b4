#!/usr/bin/env node
/**
 * The command line. Exit 0: success; 1: an error among the findings, or a token that does not verify; 2: wrong use, or
 * output that cannot be written.
 */
import { Command } from 'commander';
import { isWaybillError } from '../errors.ts';
import { addCheck } from './commands/check.ts';
import { addDiff } from './commands/diff.ts';
import { addDraw } from './commands/draw.ts';
import { addDrift } from './commands/drift.ts';
import { addExport } from './commands/export.ts';
import { addExplain } from './commands/explain.ts';
import { addExplore } from './commands/explore.ts';
import { addImport } from './commands/import.ts';
import { addKeys } from './commands/keys.ts';
import { addPlan } from './commands/plan.ts';
import { addServe } from './commands/serve.ts';
import { addSidecar } from './commands/sidecar.ts';
import { report } from './output/report.ts';
import { plain, printErrorPart, printPart } from './output/terminal.ts';
import { addToken } from './commands/token.ts';
import { version } from './arguments/version.ts';
import { addWhy } from './commands/why.ts';

function program(): Command {
  const waybill = new Command('waybill')
    .description(
      'OAuth tokens for a whole call tree: one request at the edge, a tailored JWT for every service below.',
    )
    .version(version())
    .showHelpAfterError('(add --help for help)')
    .configureOutput({ writeOut: printPart, writeErr: printErrorPart, outputError: printUsageError })
    .exitOverride();
  for (const add of [
    addCheck,
    addPlan,
    addWhy,
    addDiff,
    addDraw,
    addExport,
    addImport,
    addDrift,
    addExplore,
    addServe,
    addSidecar,
    addToken,
    addKeys,
    addExplain,
  ])
    add(waybill);
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
  await program().parseAsync(process.argv);
} catch (error) {
  report(error);
  // Nobody can read the output, so end even if a server listens already.
  if (isWaybillError(error, 'output_failed')) process.exit();
}
