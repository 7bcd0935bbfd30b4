/** `waybill keys list|rotate|encryption`. */
import { Option, type Command } from 'commander';
import { systemClock } from '../../clock.ts';
import { WaybillError, usageError } from '../../errors.ts';
import { changeKeyFile, keyChanges, readKeyFile, rotate, type KeyRecord } from '../../issuer/keys/index.ts';
import { SIGNING_ALGORITHMS, type SigningAlgorithm } from '../../token/index.ts';
import { makeEncryptionKey, type EncryptionKeyOptions } from './make-encryption-key.ts';
import { describeRotation, keyLine, keyView, type KeyView } from '../output/key-view.ts';
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
    .summary('list and rotate the signing keys, make encryption keys')
    .description('Lists and rotates the signing keys in a key file, and makes key pairs for sealed tokens.');
  const file = () => new Option('--keys <file>', 'the key file').default(DEFAULT_KEY_FILE);
  keys
    .command('list')
    .summary('list the keys and their next change')
    .description('Lists the keys of a file, without their secrets: algorithm, status, age and next change.')
    .addOption(file())
    .addOption(rotationOption("the issuer's rotation schedule, as given to `serve`; shows when keys change"))
    .option('--json', 'print JSON')
    .action((options: ListOptions) => list(options));
  keys
    .command('rotate')
    .summary('make the next key the signing key')
    .description(
      'Makes the next key the signing key, keeps the previous key published as long as its tokens can live, and publishes a new next key. ' +
        'Refused until the next key has been published long enough. Running issuers read the file within seconds.',
    )
    .addOption(file())
    .addOption(
      new Option(
        '--alg <name>',
        'the algorithm; default: that of the active key. For a new algorithm two keys are made; change `signing` in the graph once verifiers know them',
      ).choices(SIGNING_ALGORITHMS),
    )
    .option('--now', 'rotate immediately: some verifiers refuse new tokens until they fetch the keys again')
    .option('--json', 'print JSON')
    .action((options: RotateOptions) => rotateKeys(options));
  keys
    .command('encryption')
    .summary('make an encryption key pair for a service')
    .description(
      'Makes a key pair for tokens that are sealed to a service: the private keys for the service (`decryption`), the public ones for the graph (`encryption`). ' +
        'Where the file of private keys exists, the new key comes first and the one before stays, so that nothing is refused while keys rotate.',
    )
    .requiredOption('--private <file>', 'the private keys (JWK Set), for the service alone')
    .requiredOption('--public <file>', 'the public keys (JWK Set), for `encryption` in the graph')
    .addOption(new Option('--curve <name>', 'the curve').choices(['X25519', 'P-256']).default('X25519'))
    .option('--wrap', 'ECDH-ES+A256KW in place of ECDH-ES; tokens are 63 characters longer')
    .option('--json', 'print JSON')
    .action((options: EncryptionKeyOptions) => makeEncryptionKey(options));
}

function list({ keys, rotateKeys: every, json }: ListOptions): void {
  const records = readKeyFile(keys);
  if (!records)
    throw new WaybillError(
      'keys_missing',
      `The key file ${keys} does not exist. \`waybill serve\` and \`waybill keys rotate\` create one.`,
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
  if (!json) return print(describeRotation(changes, before, keys));
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

/** The algorithm of the active key. If two algorithms have one, only the graph knows which signs. */
function algorithmOf(records: readonly KeyRecord[], file: string): SigningAlgorithm {
  const found = records.filter(({ status }) => status === 'active').map(({ alg }) => alg);
  if (found.length < 2) return found[0] ?? 'ES256';
  throw usageError(
    `${file} has active keys for ${found.join(' and ')}. Choose one with --alg, as in the graph's \`signing\`.`,
  );
}

function kids(records: readonly KeyRecord[]): string[] {
  return records.map(({ kid }) => kid);
}
