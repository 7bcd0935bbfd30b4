/** Rounds in which each side has its turn; who comes first differs from round to round. */
import type { PartOptions } from './part.ts';

interface Named {
  readonly name: string;
}

/** @returns what the turns gave, by the side's name, in the order of the rounds. */
export async function takeTurns<Side extends Named, Result>(
  sides: readonly Side[],
  { rounds, tell }: Pick<PartOptions, 'rounds' | 'tell'>,
  turn: (side: Side) => Promise<Result>,
): Promise<Map<string, Result[]>> {
  const results = new Map(sides.map(({ name }): [string, Result[]] => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (let at = 0; at < sides.length; at += 1) {
      const side = sides[(at + round) % sides.length]!;
      tell(`round ${round + 1} of ${rounds}: ${side.name}`);
      results.get(side.name)!.push(await turn(side));
    }
  }
  return results;
}
