/** A program of `programs/` as a process of its own: started, told where to listen and what it is, asked what it saw. */
import { fork, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { buildSync } from 'esbuild';
import { ROOT, end, owned } from './processes.ts';
import type { Certificate, Question } from './programs/child.ts';
import { DemoFailed } from './terminal.ts';

const PROGRAMS = ['service', 'gateway', 'storefront', 'login'] as const;

export function bundlePrograms(folder: string): void {
  bundle(
    PROGRAMS.map((name) => path.join(import.meta.dirname, 'programs', `${name}.ts`)),
    folder,
  );
}

/** So that each process reads one file of JavaScript: a dozen of them start in the time that one would take otherwise. */
export function bundle(entryPoints: string[], folder: string): void {
  buildSync({
    entryPoints,
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    absWorkingDir: ROOT,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    // Packages in CommonJS ask for Node's own modules with `require`.
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
    logLevel: 'error',
  });
}

export class Program<Config, Report> {
  readonly name: string;
  readonly #process: ChildProcess;
  #errors = '';
  #stopped = false;

  /** @param file of a bundled program, without its ending. */
  constructor(name: string, folder: string, file: string) {
    this.name = name;
    this.#process = owned(
      fork(path.join(folder, `${file}.mjs`), { cwd: ROOT, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] }),
    );
    // Warnings about the version of Node, say, are not the demo's; they are shown where the program ends.
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#errors += text));
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** @returns the port. */
  async listen(certificate: Certificate | 'http'): Promise<number> {
    return (await this.#ask({ listen: certificate })) as number;
  }

  async configure(config: Config): Promise<void> {
    await this.#ask({ configure: config });
  }

  /** What it noted since the last time. */
  async seen(): Promise<readonly Report[]> {
    return this.#stopped ? [] : ((await this.#ask('seen')) as Report[]);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await end(this.#process);
  }

  /** One question at a time. */
  #ask(question: Question<Config>): Promise<unknown> {
    const child = this.#process;
    return new Promise((resolve, reject) => {
      const gone = (): void =>
        reject(new DemoFailed(`${this.name} ended before it answered\n${this.#errors}`.trim()));
      // Not `exit`: what it said last may not have been read by then.
      child.once('close', gone);
      child.once('message', (answer) => {
        child.off('close', gone);
        resolve(answer);
      });
      child.send(question, (error) => error && gone());
    });
  }
}
