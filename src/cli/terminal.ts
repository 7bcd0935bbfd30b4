/** The only place that writes to the terminal. Colours are left out where the output is no terminal or NO_COLOR is set. */
import pc from 'picocolors';

export const paint = pc;

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function printError(text: string): void {
  process.stderr.write(`${text}\n`);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2));
}

/** For what comes from outside: no control character of it reaches the terminal. */
export function plain(text: string): string {
  return text.replace(/\p{Cc}/gu, '?');
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
}
