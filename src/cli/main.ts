#!/usr/bin/env node
/** The command line. Exit 0: fine; 1: an error among the findings, or a token that does not hold; 2: wrong use. */
import { Command, CommanderError } from 'commander';
import { isWaybillError } from '../errors.ts';
import { addCheck } from './check.ts';
import { addDiff } from './diff.ts';
import { addDraw } from './draw.ts';
import { addDrift } from './drift.ts';
import { addExport } from './export.ts';
import { addExplain } from './explain.ts';
import { addExplore } from './explore.ts';
import { addImport } from './import.ts';
import { addKeys } from './keys.ts';
import { addPlan } from './plan.ts';
import { addServe } from './serve.ts';
import { paint, plain, printError } from './terminal.ts';
import { addToken } from './token.ts';
import { version } from './version.ts';
import { addWhy } from './why.ts';

function program(): Command {
  const waybill = new Command('waybill')
    .description(
      'OAuth tokens for a whole call tree: one request at the edge, a tailored JWT for every service below.',
    )
    .version(version())
    .showHelpAfterError('(--help says more)')
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
    addExplore,
    addServe,
    addToken,
    addKeys,
    addExplain,
  ])
    add(waybill);
  for (const command of waybill.commands) configure(command);
  return waybill;
}

/** What commander does not hand down to commands that exist already. */
function configure(command: Command): void {
  command.exitOverride().showHelpAfterError('(--help says more)');
  for (const below of command.commands) configure(below);
}

const WRONG_USE = 2;

/** Codes that say the request or the command was wrong, not that something which was looked at is. */
const USAGE: ReadonlySet<string> = new Set(
  'usage keys_missing keys_invalid keys_unpublished secret_missing issuer_unavailable issuer_metadata source_unreadable'.split(
    ' ',
  ),
);

try {
  await program().parseAsync(process.argv);
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : WRONG_USE;
  } else if (isWaybillError(error)) {
    const more = error.detail === undefined ? '' : ` (${error.detail})`;
    printError(`${paint.red('error')}  ${paint.dim(error.code)}  ${plain(`${error.message}${more}`)}`);
    process.exitCode = USAGE.has(error.code) ? WRONG_USE : 1;
  } else {
    throw error;
  }
}
