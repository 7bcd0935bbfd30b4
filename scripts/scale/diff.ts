/**
 * Measures `waybill diff` of two graphs of 10,000 services as a multiple of `waybill check` of one, in the same run: so that
 * a slow machine counts the same for both. The best of the rounds counts.
 *
 *     npm run scale:diff -- --help
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { generate, type Size } from './generate.ts';

const HELP = `npm run scale:diff -- [options]

  --services N   services of each graph, with ten calls each. Default: 10000
  --rounds N     how often both commands run. Default: 3
  --subjects     clients ask for users too, and every tenth service carries a claim of theirs
  --keep FOLDER  writes the graphs there, as old and new, and leaves them
  --help         shows this

Exit 1: diff takes more than 1.8 times the processor time of check, or more than 1 GiB, or finds other changes
than were made.`;

/** Two graphs are read and compared, where check reads one and plans its trees. */
const MAX_RATIO = 1.8;
const MAX_BYTES = 1024 ** 3;

interface Used {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakBytes: number;
}

const { values } = parseArgs({
  options: {
    services: { type: 'string', default: '10000' },
    rounds: { type: 'string', default: '3' },
    subjects: { type: 'boolean', default: false },
    keep: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
const [services, rounds] = [numberOf('services', 100), numberOf('rounds', 1)];

/** What is done to the newer graph, by the place of the file among all; each shows as one change. */
const EDITS: readonly (readonly [place: number, from: string, to: string, shown: RegExp])[] = [
  [0.3, 'claims: [tier', 'claims: [tier!', /now fails where the claim tier/],
  [0.5, 'mode: exchange', 'mode: embed', /by embed, not exchange/],
  [0.7, '    claims: [region]\n', '', /no longer carries the claim region/],
  [
    0.9,
    'auth: { method: client_secret_basic, secret_env: ',
    'auth: { method: client_secret_basic, secret_env: N',
    /authenticates by/,
  ],
];

function numberOf(option: 'services' | 'rounds', least: number): number {
  const number = Number(values[option]);
  if (Number.isInteger(number) && number >= least) return number;
  throw new TypeError(`--${option} is a whole number, at least ${least}`);
}

function write(folder: string): void {
  const files = Math.ceil(services / 100);
  const size: Size = {
    ...{ services, calls: services * 10, clients: 10, files, outside: true, subjects: values.subjects },
  };
  const older = path.join(folder, 'old');
  mkdirSync(older, { recursive: true });
  for (const [name, text] of generate(size)) writeFileSync(path.join(older, name), text);
  const newer = path.join(folder, 'new');
  cpSync(older, newer, { recursive: true });
  for (const [place, from, to] of EDITS) {
    const name = `team-${String(Math.floor(files * place)).padStart(4, '0')}.yaml`;
    const file = path.join(newer, name);
    const text = readFileSync(file, 'utf8');
    if (!text.includes(from)) throw new Error(`${file} has no ${JSON.stringify(from)}`);
    writeFileSync(file, text.replace(from, to));
  }
  console.log(
    `graphs    ${services} services, ${size.calls} calls, ${files + 1} files; ${EDITS.length} changes`,
  );
}

function run(args: readonly string[]): { stdout: string; used: Used } {
  const main = path.join(import.meta.dirname, '../../dist/cli/main.js');
  const usage = new URL('usage.mjs', import.meta.url).href;
  const { status, stdout, output } = spawnSync(process.execPath, ['--import', usage, main, ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
    maxBuffer: 2 ** 26,
  });
  if (status !== 0) throw new Error(`waybill ${args.join(' ')} ended with ${status}`);
  return { stdout, used: JSON.parse(output[3] ?? '') as Used };
}

function shown(command: string, { seconds, cpuSeconds, peakBytes }: Used): string {
  return `${command.padEnd(10)}${seconds.toFixed(2)} s, ${cpuSeconds.toFixed(2)} s of processor, peak ${Math.round(peakBytes / 2 ** 20)} MiB`;
}

/** The changes that were made and not found, and the other way round. */
function misjudged(stdout: string): string[] {
  const { changes, effects } = JSON.parse(stdout) as {
    changes: { what: string }[];
    effects: { unweighed: number };
  };
  const missing = EDITS.filter(([, , , pattern]) => !changes.some(({ what }) => pattern.test(what)));
  const other = changes.filter(({ what }) => !EDITS.some(([, , , pattern]) => pattern.test(what)));
  return [
    ...missing.map(([, , , pattern]) => `no change matches ${pattern}`),
    ...other.map(({ what }) => `nobody made this change: ${what}`),
    ...(effects.unweighed > 0 ? [`${effects.unweighed} requests were not compared`] : []),
  ];
}

function measure(folder: string): string[] {
  const [older, newer] = [path.join(folder, 'old'), path.join(folder, 'new')];
  const best = { check: Infinity, diff: Infinity, peak: Infinity };
  let failures: string[] = [];
  for (let round = 0; round < rounds; round++) {
    const check = run(['check', older]).used;
    console.log(shown('check', check));
    const diff = run(['diff', older, newer, '--json']);
    console.log(
      `${shown('diff', diff.used)}: ${(diff.used.cpuSeconds / check.cpuSeconds).toFixed(2)} times check`,
    );
    best.check = Math.min(best.check, check.cpuSeconds);
    best.diff = Math.min(best.diff, diff.used.cpuSeconds);
    best.peak = Math.min(best.peak, diff.used.peakBytes);
    failures = misjudged(diff.stdout);
  }
  const ratio = best.diff / best.check;
  console.log(
    `best      ${ratio.toFixed(2)} times check (at most ${MAX_RATIO}), peak ${Math.round(best.peak / 2 ** 20)} MiB (at most ${MAX_BYTES / 2 ** 20})`,
  );
  return [
    ...failures,
    ...(ratio > MAX_RATIO ? ['diff took too long'] : []),
    ...(best.peak > MAX_BYTES ? ['diff took too much memory'] : []),
  ];
}

if (values.help) console.log(HELP);
else {
  const folder = values.keep ?? mkdtempSync(path.join(tmpdir(), 'scale-diff-'));
  try {
    write(folder);
    const failures = measure(folder);
    console.log(failures.length === 0 ? 'Comparing holds.' : `Failed: ${failures.join('; ')}`);
    if (failures.length > 0) process.exitCode = 1;
  } finally {
    if (values.keep === undefined) rmSync(folder, { recursive: true });
  }
}
