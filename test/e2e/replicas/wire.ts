/** A TCP wire between a daemon and a server, which can be cut: packets vanish, as behind a firewall that drops them. */
import { connect, createServer, type Socket } from 'node:net';
import { freePort } from '../../support/redis.js';

export interface Wire {
  readonly port: number;
  cut(): void;
  /** Connections that were cut stay dead; new ones get through. */
  heal(): void;
  close(): void;
}

export async function createWire(target: number): Promise<Wire> {
  const sockets = new Set<Socket>();
  let silent = false;
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
  };
  const server = createServer((client) => {
    keep(client);
    if (silent) return;
    const upstream = connect(target, '127.0.0.1');
    keep(upstream);
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => !silent && client.destroy());
    client.pipe(upstream).pipe(client);
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    port,
    cut: () => {
      silent = true;
      for (const socket of sockets) socket.unpipe().pause();
    },
    heal: () => {
      silent = false;
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
