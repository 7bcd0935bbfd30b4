/** Checks the imports of `src` against the table of rooms. In: a folder that holds `src`. Out: one line per breach. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { cruise, type ICruiseResult, type IRegularForbiddenRuleType } from 'dependency-cruiser';
import { bare, httpModules, packages, rooms, type Access } from './rooms-table.ts';

const escape = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
const isFile = (room: string): boolean => room.endsWith('.ts');

/** Every file of a room. */
const within = (room: string): string => `^src/${escape(room)}${isFile(room) ? '$' : '/'}`;
/** A package, or its types, wherever the resolver found it; also when it found nothing. */
const packagePath = (name: string): string => `(^|node_modules/)(@types/)?${escape(name)}(/|$)`;

function forbid(
  name: string,
  from: IRegularForbiddenRuleType['from'],
  to: IRegularForbiddenRuleType['to'],
): IRegularForbiddenRuleType {
  return { name, severity: 'error', from, to };
}

function roomRules(): IRegularForbiddenRuleType[] {
  return Object.entries(rooms).flatMap(([room, { any, types = [] }]) => [
    forbid(
      `"${room}" may not import this room`,
      { path: within(room) },
      { path: '^src/', pathNot: [room, ...any, ...types].map(within) },
    ),
    ...types.map((other) =>
      forbid(
        `"${room}" may import only types from "${other}"`,
        { path: within(room) },
        { path: within(other), dependencyTypesNot: ['type-only'] },
      ),
    ),
  ]);
}

function ownerRules(label: string, target: string, { any, types = [] }: Access): IRegularForbiddenRuleType[] {
  return [
    forbid(
      `only ${any.join(', ')} may import ${label}`,
      { path: '^src/', pathNot: [...any, ...types].map(within) },
      { path: target },
    ),
    ...types.map((room) =>
      forbid(
        `"${room}" may import only types of ${label}`,
        { path: within(room) },
        { path: target, dependencyTypesNot: ['type-only'] },
      ),
    ),
  ];
}

function rules(): IRegularForbiddenRuleType[] {
  const indexOfRoom = '^src/[^/]+/index\\.ts$';
  return [
    forbid('no cycles', { path: '^src/' }, { circular: true }),
    forbid(
      'a room is entered by its index.ts only',
      { path: '^src/([^/]+)/' },
      { path: '^src/[^/]+/', pathNot: ['^src/$1/', indexOfRoom] },
    ),
    forbid(
      'a room is entered by its index.ts only',
      { path: '^src/[^/]+$' },
      { path: '^src/[^/]+/', pathNot: indexOfRoom },
    ),
    forbid(
      'src imports nothing of the repository around it',
      { path: '^src/' },
      {
        path: '^(test|scripts|dist)/',
      },
    ),
    ...roomRules(),
    ...bare.map((room) => forbid(`"${room}" imports nothing`, { path: within(room) }, { path: '.' })),
    ...Object.entries(packages).flatMap(([name, access]) => ownerRules(name, packagePath(name), access)),
    ...ownerRules("Node's HTTP modules", '^(node:)?(http|https|http2)$', httpModules),
  ];
}

function unlistedRooms(root: string): string[] {
  return readdirSync(path.join(root, 'src'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() || entry.name.endsWith('.ts'))
    .filter((entry) => !Object.hasOwn(rooms, entry.name))
    .map((entry) => `src/${entry.name}: no row in scripts/check/rooms-table.ts says what it may import`);
}

/** @returns what is wrong, one line each; empty when the imports of `root`/src follow the table. */
export async function roomBreaches(root: string): Promise<string[]> {
  const { output } = await cruise(
    ['src'],
    {
      baseDir: root,
      ruleSet: { forbidden: rules() },
      validate: true,
      // Type-only imports count: what only the compiler sees still ties two rooms together.
      tsPreCompilationDeps: true,
      doNotFollow: { path: 'node_modules' },
    },
    { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  );
  const { violations } = (output as ICruiseResult).summary;
  const breaches = violations.map(({ from, to, rule, cycle }) => {
    const target = cycle === undefined ? to : cycle.map(({ name }) => name).join(' -> ');
    return `${from} -> ${target}: ${rule.name}`;
  });
  return [...new Set([...unlistedRooms(root), ...breaches])];
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const breaches = await roomBreaches(path.resolve(import.meta.dirname, '../..'));
  for (const breach of breaches) console.error(breach);
  if (breaches.length > 0) process.exitCode = 1;
}
