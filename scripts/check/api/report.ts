/**
 * The public API as text: what an entrance exports, with every type that it names, and which of these types programs
 * cannot name. In: built declarations.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CompilerState, Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor';
import { format, resolveConfig } from 'prettier';
import type ts from 'typescript';
import { REPORTS, type Entry } from './entries.ts';
import { namesOf } from './exports.ts';

const FORGOTTEN = 'ae-forgotten-export';
const QUIET = { logLevel: ExtractorLogLevel.None, addToApiReportFile: false };

interface Report {
  readonly text: string;
  /** Types that the API names and that the entrance does not export. */
  readonly forgotten: readonly string[];
}

/** @param folder where the report is written. */
function configOf(root: string, { declarations, report }: Entry, folder: string): ExtractorConfig {
  return ExtractorConfig.prepare({
    configObjectFullPath: undefined,
    packageJsonFullPath: path.join(root, 'package.json'),
    configObject: {
      projectFolder: root,
      mainEntryPointFilePath: path.join(root, declarations),
      compiler: { tsconfigFilePath: path.join(root, 'src/tsconfig.json') },
      apiReport: { enabled: true, reportFolder: folder, reportTempFolder: folder, reportFileName: report },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      newlineKind: 'lf',
      messages: {
        extractorMessageReporting: {
          default: QUIET,
          [FORGOTTEN]: { logLevel: ExtractorLogLevel.Warning, addToApiReportFile: false },
        },
        tsdocMessageReporting: { default: QUIET },
      },
    },
  });
}

/** @throws Error where the declarations are not built, or API Extractor cannot read them. */
async function reportsOf(root: string, entries: readonly Entry[]): Promise<Map<Entry, Report>> {
  const folder = mkdtempSync(path.join(tmpdir(), 'waybill-api-'));
  try {
    const configs = new Map(entries.map((entry) => [entry, configOf(root, entry, folder)]));
    const [first] = configs.values();
    if (first === undefined) return new Map();
    // The compiler reads the declarations of every entrance once; most of the time goes into those of libraries.
    const compilerState = CompilerState.create(first, {
      additionalEntryPoints: entries.map(({ declarations }) => path.join(root, declarations)),
    });
    const reports = new Map<Entry, Report>();
    for (const [entry, config] of configs)
      reports.set(entry, await reportOf(root, entry, config, compilerState));
    return reports;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function reportOf(
  root: string,
  { declarations, report }: Entry,
  config: ExtractorConfig,
  compilerState: CompilerState,
): Promise<Report> {
  const forgotten = new Set<string>();
  const { succeeded } = Extractor.invoke(config, {
    compilerState,
    localBuild: true,
    messageCallback(message) {
      const [, name] = message.messageId === FORGOTTEN ? (/symbol "(.+?)"/.exec(message.text) ?? []) : [];
      if (name !== undefined) forgotten.add(name);
      message.handled = message.logLevel !== ExtractorLogLevel.Error;
    },
  });
  if (!succeeded) throw new Error(`API Extractor could not read ${declarations}`);
  const text = readFileSync(path.join(config.reportFolder, `${report}.api.md`), 'utf8');
  const filepath = path.join(root, REPORTS, `${report}.api.md`);
  return {
    text: await format(text, { ...(await resolveConfig(filepath)), filepath }),
    forgotten: [...forgotten].sort(),
  };
}

/**
 * Types that a program meets and cannot name, and reports that differ from the API.
 *
 * @param program that of the entrances' sources.
 * @param write writes the reports instead of comparing them.
 * @returns what is wrong, a line each.
 */
export async function reportProblems(
  root: string,
  entries: readonly Entry[],
  program: ts.Program,
  write: boolean,
): Promise<string[]> {
  const problems: string[] = [];
  for (const [entry, { text, forgotten }] of await reportsOf(root, entries)) {
    const file = `${REPORTS}/${entry.report}.api.md`;
    const beside = namesOf(
      root,
      program,
      entries.filter(({ name }) => entry.beside.includes(name)),
    );
    for (const name of forgotten.filter((one) => !beside.has(one)))
      problems.push(`${entry.source}: the API of ${entry.name} names ${name}, which is not exported.`);
    const target = path.join(root, file);
    if (write) {
      mkdirSync(path.dirname(target), { recursive: true });
      writeFileSync(target, text);
    } else if (!existsSync(target)) {
      problems.push(`${file}: missing. Run npm run api.`);
    } else {
      const kept = readFileSync(target, 'utf8').split('\n');
      const line = text.split('\n').findIndex((one, at) => one !== kept[at]);
      if (text !== kept.join('\n'))
        problems.push(
          `${file}:${line + 1}: the API of ${entry.name} is another now. If that is meant, run npm run api and commit the report.`,
        );
    }
  }
  return problems;
}
