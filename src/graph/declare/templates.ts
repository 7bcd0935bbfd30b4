/**
 * Texts with `{name}`, `{namespace}`, `{zone}` and `{label.KEY}`, each filled in with what the service says. `{{` stands
 * for `{`.
 */
import type { At, Unfilled } from './declaration.ts';

interface TemplateValues {
  /** Of the service, as the graph names it. */
  readonly name: string;
  readonly namespace: string | undefined;
  readonly zone: string | undefined;
  readonly labels: ReadonlyMap<string, string>;
}

/** A name in braces; not `${variable}`, which has findings of its own. */
const PLACEHOLDER = /\{\{|(?<!\$)\{([A-Za-z][\w.-]*)\}/g;
const LABEL = /^label\.(.+)$/;

/** Fills in the texts of one service, and remembers what cannot be filled in. */
export class Templates {
  readonly #values: TemplateValues;
  readonly unfilled: Unfilled[] = [];

  constructor(values: TemplateValues) {
    this.#values = values;
  }

  /** @param key the key of the text, for findings. */
  fill(key: string, template: At<string>): At<string> {
    if (!template.value.includes('{')) return template;
    const value = template.value.replace(PLACEHOLDER, (written, placeholder?: string) => {
      if (placeholder === undefined) return '{';
      const isKnown = Object.hasOwn(VALUES, placeholder) || LABEL.test(placeholder);
      const found = isKnown ? this.#valueOf(placeholder) : undefined;
      if (found === undefined) this.unfilled.push({ ...template, key, placeholder, isKnown });
      return found ?? written;
    });
    return { ...template, value };
  }

  #valueOf(placeholder: string): string | undefined {
    const label = LABEL.exec(placeholder)?.[1];
    if (label !== undefined) return this.#values.labels.get(label);
    return VALUES[placeholder as keyof typeof VALUES](this.#values);
  }
}

const VALUES = {
  name: workloadOf,
  namespace: ({ namespace }: TemplateValues) => namespace,
  zone: ({ zone }: TemplateValues) => zone,
};

/** Names in a graph are unique, those of workloads only in their namespace: `api.shop` in `shop` is the workload `api`. */
function workloadOf({ name, namespace }: TemplateValues): string {
  const suffix = `.${namespace}`;
  return namespace !== undefined && name.endsWith(suffix) ? name.slice(0, -suffix.length) : name;
}

/** As people write them. */
export const PLACEHOLDERS = [...Object.keys(VALUES), 'label.KEY'];
