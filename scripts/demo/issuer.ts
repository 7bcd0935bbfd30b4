/**
 * The issuer, run by the real command line behind a counter: its URL is the counter's, which notes each request and
 * passes it on. So what the demo says about requests to the issuer is measured, whoever makes them.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, request as ask, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { GRAPH, ROOT, WAYBILL, owned } from './processes.ts';
import { DemoFailed } from './terminal.ts';

export interface RunningIssuer {
  readonly url: string;
  /** Every request so far, say `POST /token`. */
  readonly requests: readonly string[];
  /** Whether the issuer's log says that this transaction was issued, once; a line may take a moment to arrive. */
  logged(txn: string): Promise<boolean>;
  close(): void;
}

const LOG_TRIES = 100;
const LOG_PAUSE_MS = 20;

/**
 * @param secrets environment variables that hold the clients' secrets.
 * @param folder where the key file is made.
 */
export async function startIssuer(
  secrets: Readonly<Record<string, string>>,
  folder: string,
): Promise<RunningIssuer> {
  const requests: string[] = [];
  let target = '';
  const counter = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    passOn(target, request, response);
  }).listen(0, '127.0.0.1');
  await once(counter, 'listening');
  const url = `http://127.0.0.1:${(counter.address() as AddressInfo).port}`;
  const keys = path.join(folder, 'keys.json');
  const options = ['--var', `issuer=${url}`, '--port', '0', '--keys', keys, '--no-watch'];
  const child = owned(
    spawn(process.execPath, [WAYBILL, 'serve', GRAPH, ...options], {
      cwd: ROOT,
      env: { ...process.env, ...secrets },
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  );
  const { issued, errors } = readLog(child);
  target = await listening(child, errors);
  return {
    url,
    requests,
    async logged(txn) {
      for (let wait = 0; wait < LOG_TRIES && !issued.includes(txn); wait++) await setTimeout(LOG_PAUSE_MS);
      return issued.filter((issue) => issue === txn).length === 1;
    },
    close() {
      counter.close();
      counter.closeAllConnections();
    },
  };
}

function passOn(target: string, request: IncomingMessage, response: ServerResponse): void {
  const { method, url = '', headers } = request;
  const onward = ask(new URL(url, target), { method, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  onward.on('error', () => response.destroy());
  request.pipe(onward);
}

/** The issuer prints `listening on URL` once it is ready. */
async function listening(child: ChildProcess, errors: readonly string[]): Promise<string> {
  if (!child.stdout) throw new TypeError('the issuer has no standard output');
  for await (const line of createInterface({ input: child.stdout })) {
    const [, url] = /^listening on (\S+)$/.exec(line) ?? [];
    if (url !== undefined) return url;
  }
  throw new DemoFailed(`waybill serve ended before it listened:\n${errors.join('\n')}`);
}

/** The log is one JSON object a line; what is none is an error that was printed. */
function readLog(child: ChildProcess): { issued: string[]; errors: string[] } {
  const issued: string[] = [];
  const errors: string[] = [];
  if (!child.stderr) throw new TypeError('the issuer has no standard error');
  createInterface({ input: child.stderr }).on('line', (line) => {
    if (!line.startsWith('{')) return void errors.push(line);
    const entry = JSON.parse(line) as { msg?: string; txn?: string };
    if (entry.msg === 'issued' && entry.txn !== undefined) issued.push(entry.txn);
  });
  return { issued, errors };
}
