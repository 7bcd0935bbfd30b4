/** Checks the imports of `src` against the table of modules. In: a folder that holds `src`. Out: one line per breach. */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { cruise, type ICruiseResult, type IRegularForbiddenRuleType } from 'dependency-cruiser';
import { bare, httpModules, modules, packages, type Access } from './modules-table.ts';

const escape = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
const isFile = (name: string): boolean => name.endsWith('.ts');

/** Every file of a module; what lies in a module inside it is not among them. */
function within(module: string): string {
  if (isFile(module)) return `^src/${escape(module)}$`;
  const inner = Object.keys(modules)
    .filter((name) => name.startsWith(`${module}/`))
    .map((name) => `(?!${escape(name.slice(module.length + 1))}/)`);
  return `^src/${escape(module)}/${inner.join('')}`;
}
/** A package, or its types, wherever the resolver found it; also when it found nothing. */
const packagePath = (name: string): string => `(^|node_modules/)(@types/)?${escape(name)}(/|$)`;

function forbid(
  name: string,
  from: IRegularForbiddenRuleType['from'],
  to: IRegularForbiddenRuleType['to'],
): IRegularForbiddenRuleType {
  return { name, severity: 'error', from, to };
}

function moduleRules(): IRegularForbiddenRuleType[] {
  return Object.entries(modules).flatMap(([module, { any, types = [] }]) => [
    forbid(
      `"${module}" may not import this module`,
      { path: within(module) },
      { path: '^src/', pathNot: [module, ...any, ...types].map(within) },
    ),
    ...types.map((other) =>
      forbid(
        `"${module}" may import only types from "${other}"`,
        { path: within(module) },
        { path: within(other), dependencyTypesNot: ['type-only'] },
      ),
    ),
  ]);
}

/** A module that has an `index.ts` is entered by it. One that has none is open: each of its files says what it gives. */
function entranceRules(root: string): IRegularForbiddenRuleType[] {
  return Object.keys(modules)
    .filter((module) => existsSync(path.join(root, 'src', module, 'index.ts')))
    .map((module) =>
      forbid(
        'a module is entered by its index.ts only',
        { path: '^src/', pathNot: within(module) },
        { path: within(module), pathNot: `^src/${escape(module)}/index\\.ts$` },
      ),
    );
}

function ownerRules(label: string, target: string, { any, types = [] }: Access): IRegularForbiddenRuleType[] {
  return [
    forbid(
      `only ${any.join(', ')} may import ${label}`,
      { path: '^src/', pathNot: [...any, ...types].map(within) },
      { path: target },
    ),
    ...types.map((module) =>
      forbid(
        `"${module}" may import only types of ${label}`,
        { path: within(module) },
        { path: target, dependencyTypesNot: ['type-only'] },
      ),
    ),
  ];
}

function rules(root: string): IRegularForbiddenRuleType[] {
  return [
    forbid('no cycles', { path: '^src/' }, { circular: true }),
    ...entranceRules(root),
    forbid(
      'src imports nothing of the repository around it',
      { path: '^src/' },
      {
        path: '^(test|scripts|dist)/',
      },
    ),
    ...moduleRules(),
    ...bare.map((name) => forbid(`"${name}" imports nothing`, { path: within(name) }, { path: '.' })),
    ...Object.entries(packages).flatMap(([name, access]) => ownerRules(name, packagePath(name), access)),
    ...ownerRules("Node's HTTP modules", '^(node:)?(http|https|http2)$', httpModules),
  ];
}

/** A folder without a row is unlisted, unless modules lie in it and no file does. */
function unlistedModules(root: string, folder = ''): string[] {
  return readdirSync(path.join(root, 'src', folder), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() || entry.name.endsWith('.ts'))
    .map((entry) => ({ name: folder + entry.name, isFolder: entry.isDirectory() }))
    .filter(({ name }) => !Object.hasOwn(modules, name))
    .flatMap(({ name, isFolder }) =>
      isFolder && Object.keys(modules).some((module) => module.startsWith(`${name}/`))
        ? unlistedModules(root, `${name}/`)
        : [`src/${name}: no row in scripts/check/modules-table.ts says what it may import`],
    );
}

/** @returns what is wrong, one line each; empty when the imports of `root`/src follow the table. */
export async function moduleBreaches(root: string): Promise<string[]> {
  const { output } = await cruise(
    ['src'],
    {
      baseDir: root,
      ruleSet: { forbidden: rules(root) },
      validate: true,
      // Type-only imports count: what only the compiler sees still ties two modules together.
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
  return [...new Set([...unlistedModules(root), ...breaches])];
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const breaches = await moduleBreaches(path.resolve(import.meta.dirname, '../..'));
  for (const breach of breaches) console.error(breach);
  if (breaches.length > 0) process.exitCode = 1;
}
