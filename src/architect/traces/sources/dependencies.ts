/** Dependency rows of Jaeger and Zipkin: `parent`, `child`, `callCount`. Rows of the same pair are added. */
import type { Observer } from '../observation.ts';
import { countOf, member, nameAt, type Json } from './values.ts';

export function isDependency(row: Json): boolean {
  return Object.hasOwn(row, 'parent') && Object.hasOwn(row, 'child');
}

export function observeDependency(row: Json, observer: Observer): void {
  const [parent, child] = [nameAt(row, 'parent'), nameAt(row, 'child')];
  const count = countOf(member(row, 'callCount'));
  observer.read();
  if (parent === '' || child === '' || count === undefined) return observer.warnings.add('bad-row');
  if (count === 0) return observer.warnings.add('idle');
  const { names } = observer;
  // Rows name no namespaces.
  const nameOf = (name: string): string => names.renamed(names.key(name, undefined));
  observeServiceCall(observer, nameOf(parent), nameOf(child), count);
}

/** A call between services whose operations are unknown. */
export function observeServiceCall(observer: Observer, parent: string, child: string, count: number): void {
  const callee = { service: child, operation: '' };
  observer.warnings.add('services-only');
  observer.run(callee, count);
  observer.call({ service: parent, operation: '' }, { ...callee, kind: 'request' }, count);
}
