/** One WebSocket connection from opening to its end: subscribes, pings, hands out messages, ends when nothing comes. */
import { WebSocket } from 'ws';
import { networkCode } from '../http/request.js';
import { failure, type ReadingFailure } from '../observation.js';

export interface SessionOptions {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly ping: string | undefined;
  readonly pingIntervalMs: number;
  /** The longest time without any message. */
  readonly silenceMs: number;
  /** The longest time without a message that is of use. */
  readonly quietMs: number;
  readonly deadlineMs: number;
  /** Called once, when messages can be sent. */
  readonly onOpen: (send: (text: string) => void) => void;
  /** @returns whether the message is of use */
  readonly onMessage: (text: string) => boolean;
}

// A ticker is some hundred bytes; the first snapshot of a whole venue some hundred kilobytes.
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;
/** How long the other side may take to say goodbye, milliseconds. */
const CLOSE_MS = 500;

/**
 * Holds a connection until it ends, by itself or because the signal aborts.
 * @returns why it ended; never throws
 */
export function holdSession(options: SessionOptions, signal: AbortSignal): Promise<ReadingFailure> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(STOPPED);
    let why: ReadingFailure | undefined;
    let socket: WebSocket;
    try {
      socket = new WebSocket(options.url, {
        headers: { 'user-agent': 'oracle-publisher', ...options.headers },
        handshakeTimeout: options.deadlineMs,
        maxPayload: MAX_MESSAGE_BYTES,
        perMessageDeflate: false,
        followRedirects: false,
      });
    } catch {
      return resolve(failure('disconnected', 'the address cannot be connected to'));
    }
    const timers: NodeJS.Timeout[] = [];
    const end = (reason: ReadingFailure) => {
      why ??= reason;
      socket.close(1_000);
      timers.push(setTimeout(() => socket.terminate(), CLOSE_MS));
    };
    const onAbort = () => end(STOPPED);
    signal.addEventListener('abort', onAbort, { once: true });
    const onSilence = () => end(failure('disconnected', `no message for ${options.silenceMs} ms`));
    const onQuiet = () => end(failure('disconnected', `no reading for ${options.quietMs} ms`));
    // Covers the handshake as well until the connection is open.
    let silence = setTimeout(onSilence, options.deadlineMs + options.silenceMs);
    let quiet: NodeJS.Timeout | undefined;

    socket.on('open', () => {
      timers.push(setInterval(() => ping(socket, options.ping), options.pingIntervalMs));
      armSilence();
      armQuiet();
      options.onOpen((text) => {
        if (socket.readyState === WebSocket.OPEN) socket.send(text);
      });
    });
    socket.on('message', (data, isBinary) => {
      armSilence();
      if (!isBinary && options.onMessage(data.toString())) armQuiet();
    });
    socket.on('unexpected-response', (_request, { statusCode = 0 }) => {
      why ??= refusal(statusCode);
      socket.terminate();
    });
    socket.on('error', (error) => {
      why ??= failure('disconnected', networkCode(error));
    });
    socket.on('close', (code) => {
      for (const timer of timers) clearTimeout(timer);
      clearTimeout(silence);
      clearTimeout(quiet);
      signal.removeEventListener('abort', onAbort);
      resolve(why ?? failure('disconnected', `closed by the venue, code ${code}`));
    });

    function armSilence(): void {
      clearTimeout(silence);
      silence = setTimeout(onSilence, options.silenceMs);
    }
    function armQuiet(): void {
      clearTimeout(quiet);
      quiet = setTimeout(onQuiet, options.quietMs);
    }
  });
}

const STOPPED = failure('disconnected', 'stopped');

function ping(socket: WebSocket, text: string | undefined): void {
  if (socket.readyState !== WebSocket.OPEN) return;
  if (text === undefined) socket.ping();
  else socket.send(text);
}

function refusal(status: number): ReadingFailure {
  if (status === 429 || status === 418) return failure('rate_limited', `HTTP ${status}`, { status });
  if (status === 401 || status === 403 || status === 451)
    return failure('forbidden', `HTTP ${status}`, { status });
  return failure('disconnected', `HTTP ${status}`, { status });
}
