/** `waybill keys list|rotate` and the key file of `serve`. */
import { Option, type Command } from 'commander';
import {
  SIGNING_ALGORITHMS,
  WaybillError,
  generateKey,
  isExposed,
  readKeyFile,
  rotate,
  systemClock,
  writeKeyFile,
  type KeyRecord,
  type SigningAlgorithm,
} from '../index.ts';
import { paint, plain, plural, print, printError, printJson } from './terminal.ts';

export const DEFAULT_KEY_FILE = 'waybill-keys.json';

interface KeyOptions {
  readonly keys: string;
  readonly json?: boolean;
}

export function addKeys(program: Command): void {
  const keys = program.command('keys').description('The signing keys of an issuer, in a key file.');
  const file = () => new Option('--keys <file>', 'the key file').default(DEFAULT_KEY_FILE);
  keys
    .command('list')
    .description('Lists the keys of a file, without their secrets.')
    .addOption(file())
    .option('--json', 'print JSON')
    .action((options: KeyOptions) => list(options));
  keys
    .command('rotate')
    .description(
      'Makes a new signing key. The ones before it stay published for a day, so that their tokens verify to the end.',
    )
    .addOption(file())
    .addOption(
      new Option('--alg <name>', 'the algorithm; default: that of the key which signs now').choices(
        SIGNING_ALGORITHMS,
      ),
    )
    .option('--json', 'print JSON')
    .action((options: KeyOptions & { readonly alg?: SigningAlgorithm }) => rotateKeys(options));
}

function list({ keys, json }: KeyOptions): void {
  const records = readKeyFile(keys);
  if (!records)
    throw new WaybillError(
      'keys_missing',
      `There is no key file ${keys}. \`waybill serve\` makes one, or \`waybill keys rotate\`.`,
    );
  if (json) return printJson({ file: keys, keys: records.map(visible) });
  for (const record of records) {
    const { kid, alg, status, created } = visible(record);
    print(
      `${paint.bold(plain(kid).padEnd(10))}${alg.padEnd(9)}${(status === 'active' ? paint.green : paint.dim)(status.padEnd(9))}${paint.dim(`since ${created}`)}`,
    );
  }
}

async function rotateKeys({
  keys,
  alg,
  json,
}: KeyOptions & { readonly alg?: SigningAlgorithm }): Promise<void> {
  const records = readKeyFile(keys) ?? [];
  const chosen = alg ?? records.find((record) => record.status === 'active')?.alg ?? 'ES256';
  const rotated = await rotate(records, chosen, systemClock);
  writeKeyFile(keys, rotated);
  const [fresh] = rotated;
  if (json) return printJson({ file: keys, keys: rotated.map(visible) });
  print(
    `${fresh?.kid ?? ''} is the key that signs with ${chosen} from now on; ${plural(rotated.length, 'key')} in ${plain(keys)}. A running issuer takes it up on SIGHUP.`,
  );
}

function visible({ kid, alg, status, created, retired }: KeyRecord) {
  const time = (seconds: number) => new Date(seconds * 1000).toISOString();
  return {
    kid,
    alg,
    status,
    created: time(created),
    ...(retired === undefined ? {} : { retired: time(retired) }),
  };
}

/** The keys that an issuer starts with. */
export interface OpenedKeys {
  readonly records: readonly KeyRecord[];
  /** Makes the file where it was missing, and says so; warns where others may read it. */
  settle(): void;
}

/** Reads the key file. A missing one is made only by `settle`: an issuer that cannot start leaves nothing behind. */
export async function openKeyFile(path: string, alg: SigningAlgorithm): Promise<OpenedKeys> {
  const found = readKeyFile(path);
  const records = found ?? [await generateKey(alg, systemClock)];
  const settle = (): void => {
    if (!found) {
      writeKeyFile(path, records);
      printError(
        `${paint.yellow('new key file')}  ${plain(path)} was missing: it was made with one ${alg} key, readable by you alone. Keep it; tokens signed with it end when it is lost.`,
      );
    } else if (isExposed(path)) {
      printError(
        `${paint.yellow('warning')}  ${plain(path)} holds private keys and others may read it: chmod 600 ${plain(path)}`,
      );
    }
  };
  return { records, settle };
}
