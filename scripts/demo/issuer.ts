/** The issuer, run by the real command line. */
import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { ROOT, WAYBILL, owned } from './processes.ts';
import { DemoFailed } from './terminal.ts';

export interface IssuerSetting {
  readonly graph: string;
  /** Of the graph. */
  readonly variables: ReadonlyMap<string, string>;
  /** Environment variables that hold the secrets of clients and services. */
  readonly secrets: Readonly<Record<string, string>>;
  /** Where the key file is made. */
  readonly folder: string;
  /** Default: one that is free. */
  readonly port?: number;
}

export interface RunningIssuer {
  /** The address at which it listens. */
  readonly url: string;
  readonly child: ChildProcess;
}

export async function startIssuer({
  graph,
  variables,
  secrets,
  folder,
  port = 0,
}: IssuerSetting): Promise<RunningIssuer> {
  const values = [...variables].flatMap(([name, value]) => ['--var', `${name}=${value}`]);
  const keys = path.join(folder, 'keys.json');
  const options = ['--port', String(port), '--keys', keys, '--no-watch', '--shutdown-delay', '0'];
  const child = owned(
    spawn(process.execPath, [WAYBILL, 'serve', graph, ...values, ...options], {
      cwd: ROOT,
      env: { ...process.env, ...secrets },
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  );
  return { url: await listening(child), child };
}

/** The issuer prints `listening on URL` once it is ready. What is no JSON on standard error is an error, not its log. */
async function listening({ stdout, stderr }: ChildProcess): Promise<string> {
  if (!stdout || !stderr) throw new TypeError('the issuer has no output');
  const errors: string[] = [];
  createInterface({ input: stderr }).on('line', (line) => line.startsWith('{') || errors.push(line));
  for await (const line of createInterface({ input: stdout })) {
    const [, url] = /^listening on (\S+)$/.exec(line) ?? [];
    if (url !== undefined) return url;
  }
  throw new DemoFailed(`waybill serve ended before it listened:\n${errors.join('\n')}`);
}
