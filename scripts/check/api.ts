/**
 * Holds the public API to its reports in docs/reference/api, each type that it names to being exported, each name to one
 * meaning, and each exported value to a docstring with an example that compiles. Needs a build.
 *
 *     npx tsx scripts/check/api.ts            says what differs
 *     npx tsx scripts/check/api.ts --write    writes the reports anew
 */
import path from 'node:path';
import { countValues, docstringProblems } from './api/docstrings.ts';
import { entriesOf } from './api/entries.ts';
import { ambiguousNames, programOf } from './api/exports.ts';
import { reportProblems } from './api/report.ts';

const root = path.resolve(import.meta.dirname, '../..');
const entries = entriesOf(root);
/** A service imports one adapter, and what they export has the same names. */
const withoutAdapters = entries.filter(({ name }) => !name.startsWith('waybill/middleware/'));
/** Made once: most of the time goes into the types of libraries. */
const program = programOf(root, entries);
const isWritten = process.argv.includes('--write');
const problems = [
  ...(await reportProblems(root, entries, program, isWritten)),
  ...docstringProblems(root, entries, program).map(({ file, line, text }) => `${file}:${line}: ${text}`),
  ...ambiguousNames(root, program, withoutAdapters).map(
    (name) => `${name} means different things in different entrances`,
  ),
];
for (const problem of problems) console.error(problem);
for (const entry of entries) console.log(`${entry.name} exports ${countValues(root, entry, program)} values`);
if (problems.length > 0) process.exitCode = 1;
