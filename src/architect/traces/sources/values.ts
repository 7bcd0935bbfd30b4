/** Reads members of parsed JSON from untrusted files; only own properties count. */
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

/** The string, or '' for any other value. */
export function rawText(object: Json | undefined, key: string): string {
  const value = member(object, key);
  return typeof value === 'string' ? value : '';
}

/** A printable, bounded name, or '' for any other value. */
export function nameAt(object: Json | undefined, key: string): string {
  return bounded(rawText(object, key));
}

/** A number of at least 0, also one written as a string. */
export function countOf(value: unknown): number | undefined {
  const count = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof count === 'number' && Number.isFinite(count) && count >= 0 ? count : undefined;
}
