/** Graphs whose tokens cannot be listed: they merge scopes in too many ways, or nest tokens too deep. And one that is small. */
import { chain, counter } from '../graph/findings/size-cases.ts';
import { HEAD, client } from './compile.ts';

const graph = (calls: string, services: string): string =>
  `${HEAD}${client(calls)}services:\n${services.replaceAll(/^/gm, '  ')}\n`;

export const small = graph('{ s0: [s] }', chain(3, 's: {}'));
/** Its entry is `c0_0`, with the scope `start`. */
export const tangled = graph('{ c0_0: [start] }', counter(19));
/** Its entry is `s0`, with the scope `s`. */
export const deep = graph('{ s0: [s] }', chain(5_000, 's: {}'));
