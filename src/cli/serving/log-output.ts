/**
 * Where the log of an issuer goes: standard error, one JSON object a line. Writing never blocks the event loop and never
 * throws. What cannot be written yet waits in memory, up to a bound; beyond it lines are dropped and counted.
 *
 * pino's own destination, sonic-boom, does not serve: on a full disk its last flush waits in a loop without end, and once
 * its buffer is full it does not try again.
 */
import { constants, fstatSync, openSync, write, writeSync } from 'node:fs';
import { pino, type DestinationStream, type Logger } from 'pino';
import { defined } from '../defined.ts';
import { isWaybillError } from '../../errors.ts';
import { safeJson } from '../output/escape.ts';

/** Bytes that wait at most. */
const MAX_WAITING = 1024 * 1024;
/** Bytes of one write to a pipe: those are not mixed with what other processes write (PIPE_BUF of Linux). */
const PIPE_CHUNK = 4_096;
const FILE_CHUNK = 256 * 1024;
/** Milliseconds until the next attempt after a full pipe. */
const FULL_PIPE_MS = 50;
/** Until the next attempt after any other failure, such as a full disk. */
const FAILED_MS = 1_000;
/** How long the end of the process waits for a reader. */
const LAST_ATTEMPT_MS = 200;
const STANDARD_ERROR = 2;

export interface LogState {
  /** Lines lost since the process started. */
  readonly dropped: number;
  /** Why lines cannot be written now, as a code of the system (ENOSPC); `EAGAIN`: nobody reads. Absent: they can. */
  readonly reason?: string;
}

/** A log, and the state of its output. */
export interface IssuerLog {
  readonly log: Logger;
  readonly state: () => LogState;
}

/** @param worker its number, where several processes write one log. */
export function openLog(level: string, worker: number | undefined): IssuerLog {
  const output = new LogOutput();
  const base = worker === undefined ? null : { worker };
  const log = pino({ level, base, timestamp: pino.stdTimeFunctions.isoTime }, output);
  output.onGap = (dropped, reason) => log.error({ dropped, reason }, 'lines of the log were dropped');
  process.on('exit', () => output.end());
  return { log, state: () => output.state };
}

/** Why something failed, for a line of the log; with the stack if it is a bug. */
export function failureOf(error: unknown): object {
  if (isWaybillError(error)) return { reason: error.message };
  return { reason: 'unexpected error', err: error };
}

/** Calls `done` once with the bytes that were written, which can be fewer, or with an error. */
type Write = (chunk: Buffer, done: (error: unknown, written: number) => void) => void;

class LogOutput implements DestinationStream {
  /** Called after lines were dropped, once a line that says so can be written. */
  onGap: (dropped: number, reason: string) => void = () => undefined;
  readonly #fd: number;
  readonly #send: Write;
  readonly #chunkBytes: number;
  #lines: string[] = [];
  /** Of `#lines` and `#chunk`. */
  #bytes = 0;
  /** What is being written, or failed to be. */
  #chunk: Buffer = Buffer.alloc(0);
  #isWriting = false;
  #retry: NodeJS.Timeout | undefined;
  #retryAt = 0;
  #reason: string | undefined;
  /** Dropped lines that are not reported yet. */
  #gap = 0;
  #gapReason = '';
  #dropped = 0;

  constructor() {
    const isPipe = isPipeOrSocket(STANDARD_ERROR);
    this.#fd = isPipe ? openWithoutBlocking() : STANDARD_ERROR;
    this.#chunkBytes = isPipe ? PIPE_CHUNK : FILE_CHUNK;
    this.#send = isPipe ? writerNow(this.#fd) : (chunk, done) => write(this.#fd, chunk, done);
  }

