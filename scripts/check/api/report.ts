/** The public API as text: what an entrance exports, with every type that it names. In: built declarations. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor';
import { format, resolveConfig } from 'prettier';
import { REPORTS, type Entry } from './entries.ts';

const QUIET = { logLevel: ExtractorLogLevel.None, addToApiReportFile: false };

/** @throws Error where the declarations are not built, or API Extractor cannot read them. */
async function reportOf(root: string, { declarations, report }: Entry): Promise<string> {
  const folder = mkdtempSync(path.join(tmpdir(), 'waybill-api-'));
  try {
    const config = ExtractorConfig.prepare({
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
            // The report lists types that programs meet and cannot name.
            'ae-forgotten-export': { logLevel: ExtractorLogLevel.None, addToApiReportFile: true },
          },
          tsdocMessageReporting: { default: QUIET },
        },
      },
    });
    const { succeeded } = Extractor.invoke(config, { localBuild: true, messageCallback: silence });
    if (!succeeded) throw new Error(`API Extractor could not read ${declarations}`);
    const text = readFileSync(path.join(folder, `${report}.api.md`), 'utf8');
    const filepath = path.join(root, REPORTS, `${report}.api.md`);
    return await format(text, { ...(await resolveConfig(filepath)), filepath });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function silence(message: { logLevel: ExtractorLogLevel }): void {
  if (message.logLevel !== ExtractorLogLevel.Error) message.logLevel = ExtractorLogLevel.None;
}

/** @returns what is wrong with the reports that are kept, a line each; with `write` they are written instead. */
export async function staleReports(
  root: string,
  entries: readonly Entry[],
  write: boolean,
): Promise<string[]> {
  const problems: string[] = [];
  for (const entry of entries) {
    const file = `${REPORTS}/${entry.report}.api.md`;
    const text = await reportOf(root, entry);
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
