/** A client that keeps its connection and asks again and again, as a gateway under load does. */
import { connect, type Socket } from 'node:net';

export interface Requests {
  /** Statuses of the answers. */
  readonly answered: number[];
  /** Answers that said `Connection: close`. */
  readonly last: number[];
  /** Requests that were sent and got no answer. */
  readonly lost: string[];
}

/**
 * Sends one request after the other, over a new connection where an answer says that its was the last, until connections
 * are refused.
 *
 * @param request its bytes.
 * @param requests where it counts.
 */
export async function askUntilRefused(url: string, request: string, requests: Requests): Promise<void> {
  const { hostname, port } = new URL(url);
  for (;;) {
    const socket = connect(Number(port), hostname);
    socket.on('error', () => undefined); // it closes, then
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('close', () => resolve(false));
    });
    if (!isOpen) return;
    await askUntilClosed(socket, request, requests);
  }
}

async function askUntilClosed(
  socket: Socket,
  request: string,
  { answered, last, lost }: Requests,
): Promise<void> {
  for (;;) {
    const answer = await exchange(socket, request);
    if (answer === undefined) return void lost.push(request);
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1]);
    answered.push(status);
    if (!/^connection: close/im.test(answer)) continue;
    last.push(status);
    socket.destroy();
    return;
  }
}

/** @returns the whole answer; undefined where the connection ends before it. */
function exchange(socket: Socket, request: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    let text = '';
    const settle = (answer: string | undefined): void => {
      socket.off('data', take).off('close', fail);
      resolve(answer);
    };
    const fail = (): void => settle(undefined);
    const take = (data: Buffer): void => {
      text += data.toString('latin1');
      const [head = '', body] = text.split('\r\n\r\n', 2);
      const length = Number(/^content-length: (\d+)/im.exec(head)?.[1]);
      if (body !== undefined && body.length >= length) settle(text);
    };
    socket.on('data', take).once('close', fail);
    socket.write(request);
  });
}
