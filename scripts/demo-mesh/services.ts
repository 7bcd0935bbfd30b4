/** The four services, each a program in its own language that knows nothing of tokens but that it passes a header on. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { owned } from '../demo/processes.ts';
import { DemoFailed } from '../demo/terminal.ts';
import type { Parts } from './parts.ts';

const FOLDER = path.join(import.meta.dirname, 'services');

export const SERVICES = ['orders', 'stock', 'payment', 'warehouse'] as const;
export type ServiceName = (typeof SERVICES)[number];

export const LANGUAGES: Readonly<Record<ServiceName, string>> = {
  orders: 'Node, node:http',
  stock: 'Go, net/http',
  payment: 'Python, http.server',
  warehouse: 'Java, HttpServer',
};

/** What a service calls in its own code: plain HTTP to the callee's name. The proxy comes from its environment. */
const CALLS: Readonly<Record<ServiceName, readonly string[]>> = {
  orders: ['http://stock.shop.example/reserve', 'http://payment.shop.example/charge'],
  stock: ['http://warehouse.shop.example/pick'],
  payment: [],
  warehouse: [],
};

export interface ServicePorts {
  /** Where the service itself listens. */
  readonly application: number;
  /** Where its proxy takes its calls. */
  readonly outbound: number;
}

/** @param folder where the Go program is built. */
export async function startService(
  name: ServiceName,
  parts: Parts,
  { application, outbound }: ServicePorts,
  folder: string,
): Promise<void> {
  const proxy = `http://127.0.0.1:${outbound}`;
  const [command, ...options] = commandOf(name, parts, folder);
  const child = owned(
    spawn(command, options, {
      cwd: FOLDER,
      env: {
        ...process.env,
        PORT: String(application),
        CALLS: CALLS[name].join(' '),
        http_proxy: proxy,
        HTTP_PROXY: proxy,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  );
  await ready(name, child);
}

function commandOf(name: ServiceName, parts: Parts, folder: string): readonly [string, ...string[]] {
  switch (name) {
    case 'orders':
      return [process.execPath, 'orders.mjs'];
    case 'payment':
      return [parts.python, 'payment.py'];
    case 'warehouse':
      return [parts.java, 'Warehouse.java'];
    case 'stock': {
      const program = path.join(folder, 'stock');
      const built = spawnSync(parts.go, ['build', '-o', program, '.'], {
        cwd: path.join(FOLDER, 'stock'),
        encoding: 'utf8',
      });
      if (built.status !== 0) throw new DemoFailed(`go build failed:\n${built.stderr}`);
      return [program];
    }
  }
}

async function ready(name: string, { stdout, stderr }: ChildProcess): Promise<void> {
  if (!stdout || !stderr) throw new TypeError(`${name} has no output`);
  let errors = '';
  stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  for await (const line of createInterface({ input: stdout })) if (line === 'ready') return;
  throw new DemoFailed(`${name} ended before it listened:\n${errors}`);
}
