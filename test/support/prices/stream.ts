/** A real WebSocket server on a port of its own that plays a venue. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';

export interface Client {
  readonly socket: WebSocket;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The next message of the client that no one has waited for yet. */
  next(): Promise<string>;
  send(text: string): void;
}

export interface StreamServer {
  readonly url: string;
  /** The next client that connects, or has connected and was not asked for yet. */
  client(): Promise<Client>;
  /** Answers the coming handshakes with this HTTP status; 101 accepts again. */
  refuse(status: number): void;
  /** Keeps the coming handshakes waiting. */
  hold(): {
    /** Settles when a client waits. */
    readonly asked: Promise<void>;
    /** Answers those that wait, and all that come. */
    release(): void;
  };
  close(): Promise<void>;
}

export async function startStream(): Promise<StreamServer> {
  let status = 101;
  let gate: { onAsked: () => void; released: Promise<void> } | undefined;
  const clients = queue<Client>();
  const http = createServer();
  const server = new WebSocketServer({ noServer: true });
  http.on('upgrade', async (request, socket, head) => {
    gate?.onAsked();
    await gate?.released;
    if (status !== 101) {
      socket.end(`HTTP/1.1 ${status} No\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    server.handleUpgrade(request, socket, head, (accepted) => {
      const messages = queue<string>();
      accepted.on('message', (data) => messages.put(data.toString()));
      const { headers } = request;
      clients.put({
        socket: accepted,
        headers,
        next: messages.take,
        send: (text) => accepted.send(text),
      });
    });
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  return {
    url: `ws://127.0.0.1:${(http.address() as AddressInfo).port}`,
    client: clients.take,
    refuse: (next) => {
      status = next;
    },
    hold: () => {
      let release = () => {};
      const released = new Promise<void>((resolve) => {
        release = resolve;
      });
      const asked = new Promise<void>((resolve) => {
        gate = { onAsked: resolve, released };
      });
      return { asked, release };
    },
    close: () =>
      new Promise((resolve) => {
        for (const client of server.clients) client.terminate();
        http.close(() => resolve());
        http.closeAllConnections();
      }),
  };
}

function queue<T>() {
  const items: T[] = [];
  const waiting: ((item: T) => void)[] = [];
  return {
    put(item: T): void {
      const taker = waiting.shift();
      if (taker) taker(item);
      else items.push(item);
    },
    take(): Promise<T> {
      const item = items.shift();
      return item === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(item);
    },
  };
}
