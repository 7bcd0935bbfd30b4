/** What is found in files: how they are read and merged, and their shape. */
import { error, warning, type Explanation } from './explanation.ts';

export const ofFiles = {
  // reading files
  'file-unreadable': error(
    'A file cannot be read',
    'The path does not exist, is not readable for this user, or is neither a file nor a folder. Name a graph file, or the folder that holds the files of one graph.',
  ),
  'no-files': error(
    'A folder without graph files',
    'In a folder, and in the folders below it, files that end in .yaml or .yml are read; names that begin with a dot and files of variables, which end in .vars.yaml, are passed over.',
  ),
  'too-many-files': error(
    'Too many files',
    'A graph is at most 2,000 files. A folder with more is most likely not the folder of a graph.',
  ),
  'file-too-large': error(
    'A file is too large',
    'A graph file has at most 16 MiB and all files of a graph at most 32 MiB. The bound is checked before the file is read, so that a wrong path or a hostile file cannot exhaust memory. For the same reason a file has at most two million values, and variables fill in at most 16 MiB.',
  ),
  'not-utf8': error('A file is not UTF-8', 'YAML files are UTF-8 text. Save the file in that encoding.'),
  'yaml-syntax': error(
    'Not YAML',
    'The parser could not read the file. The place is where it gave up; the cause is often in the line before: an indentation that does not fit, a bracket that is not closed, a tab, or a value with a colon or a brace that needs quotes.',
  ),
  'yaml-depth': error(
    'YAML nested too deep',
    'A graph needs nine levels of nesting; files with more than 64 are refused before they are built in memory.',
  ),
  'yaml-tag': error(
    'A YAML tag',
    'Tags such as !!set or !custom have no meaning in a graph and are refused.',
  ),
  'yaml-merge-key': error(
    'A merge key',
    'The merge key << is not part of YAML 1.2, and its order of precedence surprises. Anchors and aliases for whole values are fine; `defaults` holds what all services share.',
  ),
  'alias-limit': error(
    'Aliases that unfold too far',
    'An alias stands for all that its anchor holds. A few short lines of aliases of aliases can stand for billions of values; what aliases add is limited to 100,000 values in a file.',
  ),
  'duplicate-key': error(
    'A key stands twice',
    'YAML does not allow one key twice in a mapping; most parsers keep the last and lose the first without a word. Two keys with variables can become one when the variables are filled in.',
  ),
  'several-documents': error(
    'Several documents in one file',
    'A file holds one YAML document. Put the parts into files of their own in one folder.',
  ),
  'empty-file': error('An empty file', 'Every graph file begins with `waybill: 1`.'),
  // merging files
  'duplicate-name': error(
    'A name declared twice',
    'Clients, services and subjects share one namespace, over all files of a folder; so do claims among themselves, and zones. Both places are shown.',
  ),
  'duplicate-setting': error(
    'A setting in two files',
    '`name`, `issuer`, `vars` and `defaults` stand in one file of a graph, so that nobody has to guess which one counts.',
  ),
  'undefined-variable': error(
    'A variable without a value',
    '${name} takes its value from `vars`, `--vars FILE` or `--var name=value`. A variable must be declared in `vars`, so that a reader of the graph sees what can vary. `$${` stands for `${`.',
  ),
  'required-variable': error(
    'A required variable without a value',
    'The variable has no default, or is `required`, and nothing gives it a value. Give one with `--var name=value`, or in a file with `--vars FILE`.',
  ),
  'variable-value': error(
    'A value that a variable cannot have',
    'The value does not fit the `type` of the variable, or is not in its `one_of`. In a key only variables of the type string can stand.',
  ),
  'open-variable': error(
    'A variable that decides authority and can have any value',
    'In a key, and in what says who may call, with which scopes, and who may read, a variable must list its values in `one_of`, or be of the type boolean. So no command line adds a call, a scope or a caller that nobody has reviewed. Names, audiences, identities, addresses and files can vary freely.',
  ),
  'unused-variable': warning(
    'A variable that nothing uses',
    'It is declared under `vars` and no text of the graph refers to it.',
  ),
  // overlays
  'overlay-unmatched': error(
    'An overlay restates what nothing declares',
    'An overlay changes clients, services, scopes, calls, claims, zones, identity providers, domains, conditions and variables that ordinary files declare, and declares none itself: most names that nothing declares are typing errors. What only one environment has stands in an ordinary file that is named for this environment alone: `waybill serve shop env/stage-clients.yaml env/stage.yaml`. This is also checked for overlays in folders, which are not applied.',
  ),
  'overlay-widens': warning(
    'An overlay gives more authority',
    'With this change the graph gives somebody more than the ordinary files do, or something else: `waybill diff` without and with the overlay shows all of it. If it is meant, accept it under `accepted` in the overlay, with the reason; otherwise take it out.',
  ),
  // shape
  'unknown-key': error(
    'An unknown key',
    'The schema of the graph language does not know this key here. Keys of your own begin with x-.',
  ),
  'missing-key': error('A missing key', 'Something that must be said is not.'),
  'wrong-type': error(
    'A value of the wrong kind',
    'The value is a text where a list belongs, a list where a mapping belongs, or the like.',
  ),
  'invalid-value': error(
    'A value that is not allowed',
    'The value has the right kind and is not one that this key can take.',
  ),
  'secret-in-graph': error(
    'A secret in the graph',
    'Graphs are reviewed, shared and drawn: secrets do not belong there. `secret_env` names an environment variable of the issuer, `secret_file` a file. A secret that once stood in a graph should be changed.',
  ),
  'not-yet': error(
    'Not implemented yet',
    'The language has this, and this version of Waybill does not carry it out. It is refused because a rule that is silently ignored would be worse than none.',
  ),
} satisfies Record<string, Explanation>;
