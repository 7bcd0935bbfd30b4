/**
 * Parts of a graph that are in error, so that nothing or a default stands for them. Parts are named by JSON pointers
 * (RFC 6901): `/services/shop/scopes`.
 */

/** Beyond this many, everything counts as misread: a hostile file has millions of wrong values. */
const MAX_PARTS = 1_000;

export class Misread {
  readonly #parts = new Set<string>();
  /** These and all that they are in. */
  readonly #around = new Set<string>();

  add(part: string): void {
    const counted = this.#parts.size < MAX_PARTS ? part : '';
    this.#parts.add(counted);
    for (const outer of enclosing(counted)) this.#around.add(outer);
  }

  get any(): boolean {
    return this.#parts.size > 0;
  }

  /** Whether a part, something in it, or what it is in was misread; of `keysOf`, not what is in it. */
  touches(part: string): boolean {
    const whole = part.endsWith(KEYS) ? part.slice(0, -KEYS.length) : part;
    return this.#around.has(part) || enclosing(whole).some((outer) => this.#parts.has(outer));
  }
}

/** No pointer ends so: a key is a name. */
const KEYS = '/';

/** Which keys a mapping has, whatever their values are. */
export function keysOf(pointer: string): string {
  return pointer + KEYS;
}

export function pointerTo(...names: readonly string[]): string {
  return names.map((name) => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

function enclosing(part: string): string[] {
  const names = part.split('/');
  return names.map((_, index) => names.slice(0, index + 1).join('/'));
}
