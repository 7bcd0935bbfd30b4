/** The built program on a terminal: a real pseudo-terminal, which Python opens, since Node cannot. */
import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));

/** Standard output and error are the terminal; standard input is a pipe that stays open, unless the input is all there is. */
const PROGRAM = `
import fcntl, json, os, pty, re, select, subprocess, sys, termios
spec = json.load(sys.stdin)
terminal, end = pty.openpty()
read, write = os.pipe()
def take_terminal():
    os.setsid()
    fcntl.ioctl(1, termios.TIOCSCTTY, 0)
child = subprocess.Popen(spec['argv'], stdin=read, stdout=end, stderr=end, env=spec['env'], preexec_fn=take_terminal)
os.close(end)
os.close(read)
os.write(write, spec['input'].encode())
if spec['isAll']: os.close(write)
output = b''
while True:
    ready, _, _ = select.select([terminal], [], [], 100)
    if not ready: child.kill()
    try: data = os.read(terminal, 65536)
    except OSError: break
    if not data: break
    output += data
    if spec['keys'] and re.search(spec['after'].encode(), output):
        os.write(terminal, spec['keys'].encode())
        spec['keys'] = ''
status = child.wait()
print(json.dumps({'output': output.decode('utf-8', 'replace'), 'status': status}))
`;

export const hasTerminal = spawnSync('python3', ['-c', 'import pty']).status === 0;

/** For the titles of suites, so that a skipped one says why. */
export const needsTerminal = hasTerminal ? '' : ' (skipped: python3 is missing)';

export interface TerminalOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** A few kilobytes, at once; then nothing more comes. */
  readonly input?: string;
  /** Whether the pipe ends behind the input; otherwise the program waits for more. */
  readonly isAll?: boolean;
  /** What is typed, once the output matches. */
  readonly typed?: { readonly keys: string; readonly after: RegExp };
}

export interface OnTerminal {
  /** All that the terminal got; the terminal makes each end of a line CR LF. */
  readonly output: string;
  /** Undefined where a signal ended the program. */
  readonly code: number | undefined;
  /** The number of that signal. */
  readonly signal: number | undefined;
}

export async function runOnTerminal(
  args: readonly string[],
  { env = {}, input = '', isAll = true, typed }: TerminalOptions = {},
): Promise<OnTerminal> {
  const child = spawn('python3', ['-c', PROGRAM], { stdio: ['pipe', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part));
  const spec = {
    argv: [process.execPath, MAIN, ...args],
    env: { PATH: process.env['PATH'] ?? '', TERM: 'xterm-256color', ...env },
    input,
    isAll,
    keys: typed?.keys ?? '',
    after: typed?.after.source ?? '',
  };
  child.stdin.end(JSON.stringify(spec));
  await new Promise((resolve) => child.on('close', resolve));
  const { output, status } = JSON.parse(text) as { output: string; status: number };
  return { output, code: status < 0 ? undefined : status, signal: status < 0 ? -status : undefined };
}