  get state(): LogState {
    return { dropped: this.#dropped, ...defined({ reason: this.#reason }) };
  }

  /** What is in a log was sent by others, and people look at logs in terminals: see `escape.ts`. */
  write(line: string): void {
    const text = safeJson(line);
    const bytes = Buffer.byteLength(text);
    if (this.#gap > 0 || this.#bytes + bytes > MAX_WAITING) {
      this.#drop();
    } else {
      this.#lines.push(text);
      this.#bytes += bytes;
    }
    // A timer fires late while the event loop is busy, and a reader may have emptied the pipe since.
    if (!this.#retry || performance.now() >= this.#retryAt) this.#write();
  }

  /** For the end of the process: writes what is left, as far as it can be written. */
  end(): void {
    const deadline = performance.now() + LAST_ATTEMPT_MS;
    // The system still writes the current chunk.
    if (this.#isWriting) this.#chunk = Buffer.alloc(0);
    for (;;) {
      if (this.#chunk.length === 0) this.#chunk = this.#takeLines();
      if (this.#chunk.length === 0) return;
      try {
        this.#chunk = this.#chunk.subarray(writeSync(this.#fd, this.#chunk));
      } catch (error) {
        if (codeOf(error) !== 'EAGAIN' || performance.now() > deadline) return;
        pauseBriefly();
      }
    }
  }

  #drop(): void {
    this.#reason ??= 'EAGAIN';
    this.#gapReason = this.#reason;
    this.#gap += 1;
    this.#dropped += 1;
  }

  #write(): void {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    if (this.#isWriting) return;
    if (this.#chunk.length === 0) this.#chunk = this.#takeLines();
    if (this.#chunk.length === 0) return;
    this.#isWriting = true;
    this.#send(this.#chunk, (error, written) => {
      this.#isWriting = false;
      if (error) return this.#failed(codeOf(error));
      this.#reason = undefined;
      this.#bytes -= written;
      this.#chunk = this.#chunk.subarray(written);
      this.#closeGap();
      this.#write();
    });
  }

  #failed(code: string): void {
    const isFullPipe = code === 'EAGAIN';
    if (!isFullPipe) this.#reason = code; // a full pipe is nothing unusual until lines are lost
    const pause = isFullPipe ? FULL_PIPE_MS : FAILED_MS;
    this.#retryAt = performance.now() + pause;
    this.#retry = setTimeout(() => this.#write(), pause).unref();
  }

  /** Not at the first free byte: a slow reader would get as many notes as lines. */
  #closeGap(): void {
    if (this.#gap === 0 || this.#bytes > MAX_WAITING / 2) return;
    const [gap, reason] = [this.#gap, this.#gapReason];
    this.#gap = 0;
    this.onGap(gap, reason);
  }

  /** As many whole lines as fit into one write; at least one if there is any. */
  #takeLines(): Buffer {
    let [count, bytes] = [0, 0];
    for (const line of this.#lines) {
      bytes += Buffer.byteLength(line);
      if (count > 0 && bytes > this.#chunkBytes) break;
      count += 1;
    }
    return Buffer.from(this.#lines.splice(0, count).join(''));
  }
}

function isPipeOrSocket(fd: number): boolean {
  const status = fstatSync(fd);
  return status.isFIFO() || status.isSocket();
}

/**
 * Whether writing blocks belongs to the open file, which other processes share: one that starts makes it block again.
 * So this process opens the pipe again for itself, if the system allows that.
 */
function openWithoutBlocking(): number {
  try {
    return openSync(`/proc/self/fd/${STANDARD_ERROR}`, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    void process.stderr; // Node makes a pipe or socket non-blocking once this stream exists
    return STANDARD_ERROR;
  }
}

/** A write that does not block needs no thread pool, in which it would wait for its turn. */
function writerNow(fd: number): Write {
  return (chunk, done) => {
    let written = 0;
    try {
      written = writeSync(fd, chunk);
    } catch (error) {
      return done(error, 0);
    }
    done(undefined, written);
  };
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown';
}

/** The event loop has ended: nothing else can wait. */
function pauseBriefly(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
}
