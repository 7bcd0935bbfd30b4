/**
 * The configuration of a sidecar: a small file in YAML or JSON, and variables of the environment, which count before it.
 * Both are held to `schemas/sidecar.schema.json`. Secrets are in neither: they are named by file or variable.
 */
import { readFileSync } from 'node:fs';

import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import { YAMLException, load } from 'js-yaml';

import { type WaybillError, usageError } from '../../errors.ts';
import { didYouMean } from '../../graph/index.ts';
import { readInputFile } from '../../input/input-file.ts';
import { InputFault, decodeInput } from '../../input/json-input.ts';
import type { SidecarConfig } from './config.ts';
import { environmentValues, unknownVariables, variableOf } from './environment.ts';
import type { ObjectSchema, Schema } from './schema.ts';

const SCHEMA = new URL('../../../schemas/sidecar.schema.json', import.meta.url);
const MAX_FILE_BYTES = 1024 * 1024;
const MAX_DEPTH = 16;

export interface ReadConfig {
  readonly config: SidecarConfig;
  /** Variables that begin with WAYBILL_ and mean nothing, each with a hint. */
  readonly ignored: readonly string[];
}

/**
 * @param file absent: the environment alone.
 * @param options of the command line, in the shape of the configuration; they count first.
 * @throws WaybillError `usage`
 */
export function readConfig(
  file: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
  options: Readonly<Record<string, unknown>> = {},
): ReadConfig {
  const schema = JSON.parse(readFileSync(SCHEMA, 'utf8')) as ObjectSchema;
  const document = file === undefined ? {} : readFile(file);
  const config = merged(merged(document, environmentValues(schema, environment)), options);
  const validate = new Ajv2020({ verbose: true, allowUnionTypes: true }).compile(schema);
  if (!validate(config)) throw usage(file, wording(validate.errors?.[0]));
  return { config: config as unknown as SidecarConfig, ignored: unknownVariables(schema, environment) };
}

function readFile(file: string): Readonly<Record<string, unknown>> {
  try {
    const document = load(decodeInput(readInputFile(file, MAX_FILE_BYTES)), {
      maxDepth: MAX_DEPTH,
      maxAliases: 0,
    });
    if (isObject(document)) return document;
    throw new InputFault('it must be a mapping');
  } catch (error) {
    if (error instanceof InputFault) throw usage(file, `it cannot be read: ${error.message}`);
    if (error instanceof YAMLException)
      throw usage(file, `line ${(error.mark?.line ?? 0) + 1} is not YAML that can be read: ${error.reason}`);
    throw usage(file, `it cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown reason'})`);
  }
}

function merged(
  base: Readonly<Record<string, unknown>>,
  over: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const result: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const below = result[key];
    result[key] = isObject(value) && isObject(below) ? merged(below, value) : value;
  }
  return result;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** One sentence. The value is not repeated: it may be a secret at the wrong place. */
function wording(error: ErrorObject | undefined): string {
  if (error === undefined) return 'it does not fit the schema';
  const path = error.instancePath.split('/').slice(1).join('.');
  const where = path === '' ? 'it' : path;
  const { description = '' } = (error.parentSchema ?? {}) as Schema;
  const params = error.params as Readonly<Record<string, unknown>>;
  switch (error.keyword) {
    case 'additionalProperties': {
      const key = String(params['additionalProperty']);
      const known = Object.keys((error.parentSchema as ObjectSchema).properties);
      return `${where} has no key \`${key}\`. ${didYouMean(key, known) || `Known: ${known.join(', ')}.`}`;
    }
    case 'required': {
      const key = String(params['missingProperty']);
      const variable = variableOf([...error.instancePath.split('/').slice(1), key]);
      return `${where} lacks the key \`${key}\`, and ${variable} is not set`;
    }
    case 'enum':
      return `${where} must be one of ${(params['allowedValues'] as readonly string[]).join(', ')}`;
    default:
      return `${where} ${error.message ?? 'is not allowed'}. ${description}`;
  }
}

function usage(file: string | undefined, message: string): WaybillError {
  const text = message.trim().replace(/\.?$/, '.');
  return usageError(`${file ?? 'The configuration'}: ${text}`);
}
