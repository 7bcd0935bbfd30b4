/** `waybill keys list|rotate`. */
import { Option, type Command } from 'commander';
import { systemClock } from '../../clock.ts';
import { WaybillError } from '../../errors.ts';
import { changeKeyFile, keyChanges, readKeyFile, rotate, type KeyRecord } from '../../issuer/keys/index.ts';
import { SIGNING_ALGORITHMS, type SigningAlgorithm } from '../../token/index.ts';
import { keyLine, keyView, told, type KeyView } from '../output/key-view.ts';
import { rotationOption } from '../serving/rotation-period.ts';
import { print, printJson } from '../output/terminal.ts';

export const DEFAULT_KEY_FILE = 'waybill-keys.json';

interface KeyOptions {
  readonly keys: string;
  readonly json?: boolean;
}

interface ListOptions extends KeyOptions {
  readonly rotateKeys?: number;
}

interface RotateOptions extends KeyOptions {
  readonly alg?: SigningAlgorithm;
  readonly now?: boolean;
}

export function addKeys(program: Command): void {
  const keys = program
    .command('keys')
    .summary('list and rotate the keys that sign')
    .description('The signing keys of an issuer, in a key file.');
  const file = () => new Option('--keys <file>', 'the key file').default(DEFAULT_KEY_FILE);
  keys
    .command('list')
    .summary('show them, and what comes')
    .description('Lists the keys of a file, without their secrets: status, algorithm, age, and what comes.')
    .addOption(file())
    .addOption(rotationOption('the schedule of the issuer, as given to serve: says when the keys change'))
    .option('--json', 'print JSON')
    .action((options: ListOptions) => list(options));
  keys
    .command('rotate')
    .summary('let the next key sign')
    .description(
      'The next key signs from now on, the one before it stays published for as long as its tokens can live, and a new next key is published. ' +
        'Refused while the next key is not published for long enough; running issuers take the file up within seconds.',
    )
    .addOption(file())
    .addOption(
      new Option(
        '--alg <name>',
        'the algorithm; default: that of the active key. For one that the file has no key for, two are made, and the graph may name it once they are known',
      ).choices(SIGNING_ALGORITHMS),
    )
    .option('--now', 'rotate in any case: some verifiers refuse new tokens until they look for keys again')
    .option('--json', 'print JSON')
    .action((options: RotateOptions) => rotateKeys(options));
}

function list({ keys, rotateKeys: every, json }: ListOptions): void {
  const records = readKeyFile(keys);
  if (!records)
    throw new WaybillError(
      'keys_missing',
      `There is no key file ${keys}. \`waybill serve\` makes one, or \`waybill keys rotate\`.`,
    );
  const now = systemClock();
  const views = records.map((record) => keyView(record, records, every, now));
  if (json) return printJson({ file: keys, keys: views });
  for (const view of views) print(keyLine(view));
}

async function rotateKeys({ keys, alg, now = false, json }: RotateOptions): Promise<void> {
  let before: readonly KeyRecord[] = [];
  const after = await changeKeyFile(keys, async (found = []) => {
    before = found;
    return rotate(found, alg ?? algorithmOf(found, keys), systemClock, { now });
  });
  const changes = keyChanges(before, after);
  if (!json) return print(told(changes, before, keys));
  const time = systemClock();
  const views = (some: readonly KeyRecord[]): KeyView[] =>
    some.map((record) => keyView(record, after, undefined, time));
  printJson({
    file: keys,
    keys: views(after),
    made: kids(changes.made),
    activated: kids(changes.activated),
    retired: kids(changes.retired),
    dropped: kids(changes.dropped),
  });
}

/** That of the key which signs. With keys of two algorithms the graph alone knows which one. */
function algorithmOf(records: readonly KeyRecord[], file: string): SigningAlgorithm {
  const found = records.filter(({ status }) => status === 'active').map(({ alg }) => alg);
  if (found.length < 2) return found[0] ?? 'ES256';
  throw new WaybillError(
    'usage',
    `${file} has active keys for ${found.join(' and ')}: say which with --alg, as the graph has it in \`signing\`.`,
  );
}

function kids(records: readonly KeyRecord[]): string[] {
  return records.map(({ kid }) => kid);
}
