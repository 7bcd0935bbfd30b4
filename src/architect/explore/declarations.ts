/** Finds the client, service or scope at a place in a graph's files. */
import { getOrAdd } from '../../get-or-add.ts';
import type { FindingPlace, Plan, ServicePlan } from '../../graph/index.ts';

export interface Declared {
  readonly kind: 'client' | 'service';
  readonly name: string;
  /** Absent if the place is in no scope. */
  readonly scope?: string;
}

interface Start {
  readonly line: number;
  readonly declared: Declared;
}

const EXCERPT_CHARS = 160;

export class Declarations {
  /** By file, sorted by line. */
  readonly #starts = new Map<string, Start[]>();
  readonly #sources = new Map<string, ServicePlan['source']>();

  constructor(plan: Plan | undefined) {
    for (const client of plan?.clients.values() ?? []) {
      this.#add(client, { kind: 'client', name: client.name });
    }
    for (const service of plan?.services.values() ?? []) {
      const { name } = service;
      this.#add(service, { kind: 'service', name });
      for (const scope of service.scopes.values()) {
        this.#add(scope, { kind: 'service', name, scope: scope.name });
      }
    }
    for (const starts of this.#starts.values()) starts.sort((a, b) => a.line - b.line);
  }

  #add({ source, offset }: Pick<ServicePlan, 'source' | 'offset'>, declared: Declared): void {
    getOrAdd(this.#starts, source.file, () => []).push({ line: source.locate(offset).line, declared });
    this.#sources.set(source.file, source);
  }

  /** The declaration that a place of a finding is in, and its line. Otherwise the nearest declaration above. */
  around({ file, line }: FindingPlace): { about?: Declared; excerpt?: string } {
    const starts = this.#starts.get(file) ?? [];
    const last = starts.findLast((start) => start.line <= line);
    const text = this.#lines(file)[line - 1]?.trim() ?? '';
    // A line with only a name says nothing that the message does not.
    const tells = text.length <= EXCERPT_CHARS && !/^[^ ]*:?$/.test(text);
    return {
      ...(last ? { about: last.declared } : {}),
      ...(tells ? { excerpt: text } : {}),
    };
  }

  readonly #linesOf = new Map<string, readonly string[]>();

  #lines(file: string): readonly string[] {
    return getOrAdd(this.#linesOf, file, () => this.#sources.get(file)?.text.split('\n') ?? []);
  }
}
