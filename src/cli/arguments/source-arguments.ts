/** Shared by `import` and `drift`: the format, the files and a progress bar. */
import { existsSync } from 'node:fs';
import { Option, type Command } from 'commander';
import { SingleBar } from 'cli-progress';
import {
  SOURCE_FORMATS,
  fileInput,
  observe,
  type Observation,
  type SourceFormat,
  type SourceInput,
} from '../../architect/traces/index.ts';
import type { RenameArguments } from './renames.ts';
import { interruptible } from '../output/interrupt.ts';

export interface SourceArguments {
  readonly from: SourceFormat;
  readonly withProbes?: boolean;
}

export function withSourceOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--from <format>', 'the format of the files, except those written as FORMAT:FILE')
        .choices(SOURCE_FORMATS)
        .makeOptionMandatory(),
    )
    .option('--with-probes', 'count health checks and metrics as operations too');
}

/** @param files paths, each possibly with its format before it; `-` is standard input. */
export async function observeFiles(
  files: readonly string[],
  { from, rename, withProbes = false }: SourceArguments & RenameArguments,
): Promise<Observation> {
  const inputs = files.map(inputOf);
  return interruptible(async (signal) => {
    const bar = progressBar(inputs);
    const progress = bar && { progress: (bytes: number) => bar.update(megabytes(bytes)) };
    try {
      return await observe(inputs, from, { signal, renames: rename, withProbes, ...progress });
    } finally {
      bar?.stop();
    }
  });
}

function inputOf(argument: string): SourceInput {
  const { file, format } = partsOf(argument);
  if (file !== '-') return fileInput(file, format);
  return { name: 'standard input', chunks: process.stdin, ...(format && { format }) };
}

/** The file of an argument, which may have its format before it. */
export function partsOf(argument: string): { readonly file: string; readonly format?: SourceFormat } {
  const format = SOURCE_FORMATS.find((one) => argument.startsWith(`${one}:`));
  // A file may have such a name.
  if (format === undefined || existsSync(argument)) return { file: argument };
  return { file: argument.slice(format.length + 1), format };
}

/** Smaller inputs are read too fast for a progress bar. */
const MIN_PROGRESS_BYTES = 16 * 1024 * 1024;

/** On a terminal only, and on standard error, apart from the result. */
function progressBar(inputs: readonly SourceInput[]): SingleBar | undefined {
  let total = 0;
  for (const { size } of inputs) total += size ?? 0;
  if (total < MIN_PROGRESS_BYTES || !process.stderr.isTTY) return undefined;
  const bar = new SingleBar({
    format: 'reading [{bar}] {percentage} %  {value} of {total} MB  {eta_formatted} left',
    stream: process.stderr,
    hideCursor: true,
    clearOnComplete: true,
  });
  bar.start(megabytes(total), 0);
  return bar;
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1_000_000);
}
