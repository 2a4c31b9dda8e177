/** A small HTTP server: exact routes, bounded bodies and times, JSON or text, closed with its connections. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from '../telemetry/logger.js';

export interface Reply {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Request {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly remoteAddress: string;
  /** Empty for methods without a body. */
  readonly body: string;
}

/** `METHOD /path` to what answers it. */
export type Routes = Readonly<Record<string, (request: Request) => Reply | Promise<Reply>>>;

export interface HttpServer {
  readonly port: number;
  close(): Promise<void>;
}

const MAX_BODY_BYTES = 65_536;
const REQUEST_TIMEOUT_MS = 10_000;

/** A JSON reply. */
export const json = (value: unknown, status = 200): Reply => ({
  status,
  type: 'application/json; charset=utf-8',
  body: JSON.stringify(value),
});

/** A plain text reply. */
export const text = (body: string, status = 200): Reply => ({
  status,
  type: 'text/plain; charset=utf-8',
  body,
});

/**
 * Starts a server.
 * @throws Error when the port is taken, naming the setting to change
 */
export async function startHttpServer(options: {
  readonly routes: Routes;
  readonly port: number;
  readonly bindAddress: string;
  /** The setting that a taken port is to be changed by, such as `HTTP_PORT`. */
  readonly portSetting: string;
  readonly log: Logger;
}): Promise<HttpServer> {
  const { routes, port, bindAddress, portSetting, log } = options;
  const server = createServer(
    { requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS },
    (incoming, response) => {
      void answer(routes, incoming)
        .catch((error: unknown): Reply => {
          log.error(
            { event: 'http_failed', err: error, path: incoming.url?.split('?')[0] },
            'a request failed',
          );
          return json({ error: 'internal' }, 500);
        })
        .then((reply) => send(response, reply, incoming.method === 'HEAD'));
    },
  );
  await listen(server, port, bindAddress, portSetting);
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, port: number, bindAddress: string, portSetting: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        new Error(`cannot listen on ${bindAddress}:${port} (${error.code}); free it or set ${portSetting}`),
      ),
    );
    server.listen(port, bindAddress, resolve);
  });
}

async function answer(routes: Routes, incoming: IncomingMessage): Promise<Reply> {
  const method = incoming.method === 'HEAD' ? 'GET' : (incoming.method ?? 'GET');
  const url = targetOf(incoming.url ?? '/');
  if (!url) return json({ error: 'not_found' }, 404);
  const route = routes[`${method} ${url.pathname}`];
  if (!route) {
    const known = Object.keys(routes).some((name) => name.endsWith(` ${url.pathname}`));
    return json({ error: known ? 'method_not_allowed' : 'not_found' }, known ? 405 : 404);
  }
  const body = method === 'POST' ? await readBody(incoming) : '';
  if (typeof body !== 'string') return body;
  return route({
    method,
    path: url.pathname,
    query: url.searchParams,
    headers: incoming.headers,
    remoteAddress: incoming.socket.remoteAddress ?? '',
    body,
  });
}

/** The target of a request. It is a path, `//host` too; a proxy may write a whole URL. */
function targetOf(target: string): URL | undefined {
  const url = target.startsWith('/') ? `http://localhost${target}` : target;
  return URL.canParse(url) ? new URL(url) : undefined;
}

async function readBody(incoming: IncomingMessage): Promise<string | Reply> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of incoming as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > MAX_BODY_BYTES) return json({ error: 'body_too_large' }, 413);
      chunks.push(chunk);
    }
  } catch {
    // The client hung up or was too slow: no fault of ours, and nobody hears the answer.
    return json({ error: 'body_incomplete' }, 400);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function send(response: ServerResponse, { status, type, body, headers }: Reply, headOnly: boolean): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...headers,
  });
  response.end(headOnly ? undefined : body);
}
