/**
 * The connections that a supervisor holds: those that no worker has taken from it yet. Where it has no file descriptor
 * left, Node closes connections without a word, and no worker can be started. So more than there is room for are closed
 * here, and counted.
 *
 * node:cluster shows neither its listening handle nor these connections: the server that it makes is met in a channel
 * for diagnostics, and its handle is asked first. Where a version of Node has other handles, nothing is bounded.
 */
import { subscribe } from 'node:diagnostics_channel';
import type { Server } from 'node:net';
import { ThrottledReport } from '../../issuer/http/index.ts';

interface Connection {
  close(done?: () => void): void;
}

interface ListeningHandle {
  onconnection?: (error: number, connection?: Connection) => void;
}

/**
 * Call it when all servers of this process itself listen: from then on only those that workers share do.
 *
 * @param refused told of connections that were closed, at once and then every ten seconds.
 */
export function boundHandedConnections(max: number, refused: (connections: number) => void): void {
  const refusals = new ThrottledReport(refused);
  let held = 0;
  const hold = (connection: Connection): void => {
    held += 1;
    const close = connection.close.bind(connection);
    connection.close = (done) => {
      held -= 1;
      close(done);
    };
  };
  subscribe('tracing:net.server.listen:asyncEnd', (message) => {
    const { server } = message as { readonly server: Server };
    const { _handle: handle } = server as Server & { readonly _handle?: ListeningHandle };
    server.once('listening', () =>
      // node:cluster also takes the handle when it hears of this.
      process.nextTick(() => {
        const handOn = handle?.onconnection;
        if (!handle || !handOn) return;
        handle.onconnection = (error, connection) => {
          if (connection && held >= max) {
            refusals.happened();
            connection.close();
            return;
          }
          if (connection) hold(connection);
          handOn.call(handle, error, connection);
        };
      }),
    );
  });
}
