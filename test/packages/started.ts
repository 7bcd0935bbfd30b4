/** A program of another project that serves, as a child of the tests. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

/**
 * Waits until the program says where it listens.
 *
 * @param output where it says so
 * @param find the address in one line, if that is the line
 * @throws Error with all lines, if the program ends without an address
 */
export async function addressOf(
  output: Readable,
  find: (line: string) => string | undefined,
): Promise<string> {
  const lines: string[] = [];
  for await (const line of createInterface({ input: output })) {
    lines.push(line);
    const address = find(line);
    if (address !== undefined) return address;
  }
  throw new Error(`ended without an address:\n${lines.join('\n')}`);
}

export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill();
  await once(child, 'exit');
}

/** @returns status and text of what the service at the address answers. */
export async function callWith(address: string, token: string): Promise<string> {
  const response = await fetch(address, { headers: { authorization: `Bearer ${token}` } });
  return `${response.status} ${await response.text()}`;
}
