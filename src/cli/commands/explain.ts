/** `waybill explain CODE`: what a finding means; `waybill explain profiles`: the known header limits. */
import type { Command } from 'commander';
import { usageError } from '../../errors.ts';
import { didYouMean, explanations, type Explanation } from '../../graph/index.ts';
import { PROFILES_READ, profiles, type Profile } from '../../planning/header-budget/index.ts';
import { paint, print, printJson } from '../output/terminal.ts';

export function addExplain(program: Command): void {
  program
    .command('explain')
    .summary('explain a finding, or list the known header limits')
    .description(
      'Explains a finding by its code. Without a code it lists all codes; `waybill explain profiles` lists the header limits of known products.',
    )
    .argument('[code]', 'the code of a finding, or `profiles`')
    .option('--json', 'print JSON')
    .action((code: string | undefined, options: { json?: boolean }) => {
      if (code === 'profiles') explainProfiles(options.json ?? false);
      else if (code === undefined) listCodes(options.json ?? false);
      else explainCode(code, options.json ?? false);
    });
}

function explainCode(code: string, json: boolean): void {
  const known: Readonly<Record<string, Explanation>> = explanations;
  const found = Object.hasOwn(known, code) ? known[code] : undefined;
  if (!found) {
    const hint = didYouMean(code, Object.keys(known)) || '`waybill explain` lists all codes.';
    throw usageError(`No finding has the code ${code}. ${hint}`);
  }
  if (json) printJson({ code, ...found });
  else print(`${paint.bold(found.title)}  ${paint.dim(`${code}, ${found.severity}`)}\n\n${found.text}`);
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
  if (evidence.length === 0) return `${name.padEnd(18)}${paint.dim('unknown: set max_line or max_total')}`;
  const line = maxLine === undefined ? '' : `line ${maxLine}`;
  const total = maxTotal === undefined ? '' : `total ${maxTotal}${counts === 'lines' ? '' : ` (${counts})`}`;
  const source = `${evidence.join(', ')}${version === undefined ? '' : `, ${version}`}`;
  return `${name.padEnd(18)}${line.padEnd(12)}${total.padEnd(22)}${paint.dim(`${knob}; beyond it: ${beyond} (${source})`)}`;
}
