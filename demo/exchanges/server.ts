/** One exchange as an HTTP server on this machine. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type BoardSettings, createBoard } from './quotes.js';
import { type Answer, json, type Venue } from './venue.js';

export interface ExchangeSettings extends Pick<BoardSettings, 'tape' | 'timeline' | 'seed'> {
  readonly venue: Venue;
  /** 0: any free port. */
  readonly port: number;
  /** Unix milliseconds. */
  readonly now: () => number;
}

export interface Exchange {
  readonly url: string;
  readonly close: () => Promise<void>;
}

const listen = (server: Server, port: number) =>
  new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });

/** Serves a venue's public ticker endpoints on 127.0.0.1. */
export async function startExchange({
  venue,
  port,
  now,
  tape,
  timeline,
  seed,
}: ExchangeSettings): Promise<Exchange> {
  const board = createBoard({ venue: venue.name, character: venue.character, tape, timeline, seed });
  const answer = (method: string, target: string, userAgent: string | undefined): Answer => {
    if (method !== 'GET') return json(405, { message: 'Method Not Allowed' });
    if (!URL.canParse(target, 'http://exchange')) return json(400, { message: 'Bad Request' });
    const url = new URL(target, 'http://exchange');
    return venue.answer({ method, path: url.pathname, query: url.searchParams, userAgent }, board, now());
  };
  const server = createServer((request, response) => {
    request.resume();
    const { status, body, headers } = answer(
      request.method ?? 'GET',
      request.url ?? '/',
      request.headers['user-agent'],
    );
    const type = body.startsWith('<') ? 'text/html' : 'application/json';
    response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store', ...headers });
    response.end(body);
  });
  await listen(server, port);
  const bound = (server.address() as AddressInfo).port;
  return {
    url: `http://127.0.0.1:${bound}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
