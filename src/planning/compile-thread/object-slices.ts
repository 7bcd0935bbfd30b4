/**
 * Moves objects from one thread to another in slices. A structured clone of a large plan takes long in one go, and
 * overflows the stack where objects refer to each other in long chains. This takes the plan apart and rebuilds it a slice
 * at a time; shared objects, cycles and frozen objects come out as they were.
 *
 * Every value has a number, in the order in which it is first met. A slice brings new values, and members of objects by
 * their numbers; it refers to nothing that comes later.
 */
import { SourceText } from '../../graph/index.ts';

/** Made to be cloned. */
export interface ObjectSlice {
  /** Shapes that no slice before it had; they are numbered from 1 on. */
  readonly shapes: readonly Shape[];
  /** Of each new value the shape; 0: it is the next of `primitives`. */
  readonly kinds: Int32Array<ArrayBuffer>;
  readonly primitives: readonly unknown[];
  /** One object after the other: its number, whether it is complete (0, 1), how many members follow, their numbers. */
  readonly members: Int32Array<ArrayBuffer>;
  readonly isLast: boolean;
}

interface Shape {
  readonly of: 'object' | 'array' | 'map' | 'set' | 'source';
  readonly isFrozen: boolean;
  /** Of a plain object: its keys, so that all objects of this shape are laid out alike. */
  readonly template?: Readonly<Record<string, undefined>>;
}

/** New values and members of a slice: a few milliseconds for the receiver. Even, because entries of maps are pairs. */
const MOST = 10_000;

/**
 * @param root plain objects, arrays, maps, sets, sources and primitives.
 * @param most of new values and members in a slice, about; even.
 * @throws TypeError for an object of another class, which would be lost.
 */
export function* objectSlices(root: unknown, most = MOST): Generator<ObjectSlice, void, undefined> {
  const writer = new Writer();
  writer.numberOf(root);
  for (const { number, shape, members } of writer.objects()) {
    // The keys of a plain object come at once, as its text did.
    const step = shape.of === 'object' ? Math.max(1, members.length) : most;
    for (let at = 0; at === 0 || at < members.length; at += step) {
      writer.write(number, members.slice(at, at + step), at + step >= members.length);
      if (writer.size >= most) yield writer.take(false);
    }
  }
  yield writer.take(true);
}

interface Numbered {
  readonly number: number;
  readonly shape: Shape;
  readonly members: readonly unknown[];
}

/** For a map 0 and -0 are one. */
const MINUS_ZERO = Symbol('-0');

class Writer {
  readonly #numbers = new Map<unknown, number>();
  readonly #objects: { readonly number: number; readonly object: object; readonly shape: Shape }[] = [];
  readonly #shapes = new Map<string, { readonly number: number; readonly shape: Shape }>();
  #slice = emptySlice();

  /** Those that have a number, also those that get one meanwhile. */
  *objects(): Generator<Numbered, void, undefined> {
    for (const { number, object, shape } of this.#objects)
      yield { number, shape, members: membersOf(object) };
  }

  get size(): number {
    return this.#slice.kinds.length + this.#slice.members.length;
  }

  write(number: number, members: readonly unknown[], isComplete: boolean): void {
    const numbers = members.map((member) => this.numberOf(member));
    this.#slice.members.push(number, isComplete ? 1 : 0, numbers.length);
    for (const each of numbers) this.#slice.members.push(each);
  }

  take(isLast: boolean): ObjectSlice {
    const { shapes, kinds, primitives, members } = this.#slice;
    this.#slice = emptySlice();
    return { shapes, kinds: Int32Array.from(kinds), primitives, members: Int32Array.from(members), isLast };
  }

  numberOf(value: unknown): number {
    const key = Object.is(value, -0) ? MINUS_ZERO : value;
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const number = this.#numbers.size;
    this.#numbers.set(key, number);
    if (typeof value !== 'object' || value === null) {
      this.#slice.kinds.push(0);
      this.#slice.primitives.push(value);
      return number;
    }
    const { number: kind, shape } = this.#shapeOf(value);
    this.#slice.kinds.push(kind);
    if (value instanceof SourceText) this.#slice.primitives.push(value.file, value.text);
    this.#objects.push({ number, object: value, shape });
    return number;
  }

  #shapeOf(object: object): { readonly number: number; readonly shape: Shape } {
    const of = classOf(object);
    const isFrozen = Object.isFrozen(object);
    const keys = of === 'object' ? Object.keys(object) : [];
    const name = JSON.stringify([of, isFrozen, ...keys]);
    let known = this.#shapes.get(name);
    if (!known) {
      const template = Object.fromEntries(keys.map((key) => [key, undefined]));
      const shape = { of, isFrozen, ...(of === 'object' ? { template } : {}) };
      this.#shapes.set(name, (known = { number: this.#shapes.size + 1, shape }));
      this.#slice.shapes.push(shape);
    }
    return known;
  }
}

