/**
 * Extracts values from a JSON text of any length, read chunk by chunk. Values at the requested paths are parsed one by
 * one (`JSON.parse`), and the end of a container is reported; everything else is skipped. Several texts in a row (one
 * object per line) work too. The size of an extracted value, every string and the depth are bounded.
 */
import { getOrAdd } from '../../../get-or-add.ts';
import { WaybillError } from '../../../errors.ts';
import { MAX_DEPTH, MAX_RECORD, MAX_STRING } from '../limits.ts';
import { bounded } from '../spans/operation.ts';

/** Keys from the root down; `*` is any element of an array. */
export type JsonPath = readonly string[];

export interface JsonHandlers {
  /** Receives each complete value at the path. */
  readonly take: readonly (readonly [JsonPath, (value: unknown) => void])[];
  /** Called when a container at the path ends. */
  readonly leave?: readonly (readonly [JsonPath, () => void])[];
}

/** The first keys of the outermost objects: what a file holds, for messages. */
export interface Outline {
  readonly keys: ReadonlySet<string>;
  /** Whether an outermost value is a list. */
  readonly hasList: boolean;
}

const MAX_KEYS = 20;

interface Place {
  readonly below: Map<string, Place>;
  take?: (value: unknown) => void;
  leave?: () => void;
}

/** Kinds of bytes outside strings. */
const ILLEGAL = 0;
const SPACE = 1;
const LITERAL = 2;
const kinds = new Uint8Array(256);
for (const character of ' \t\n\r') kinds[character.charCodeAt(0)] = SPACE;
for (const character of '-+.0123456789eEtrufalsn') kinds[character.charCodeAt(0)] = LITERAL;
const STRUCTURE = 3;
for (const character of '{}[],:"') kinds[character.charCodeAt(0)] = STRUCTURE;

/** The byte order mark of UTF-8, which may precede the first text (RFC 8259 section 8.1). */
const MARK = Buffer.from('\ufeff');
/** Found in the first two bytes of UTF-16: its byte order mark, or the zero beside an ASCII character. */
const OF_UTF_16 = [0xff, 0xfe, 0x00];

const [QUOTE, BACKSLASH, OPEN_MAP, CLOSE_MAP, OPEN_LIST, CLOSE_LIST, COMMA, COLON] = Buffer.from(
  '"\\{}[],:',
) as unknown as [number, number, number, number, number, number, number, number];

export class JsonScanner {
  readonly #file: string;
  readonly #root: Place = { below: new Map() };
  /** Bytes before the current chunk. */
  #before = 0;
  /** Bytes of the byte order mark that have been skipped. */
  #marked = 0;
  readonly #isMap = new Uint8Array(MAX_DEPTH + 1);
  readonly #places: (Place | undefined)[] = [];
  #depth = 0;
  /** Whether the next string of the innermost object is a key. */
  #expectsKey = false;
  #key = '';
  #inString = false;
  #escaped = false;
  #stringLength = 0;
  #inLiteral = false;
  readonly #topKeys = new Set<string>();
  #hasList = false;
  /** The key or value being collected: its parts from earlier chunks, and where it continues in the current one. */
  #kept:
    | { readonly depth: number; readonly place: Place | undefined; readonly parts: Buffer[]; bytes: number }
    | undefined;
  #keptFrom = 0;

  constructor(file: string, handlers: JsonHandlers) {
    this.#file = file;
    for (const [path, take] of handlers.take) this.#at(path).take = take;
    for (const [path, leave] of handlers.leave ?? []) this.#at(path).leave = leave;
  }

  /** @throws WaybillError `source_malformed` or `source_too_large`, with the byte offset. */
  write(chunk: Buffer): void {
    let at = this.#passMark(chunk);
    while (at < chunk.length) {
      if (this.#inString) {
        at = this.#string(chunk, at);
        continue;
      }
      const byte = chunk[at]!;
      const kind = kinds[byte];
      if (kind === LITERAL) {
        if (!this.#inLiteral) {
          this.#inLiteral = true;
          this.#begin(at);
        }
        at++;
        continue;
      }
      if (this.#inLiteral) {
        this.#inLiteral = false;
        this.#end(chunk, at);
      }
      if (kind === ILLEGAL) this.#refuseByte(byte, at);
      if (kind === STRUCTURE) this.#structure(chunk, byte, at);
      at++;
    }
    this.#carry(chunk);
    this.#before += chunk.length;
  }

  /** @throws WaybillError `source_malformed` if the text is incomplete. */
  end(): void {
    if (this.#inLiteral) {
      this.#inLiteral = false;
      this.#end(Buffer.alloc(0), 0);
    }
    if (this.#inString || this.#depth > 0 || this.#isInMark)
      this.#refuse(0, 'The file ends before its JSON does');
  }

  get outline(): Outline {
    return { keys: this.#topKeys, hasList: this.#hasList };
  }

  get #isInMark(): boolean {
    return this.#marked > 0 && this.#marked < MARK.length;
  }

  /** @returns where the text begins in this chunk. */
  #passMark(chunk: Buffer): number {
    let at = 0;
    while (this.#before + at === this.#marked && at < chunk.length && chunk[at] === MARK[this.#marked]) {
      this.#marked++;
      at++;
    }
    if (this.#isInMark && at < chunk.length) this.#refuse(at, 'This is not JSON');
    return at;
  }

  #refuseByte(byte: number, at: number): never {
    const isUtf16 = this.#before + at < 2 && OF_UTF_16.includes(byte);
    return this.#refuse(at, isUtf16 ? 'This is UTF-16. Save the file as UTF-8' : 'This is not JSON');
  }

