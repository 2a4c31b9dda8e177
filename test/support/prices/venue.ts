/** A real HTTP server on a port of its own that plays a venue. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Asked {
  readonly path: string;
  readonly method: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface Venue {
  readonly url: string;
  readonly asked: readonly Asked[];
  /** Replaces what the venue answers from now on. */
  answer(handler: Handler): void;
  close(): Promise<void>;
}

export type Handler = (asked: Asked, response: ServerResponse) => void;

/** Answers with JSON text as it is given, so that a test decides on every digit. */
export const json =
  (text: string, status = 200, headers: Record<string, string> = {}): Handler =>
  (_asked, response) =>
    void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text);

export async function startVenue(first: Handler = json('{}')): Promise<Venue> {
  let handler = first;
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { url: path = '', method = '', headers } = request;
      const one = { path, method, headers, body: Buffer.concat(chunks).toString('utf8') };
      asked.push(one);
      handler(one, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    answer: (next) => {
      handler = next;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
