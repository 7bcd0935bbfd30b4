/** Which connections a process holds, as Linux tells it. */
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

/** @returns the ports of the other side of all TCP connections over IPv4 that these processes hold. */
export function peerPortsOf(pids: Iterable<number>): Set<number> {
  const inodes = new Set([...pids].flatMap(socketInodesOf));
  const rows = readFileSync('/proc/net/tcp', 'latin1').trim().split('\n').slice(1);
  return new Set(
    rows.flatMap((row) => {
      const fields = row.trim().split(/\s+/);
      const [peer = '', inode = ''] = [fields[2], fields[9]];
      return inodes.has(inode) ? [Number.parseInt(peer.slice(peer.indexOf(':') + 1), 16)] : [];
    }),
  );
}

function socketInodesOf(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).flatMap((name) => {
    const [, inode] = /^socket:\[(\d+)\]$/.exec(targetOf(`${folder}/${name}`)) ?? [];
    return inode === undefined ? [] : [inode];
  });
}

/** Empty for what has been closed meanwhile. */
function targetOf(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    return '';
  }
}

/** Whether a process with this id is there; one that has ended and was not waited for is not. */
export function isRunning(pid: number): boolean {
  try {
    const status = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return status.slice(status.lastIndexOf(')') + 2, status.lastIndexOf(')') + 3) !== 'Z';
  } catch {
    return false;
  }
}
