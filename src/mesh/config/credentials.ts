/** The credentials of the sidecar's service: secrets and keys from files and variables. */
import { type WaybillError, usageError } from '../../errors.ts';
import { InputFault, parseJsonInput } from '../../input/json-input.ts';
import type { CredentialsOptions } from '../../middleware/index.ts';
import { readTextFile } from './text-file.ts';

export interface CredentialsConfig {
  readonly client_id: string;
  readonly method?: string;
  readonly secret_file?: string;
  readonly secret_env?: string;
  readonly key_file?: string;
  readonly alg?: string;
  readonly svid_file?: string;
  readonly cert_file?: string;
  readonly ca_file?: string;
}

/** The key of each member that has no secret in it, as the extractor names it. */
const MEMBERS = {
  client_id: 'clientId',
  method: 'method',
  alg: 'alg',
  svid_file: 'svidFile',
  cert_file: 'certFile',
  key_file: 'keyFile',
  ca_file: 'caFile',
} as const;

/**
 * The extractor checks which of them belong together.
 *
 * @throws WaybillError `usage`
 */
export function readSecretCredentials(
  config: CredentialsConfig,
  environment: Readonly<Record<string, string | undefined>>,
): CredentialsOptions {
  const { secret_env: env, secret_file: file, key_file: keyFile, ...rest } = config;
  if (env !== undefined && file !== undefined) throw usage('takes secret_env or secret_file, not both');
  const options: Record<string, unknown> = Object.fromEntries(
    Object.entries(rest).map(([key, value]) => [MEMBERS[key as keyof typeof rest], value]),
  );
  if (env !== undefined) options['secret'] = environment[env] ?? missing(`the variable ${env} is not set`);
  if (file !== undefined) options['secret'] = readTextFile(file, 'credentials: secret_file').trim();
  if (keyFile !== undefined && config.method === 'private_key_jwt') options['key'] = readKey(keyFile);
  else if (keyFile !== undefined) options['keyFile'] = keyFile;
  return options as unknown as CredentialsOptions;
}

function readKey(file: string): unknown {
  try {
    return parseJsonInput(readTextFile(file, 'credentials: key_file'));
  } catch (error) {
    if (!(error instanceof InputFault)) throw error;
    throw usage(`key_file ${file} cannot be read: ${error.message}`);
  }
}

function missing(message: string): never {
  throw usage(message);
}

function usage(message: string): WaybillError {
  return usageError(`credentials: ${message}.`);
}
