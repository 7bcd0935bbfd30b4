/** Values of the configuration from variables: `client_cert.from` from WAYBILL_CLIENT_CERT_FROM. */
import { didYouMean } from '../../graph/index.ts';
import { isObjectSchema, type ObjectSchema, type Schema } from './schema.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const PREFIX = 'WAYBILL_';

/**
 * @returns what is set, in the shape of the configuration. A text that is no number where one belongs stays a text, so that
 *   the schema refuses it.
 */
export function environmentValues(schema: ObjectSchema, environment: Environment): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const { name, path, schema: leaf } of variablesOf(schema)) {
    const text = environment[name];
    if (text === undefined || text === '') continue;
    const [key = '', below] = path;
    if (below === undefined) values[key] = valueOf(leaf, text);
    else values[key] = { ...(values[key] as object | undefined), [below]: valueOf(leaf, text) };
  }
  return values;
}

/**
 * Variables with the prefix that are none of the configuration. An orchestrator sets such, for services of that name, so
 * they are no error.
 */
export function unknownVariables(schema: ObjectSchema, environment: Environment): readonly string[] {
  const known = variablesOf(schema).map(({ name }) => name);
  return Object.keys(environment)
    .filter((name) => name.startsWith(PREFIX) && !known.includes(name) && environment[name] !== '')
    .map((name) => `${name}. ${didYouMean(name, known)}`.trim());
}

interface Variable {
  readonly name: string;
  readonly path: readonly string[];
  readonly schema: Schema;
}

/** The variable of a key, below others. */
export function variableOf(path: readonly string[]): string {
  return PREFIX + path.join('_').toUpperCase();
}

/** Texts, numbers and lists; what has names of the author's own is for the file. */
function variablesOf({ properties }: ObjectSchema, above: readonly string[] = []): Variable[] {
  return Object.entries(properties).flatMap(([key, schema]): Variable[] => {
    const path = [...above, key];
    if (isObjectSchema(schema)) return variablesOf(schema, path);
    if (schema.type === 'object') return [];
    return [{ name: variableOf(path), path, schema }];
  });
}

function valueOf({ type }: Schema, text: string): unknown {
  switch (type) {
    case 'array':
      return text.split(',').map((item) => item.trim());
    case 'integer':
      return /^\d{1,15}$/.test(text) ? Number(text) : text;
    case 'boolean':
      return text === 'true' || text === 'false' ? text === 'true' : text;
    default:
      return text;
  }
}