function emptySlice() {
  return {
    shapes: [] as Shape[],
    kinds: [] as number[],
    primitives: [] as unknown[],
    members: [] as number[],
  };
}

function classOf(object: object): Shape['of'] {
  switch (Object.getPrototypeOf(object)) {
    case Object.prototype:
      return 'object';
    case Array.prototype:
      return 'array';
    case Map.prototype:
      return 'map';
    case Set.prototype:
      return 'set';
    case SourceText.prototype:
      return 'source';
    default:
      throw new TypeError(`an object of the class ${object.constructor.name} cannot go to another thread`);
  }
}

/** In the order in which `fill` takes them. */
function membersOf(object: object): readonly unknown[] {
  if (object instanceof Map) return [...object].flat(1);
  if (object instanceof Set) return [...object];
  if (object instanceof SourceText) return [];
  return Array.isArray(object) ? (object as readonly unknown[]) : Object.values(object);
}

/** Puts together what `objectSlices` took apart. */
export class ObjectAssembly {
  readonly #shapes: Shape[] = [];
  readonly #values: unknown[] = [];
  readonly #kinds: number[] = [];

  /** @returns whether that was all. */
  add({ shapes, kinds, primitives, members, isLast }: ObjectSlice): boolean {
    this.#shapes.push(...shapes);
    let next = 0;
    for (const kind of kinds) {
      const shape = this.#shapes[kind - 1];
      this.#kinds.push(kind);
      if (shape?.of === 'source') {
        this.#values.push(new SourceText(String(primitives[next]), String(primitives[next + 1])));
        next += 2;
      } else {
        this.#values.push(shape ? shellOf(shape) : primitives[next++]);
      }
    }
    for (let at = 0; at < members.length;) {
      const [number = 0, isComplete, count = 0] = members.subarray(at, at + 3);
      this.#fill(number, members.subarray(at + 3, at + 3 + count), isComplete === 1);
      at += 3 + count;
    }
    return isLast;
  }

  /** Once all slices are added. */
  get root(): unknown {
    return this.#values[0];
  }

  #fill(number: number, members: Int32Array, isComplete: boolean): void {
    const object = this.#values[number];
    const shape = this.#shapes[(this.#kinds[number] ?? 0) - 1];
    const value = (index: number): unknown => this.#values[members[index] ?? 0];
    if (object instanceof Map) {
      for (let i = 0; i < members.length; i += 2) object.set(value(i), value(i + 1));
    } else if (object instanceof Set) {
      for (let i = 0; i < members.length; i += 1) object.add(value(i));
    } else if (Array.isArray(object)) {
      for (let i = 0; i < members.length; i += 1) object.push(value(i));
    } else if (shape?.template) {
      const target = object as Record<string, unknown>;
      Object.keys(shape.template).forEach((key, i) => (target[key] = value(i)));
    }
    if (isComplete && shape?.isFrozen) Object.freeze(object);
  }
}

/** All keys are there from the beginning, as own ones, `__proto__` too. */
function shellOf({ of, template }: Shape): object {
  switch (of) {
    case 'map':
      return new Map();
    case 'set':
      return new Set();
    case 'array':
      return [];
    default:
      return { ...template };
  }
}
