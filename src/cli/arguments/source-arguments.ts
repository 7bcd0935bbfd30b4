/** What `import` and `drift` share: the format, the files, and a bar that tells how far the reading is. */
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
import { interruptible } from '../output/interrupt.ts';

export interface SourceArguments {
  readonly from: SourceFormat;
}

export function withSourceOptions(command: Command): Command {
  return command.addOption(
    new Option('--from <format>', 'what the files are').choices(SOURCE_FORMATS).makeOptionMandatory(),
  );
}

/** @param files paths; `-` is standard input. */
export async function observeFiles(
  files: readonly string[],
  { from }: SourceArguments,
): Promise<Observation> {
  const inputs = files.map((file): SourceInput => (file === '-' ? standardInput() : fileInput(file)));
  return interruptible(async (signal) => {
    const bar = progressBar(inputs);
    const progress = bar && { progress: (bytes: number) => bar.update(megabytes(bytes)) };
    try {
      return await observe(inputs, from, { signal, ...progress });
    } finally {
      bar?.stop();
    }
  });
}

function standardInput(): SourceInput {
  return { name: 'standard input', chunks: process.stdin };
}

/** Below this no reading takes long enough to be watched. */
const WORTH_WATCHING = 16 * 1024 * 1024;

/** On a terminal only, and beside the result: on standard error. */
function progressBar(inputs: readonly SourceInput[]): SingleBar | undefined {
  let total = 0;
  for (const { size } of inputs) total += size ?? 0;
  if (total < WORTH_WATCHING || !process.stderr.isTTY) return undefined;
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
