/** Careful reading of parsed JSON, of which nothing is certain. Only own members count. */
import { bounded } from '../spans/operation.ts';

export type Json = Readonly<Record<string, unknown>>;

export function asObject(value: unknown): Json | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}

export function member(object: Json | undefined, key: string): unknown {
  return object && Object.hasOwn(object, key) ? object[key] : undefined;
}

export function objectAt(object: Json | undefined, key: string): Json | undefined {
  return asObject(member(object, key));
}

export function listAt(object: Json | undefined, key: string): readonly unknown[] {
  const value = member(object, key);
  return Array.isArray(value) ? value : [];
}

/** As it stands; empty where it is no text. */
export function rawText(object: Json | undefined, key: string): string {
  const value = member(object, key);
  return typeof value === 'string' ? value : '';
}

/** A name: printable and bounded; empty where it is no text. */
export function nameAt(object: Json | undefined, key: string): string {
  return bounded(rawText(object, key));
}

/** A number that counts something, or a text that is one; nothing where it is neither, or below 0. */
export function countOf(value: unknown): number | undefined {
  const count = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof count === 'number' && Number.isFinite(count) && count >= 0 ? count : undefined;
}