  #at(path: JsonPath): Place {
    let place = this.#root;
    for (const key of path) {
      const below = getOrAdd(place.below, key, () => ({ below: new Map() }));
      place = below;
    }
    return place;
  }

  #structure(chunk: Buffer, byte: number, at: number): void {
    switch (byte) {
      case QUOTE:
        this.#inString = true;
        this.#stringLength = 0;
        this.#begin(at);
        return;
      case OPEN_MAP:
      case OPEN_LIST:
        return this.#open(byte === OPEN_MAP, at);
      case CLOSE_MAP:
      case CLOSE_LIST:
        return this.#close(byte === CLOSE_MAP, chunk, at);
      case COMMA:
        this.#expectsKey = this.#depth > 0 && this.#isMap[this.#depth] === 1;
        return;
      case COLON:
        this.#expectsKey = false;
        return;
    }
  }

  #open(isMap: boolean, at: number): void {
    const place = this.#begin(at);
    if (this.#depth === 0 && !isMap) this.#hasList = true;
    if (this.#depth === MAX_DEPTH)
      this.#refuse(at, `The JSON is nested more than ${MAX_DEPTH} levels deep`, 'source_too_large');
    this.#depth++;
    this.#isMap[this.#depth] = isMap ? 1 : 0;
    this.#places[this.#depth] = place;
    this.#expectsKey = isMap;
  }

  #close(isMap: boolean, chunk: Buffer, at: number): void {
    if (this.#depth === 0 || (this.#isMap[this.#depth] === 1) !== isMap)
      this.#refuse(at, 'This closing bracket has no opening one');
    const place = this.#places[this.#depth];
    this.#depth--;
    this.#expectsKey = false;
    this.#end(chunk, at + 1);
    place?.leave?.();
  }

  /** Begins a value or a key. @returns its place, if anything at or below it was requested. */
  #begin(at: number): Place | undefined {
    if (this.#kept) return undefined;
    const outer = this.#depth === 0 ? undefined : this.#places[this.#depth];
    if (this.#depth > 0 && !outer) return undefined;
    if (this.#expectsKey) {
      if (!this.#inString) this.#refuse(at, 'A key is expected here');
      this.#keep(undefined, at);
      return undefined;
    }
    const name = this.#isMap[this.#depth] === 1 ? this.#key : '*';
    const place = outer ? outer.below.get(name) : this.#root;
    if (place?.take) this.#keep(place, at);
    return place;
  }

  #keep(place: Place | undefined, at: number): void {
    this.#kept = { depth: this.#depth, place, parts: [], bytes: 0 };
    this.#keptFrom = at;
  }

  /** Ends a value or a key before this byte. */
  #end(chunk: Buffer, at: number): void {
    const kept = this.#kept;
    if (!kept || kept.depth !== this.#depth) return;
    this.#carry(chunk.subarray(0, at));
    this.#kept = undefined;
    const value = this.#parse(kept.parts, kept.bytes, at);
    if (kept.place) {
      kept.place.take?.(value);
      return;
    }
    this.#key = value as string;
    if (this.#depth === 1 && this.#topKeys.size < MAX_KEYS) this.#topKeys.add(bounded(this.#key));
  }

  /** Saves the rest of the chunk: the collected value continues in the next one. */
  #carry(chunk: Buffer): void {
    if (!this.#kept) return;
    const part = chunk.subarray(this.#keptFrom);
    this.#kept.parts.push(part);
    this.#kept.bytes += part.length;
    this.#keptFrom = 0;
    if (this.#kept.bytes > MAX_RECORD)
      this.#refuse(
        chunk.length,
        `A value has more than ${MAX_RECORD.toLocaleString('en')} bytes`,
        'source_too_large',
      );
  }

  #parse(parts: readonly Buffer[], bytes: number, at: number): unknown {
    const text = (parts.length === 1 ? parts[0]! : Buffer.concat(parts)).toString('utf8');
    try {
      return JSON.parse(text);
    } catch {
      const start = this.#before + at - bytes;
      return this.#refuseAt(start, 'The value that starts here is not JSON', 'source_malformed');
    }
  }

  /** Skips to the end of a string. @returns where to continue. */
  #string(chunk: Buffer, from: number): number {
    let at = from;
    if (this.#escaped) {
      this.#escaped = false;
      at++;
    }
    for (; at < chunk.length; at++) {
      const byte = chunk[at];
      if (byte === QUOTE) break;
      if (byte === BACKSLASH) at++;
    }
    this.#stringLength += at - from;
    if (this.#stringLength > MAX_STRING)
      this.#refuse(
        from,
        `A string has more than ${MAX_STRING.toLocaleString('en')} bytes`,
        'source_too_large',
      );
    if (at >= chunk.length) {
      this.#escaped = at > chunk.length;
      return chunk.length;
    }
    this.#inString = false;
    this.#end(chunk, at + 1);
    return at + 1;
  }

  #refuse(
    at: number,
    what: string,
    code: 'source_malformed' | 'source_too_large' = 'source_malformed',
  ): never {
    return this.#refuseAt(this.#before + at, what, code);
  }

  #refuseAt(byte: number, what: string, code: 'source_malformed' | 'source_too_large'): never {
    throw new WaybillError(code, `${this.#file}, byte ${byte.toLocaleString('en')}: ${what}.`);
  }
}
