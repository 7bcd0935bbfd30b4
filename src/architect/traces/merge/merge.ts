/** Merges an observation into an existing graph: new texts for its files, and what a person must write. */
import { relative } from 'node:path';
import { createTwoFilesPatch, FILE_HEADERS_ONLY } from 'diff';
import { isNode } from 'yaml';
import type { Plan } from '../../../graph/index.ts';
import { readInputFile } from '../../../input/input-file.ts';
import { draftNames } from '../draft/draft-names.ts';
import { buildDraft } from '../draft/build-draft.ts';
import { renderEntry } from '../draft/yaml.ts';
import { namesInGraph } from '../match/graph-names.ts';
import type { Observation } from '../observation.ts';
import { findAdditions, type Addition } from './additions.ts';
import { renderAddition, applyAddition } from './edit-yaml.ts';

export interface FileChange {
  readonly file: string;
  /** Empty: a new file. */
  readonly before: string;
  readonly after: string;
  /** As a unified diff. */
  readonly patch: string;
}

export interface Merge {
  readonly changes: readonly FileChange[];
  /** What cannot be written without changing existing text: where, and what. */
  readonly byHand: readonly { readonly file: string; readonly line: number; readonly what: string }[];
}

export interface MergeOptions {
  /** The file for new parties: one of the graph's, or a new one. */
  readonly newParties: string;
}

/** Each addition parses the text again, and nobody reviews more than this. */
const MAX_ADDITIONS = 500;

export function mergeObservation(plan: Plan, observation: Observation, { newParties }: MergeOptions): Merge {
  const names = draftNames(observation, namesInGraph(plan, observation));
  const { additions, unresolved } = findAdditions(plan, buildDraft(observation, names));
  const before = textsOf(plan);
  const marks = new Map([...before.keys()].map((file) => [file, markOf(file)]));
  const after = new Map(before);
  const byHand = [...unresolved];
  for (const [index, addition] of additions.entries()) {
    const file = addition.file === '' ? newParties : addition.file;
    const text = after.get(file);
    const edited =
      text === undefined
        ? newFile(addition)
        : index < MAX_ADDITIONS
          ? applyAddition(text, addition)
          : undefined;
    if (edited !== undefined) after.set(file, edited);
    else byHand.push({ file, line: addition.line, what: describe(addition) });
  }
  const changes = [...after].flatMap(([file, text]) => {
    const unmarked = before.get(file) ?? '';
    if (text === unmarked) return [];
    const mark = marks.get(file) ?? '';
    const old = `${unmarked === '' ? '' : mark}${unmarked}`;
    return [{ file, before: old, after: `${mark}${text}`, patch: patchOf(file, old, `${mark}${text}`) }];
  });
  return { changes, byHand };
}

/** The texts of all files with a party; nothing is added to other files. */
function textsOf(plan: Plan): ReadonlyMap<string, string> {
  const parties = [...plan.services.values(), ...plan.clients.values()];
  return new Map(parties.map(({ source }) => [source.file, source.text]));
}

const MARK = '\ufeff';
/** Bytes: the limit for files of a graph. */
const MAX_FILE = 16 * 1024 * 1024;

/** The byte order mark of a file, which its text in the plan lacks: an addition keeps it. */
function markOf(file: string): string {
  try {
    return readInputFile(file, MAX_FILE).toString().startsWith(MARK) ? MARK : '';
  } catch {
    return ''; // it was removed in the meantime
  }
}

function newFile({ path, key = '', node, remarks }: Addition): string | undefined {
  const [section] = path;
  if (section === undefined || !isNode(node)) return undefined;
  const entry = renderEntry(key, node, remarks);
  const indented = entry.trimEnd().replace(/^(?=.)/gm, '  ');
  return `# Seen, but not in the graph yet: move each entry to the file where it belongs.\nwaybill: 1\n\n${section}:\n${indented}\n`;
}

function describe(addition: Addition): string {
  return `below ${addition.path.join('.')} add ${renderAddition(addition).replace(/\n\s*/g, ' ')}`;
}

function patchOf(file: string, before: string, after: string): string {
  const path = relative('', file);
  const old = before === '' ? '/dev/null' : `a/${path}`;
  return createTwoFilesPatch(old, `b/${path}`, before, after, '', '', {
    context: 3,
    headerOptions: FILE_HEADERS_ONLY,
  });
}
