/** Rolls the declarations of an entry into one file, so that a package needs no folder of them and hides what is internal. */
import { readFileSync } from 'node:fs';
import path from 'node:path';

import { Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor';
import ts from 'typescript';

/**
 * @param entry the compiled declarations of the entry, an absolute path.
 * @param output where API Extractor writes its file; the caller may write over it.
 * @returns the text of all declarations that the entry exports or needs.
 */
export function rollUpTypes(root: string, entry: string, output: string): string {
  const quiet = { default: { logLevel: ExtractorLogLevel.None } };
  const config = ExtractorConfig.prepare({
    configObjectFullPath: undefined,
    packageJsonFullPath: path.join(root, 'package.json'),
    configObject: {
      projectFolder: root,
      newlineKind: 'lf',
      mainEntryPointFilePath: entry,
      compiler: { overrideTsconfig: { compilerOptions: compilerOptions(root), files: [entry] } },
      apiReport: { enabled: false },
      docModel: { enabled: false },
      tsdocMetadata: { enabled: false },
      dtsRollup: { enabled: true, untrimmedFilePath: output },
      messages: { extractorMessageReporting: quiet, tsdocMessageReporting: quiet },
    },
  });
  const { succeeded } = Extractor.invoke(config, {
    localBuild: true,
    messageCallback: (message) => {
      message.handled = message.logLevel !== ExtractorLogLevel.Error;
    },
  });
  if (!succeeded) throw new Error(`API Extractor could not roll up the types of ${entry}`);
  const text = readFileSync(output, 'utf8').replace(/\nexport \{ \}\n$/, '\n');
  return [text, ...globalDeclarations(entry)].join('\n');
}

function compilerOptions(root: string): unknown {
  const { compilerOptions } = ts.readConfigFile(path.join(root, 'tsconfig.json'), (file) =>
    readFileSync(file, 'utf8'),
  ).config as {
    compilerOptions: object;
  };
  return { ...compilerOptions, types: ['node'] };
}

/** API Extractor leaves `declare global` out, which adds `waybill` to the request of Express. */
function globalDeclarations(entry: string): string[] {
  const options = { module: ts.ModuleKind.NodeNext, types: [], noLib: true };
  const files = ts.createProgram([entry], options).getSourceFiles();
  return files
    .filter(({ fileName }) => !fileName.includes('/node_modules/'))
    .flatMap((file) =>
      file.statements.filter(ts.isModuleDeclaration).flatMap((declaration) => {
        const isGlobal = (declaration.flags & ts.NodeFlags.GlobalAugmentation) !== 0;
        return isGlobal ? [`${declaration.getText(file)}\n`] : [];
      }),
    );
}
