/** A `waybill serve` as operators run it, with its log. */
import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { ROOT } from '../demo/processes.ts';

const MAIN = path.join(ROOT, 'dist/cli/main.js');
/** Messages of single requests, which are not kept. */
const OF_REQUESTS = new Set(['issued', 'refused', 'revoked', 'introspected', 'nothing to revoke']);

export type LogLine = Readonly<Record<string, unknown>> & { readonly msg: string };

export interface IssuerProcessOptions {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** A file descriptor to which the log is written. Default: a pipe, from which `lines` come. */
  readonly log?: number | 'pipe' | undefined;
}

export class IssuerProcess {
  /** Of the log, without those of single requests. */
  readonly lines: LogLine[] = [];
  /** The exit code, or the signal, once it has ended. */
  readonly ended: Promise<number | NodeJS.Signals | null>;
  readonly #child: ChildProcess;
  readonly #listening: Promise<string | undefined>;
  /** What it printed of its management port. */
  #management: string | undefined;
  #errors = '';
  #url = '';

  private constructor({ args, env, log = 'pipe' }: IssuerProcessOptions) {
    this.#child = spawn(process.execPath, [MAIN, 'serve', ...args], {
      env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...env },
      stdio: ['ignore', 'pipe', log],
    });
    const { stdout, stderr } = this.#child;
    this.ended = new Promise((resolve) =>
      this.#child.once('close', (code, signal) => resolve(code ?? signal)),
    );
    if (stderr) createInterface({ input: stderr }).on('line', (line) => this.#read(line));
    this.#listening = new Promise((resolve) => {
      if (stdout)
        createInterface({ input: stdout }).on('line', (line) => {
          this.#management = /^management on (\S+)$/.exec(line)?.[1] ?? this.#management;
          const url = /^listening on (\S+)$/.exec(line)?.[1];
          if (url !== undefined) resolve(url);
        });
      void this.ended.then(() => resolve(undefined));
    });
  }

  /** @throws Error where it ends before it listens. */
  static async start(options: IssuerProcessOptions): Promise<IssuerProcess> {
    const issuer = new IssuerProcess(options);
    const url = await issuer.#listening;
    if (url === undefined) throw new Error(`waybill serve ended before it listened: ${issuer.#errors}`);
    issuer.#url = url;
    return issuer;
  }

  get url(): string {
    return this.#url;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Where it answers probes. */
  get management(): string {
    return this.#management ?? this.#url;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Lines with this message. */
  logged(message: string | RegExp): LogLine[] {
    return this.lines.filter(({ msg }) =>
      typeof message === 'string' ? msg === message : message.test(msg),
    );
  }

  #read(line: string): void {
    if (!line.startsWith('{')) {
      this.#errors += `${line}\n`;
      return;
    }
    const parsed = JSON.parse(line) as LogLine;
    if (!OF_REQUESTS.has(parsed.msg)) this.lines.push(parsed);
  }
}
