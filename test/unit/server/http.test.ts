/** What strangers can send to the ports: answered with a status of its own, never with an error in our log. */
import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type HttpServer, json, startHttpServer, text } from '../../../src/server/http.js';
import { createLogger } from '../../../src/telemetry/logger.js';

let server: HttpServer;
let lines: string[];

beforeEach(async () => {
  lines = [];
  server = await startHttpServer({
    routes: {
      'GET /': () => text('page'),
      'GET /livez': ({ query }) => json({ q: query.get('q') }),
      'POST /': ({ body }) => text(body),
      'GET /broken': () => {
        throw new Error('a bug');
      },
    },
    port: 0,
    bindAddress: '127.0.0.1',
    portSetting: 'HTTP_PORT',
    log: createLogger({ level: 'debug', destination: { write: (line) => void lines.push(line) } }),
  });
});
afterEach(() => server.close());

/** The target goes out as it is written, which `fetch` would not do. */
async function ask(path: string, method = 'GET') {
  const asked = request({ host: '127.0.0.1', port: server.port, path, method }).end();
  const [response] = await once(asked, 'response');
  let body = '';
  for await (const chunk of response) body += chunk;
  return { status: response.statusCode as number, body };
}

describe('the HTTP server', () => {
  it.each([
    '//',
    '///',
    '//livez',
    '//other.example/livez',
    '/\\/livez',
    'http://',
    'http://[',
    'http://host:99999/livez',
    '*',
    '/%',
    '/%ff/../%',
    '/livez/',
    '/nothing?q=%',
  ])('%s is not found, and nothing is logged', async (path) => {
    expect(await ask(path)).toEqual({ status: 404, body: '{"error":"not_found"}' });
    expect(lines).toEqual([]);
  });

  it('finds a path with its query, also where a proxy names the host', async () => {
    expect(await ask('/')).toEqual({ status: 200, body: 'page' });
    expect(await ask('/livez?q=1%20a')).toEqual({ status: 200, body: '{"q":"1 a"}' });
    expect(await ask('http://oracle.example:8080/livez')).toMatchObject({ status: 200 });
    expect(await ask('/livez', 'PUT')).toMatchObject({ status: 405 });
  });

  it('a client that hangs up in the middle of its body is no error of ours', async () => {
    const socket = connect(server.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf');
    // Answers on other connections: by then the server has seen the first half, and then the end.
    await ask('/');
    socket.destroy();
    for (let i = 0; i < 3; i += 1) await ask('/');
    expect(lines).toEqual([]);
  });

  it('a bug of ours is an error, in the log and for the client', async () => {
    expect(await ask('/broken')).toMatchObject({ status: 500 });
    expect(lines.join('')).toContain('"event":"http_failed"');
  });
});
