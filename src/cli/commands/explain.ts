/**
 * `waybill explain CODE`: what a finding or a refusal means; `explain profiles`: the known header limits; `explain TXN --log
 * FILE`: why a request was refused, and where.
 */
import type { Command } from 'commander';
import { usageError } from '../../errors.ts';
import { didYouMean, explanations, type Explanation } from '../../graph/index.ts';
import { PROFILES_READ, profiles, type Profile } from '../../planning/header-budget/index.ts';
import { paint, plain, plural, print, printError, printJson } from '../output/terminal.ts';
import { meaningOf, meanings } from '../refusals/meanings.ts';
import { printRefusals, printStory } from '../refusals/print-story.ts';
import { readStory } from '../refusals/story.ts';

export function addExplain(program: Command): void {
  program
    .command('explain')
    .summary('explain a finding, or why a request was refused; list the known header limits')
    .description(
      'Explains a finding or a refusal by its code. Without a code it lists all findings; `waybill explain profiles` lists the header limits of known products. With --log it reads logs of the issuer, of services and of sidecars: `waybill explain TXN --log FILE…` shows the way of a transaction, and why it was refused; without TXN all refusals. Exit 1: the logs have nothing of it.',
    )
    .argument('[code]', 'the code of a finding or a refusal, `profiles`, or with --log a transaction (`txn`)')
    .option('--log <file...>', 'logs with one JSON object per line; - is standard input')
    .option('--json', 'print JSON')
    .action(async (code: string | undefined, options: { json?: boolean; log?: string[] }) => {
      const json = options.json ?? false;
      if (options.log) await explainLog(code, options.log, json);
      else if (code === 'profiles') explainProfiles(json);
      else if (code === undefined) listCodes(json);
      else explainCode(code, json);
    });
}

async function explainLog(txn: string | undefined, files: readonly string[], json: boolean): Promise<void> {
  const story = await readStory(files, txn);
  if (json) printJson({ ...(txn === undefined ? {} : { txn }), ...story });
  else if (story.events.length === 0) {
    const read = `${plural(story.read.lines, 'line')} of ${plural(files.length, 'file')}`;
    printError(
      txn === undefined
        ? `${read}: no refusal. Services log them with \`onDecision\`.`
        : `${read}: none has the transaction ${plain(txn)}. It is the claim \`txn\` of a token, and the issuer logs it.`,
    );
  } else if (txn === undefined) printRefusals(story);
  else printStory(txn, story);
  if (story.events.length === 0) process.exitCode = 1;
}

function explainCode(code: string, json: boolean): void {
  const known: Readonly<Record<string, Explanation>> = explanations;
  const found = Object.hasOwn(known, code) ? known[code] : undefined;
  if (!found) return explainRefusal(code, json);
  if (json) printJson({ code, ...found });
  else print(`${paint.bold(found.title)}  ${paint.dim(`${code}, ${found.severity}`)}\n\n${found.text}`);
}

function explainRefusal(code: string, json: boolean): void {
  const found = meaningOf(code);
  if (!found) {
    const codes = [...Object.keys(explanations), ...Object.keys(meanings)];
    const hint = didYouMean(code, codes) || '`waybill explain` lists all findings.';
    throw usageError(`No finding and no refusal has the code ${code}. ${hint}`);
  }
  if (json) printJson({ code, ...found });
  else print(`${paint.bold(code)}  ${paint.dim('a refusal')}\n\n${found.meaning} ${found.advice}`);
}

function listCodes(json: boolean): void {
  const all = Object.entries(explanations).map(([code, { severity, title }]) => ({ code, severity, title }));
  if (json) return printJson(all);
  for (const { code, severity, title } of all) {
    print(
      `${code.padEnd(28)}${(severity === 'error' ? paint.red : paint.yellow)(severity.padEnd(9))}${title}`,
    );
  }
}

function explainProfiles(json: boolean): void {
  if (json) return printJson({ read: PROFILES_READ, profiles: [...profiles.values()] });
  print(
    `Default header limits of products, read ${PROFILES_READ}, in bytes. \`line\` is one header, \`total\` all headers.\n`,
  );
  for (const profile of profiles.values()) print(profileLine(profile));
}

function profileLine(profile: Profile): string {
  const { name, maxLine, maxTotal, counts, knob, beyond, evidence, version } = profile;
  if (evidence.length === 0) return `${name.padEnd(20)}${paint.dim('unknown: set max_line or max_total')}`;
  const line = maxLine === undefined ? '' : `line ${maxLine}`;
  const total = maxTotal === undefined ? '' : `total ${maxTotal}${counts === 'lines' ? '' : ` (${counts})`}`;
  const source = `${evidence.join(', ')}${version === undefined ? '' : `, ${version}`}`;
  return `${name.padEnd(20)}${line.padEnd(12)}${total.padEnd(22)}${paint.dim(`${knob}; beyond it: ${beyond} (${source})`)}`;
}
