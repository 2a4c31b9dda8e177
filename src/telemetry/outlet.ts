/** Where telemetry leaves the process by HTTP: deadlines on everything, one line when the other end is away or back. */
import type { Logger } from './logger.js';

export interface OutletOptions {
  /** Begins the names of the events: `traces` says `traces_away` and `traces_back`. */
  readonly name: 'traces' | 'error_reports';
  /** May hold a key: only its host is ever said. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly log: Logger;
  /** From the request to the head of the reply. */
  readonly timeoutMs: number;
}

export interface OutletReply {
  readonly status: number;
  readonly header: (name: string) => string | null;
}

export interface Outlet {
  /** Sends once. @throws Error when no reply came in time */
  post(body: string | Uint8Array, headers: Readonly<Record<string, string>>): Promise<OutletReply>;
  /** Aborts when the outlet closes. */
  readonly closing: AbortSignal;
  /** Ends what is under way, so that nothing keeps the process alive. */
  close(): void;
}

/** Creates an outlet; nothing is sent before the first `post`. */
export function createOutlet({ name, url, headers: fixed = {}, log, timeoutMs }: OutletOptions): Outlet {
  const { host } = new URL(url);
  const closed = new AbortController();
  let away = false;

  const say = (detail: string | undefined): void => {
    if (closed.signal.aborted || away === (detail !== undefined)) return;
    away = !away;
    if (away)
      log.warn({ event: `${name}_away`, host, detail }, 'telemetry is not taken and is dropped until it is');
    else log.info({ event: `${name}_back`, host }, 'telemetry is taken again');
  };

  return {
    closing: closed.signal,
    close: () => closed.abort(),
    async post(body, headers) {
      try {
        const response = await fetch(url, {
          method: 'POST',
          headers: { ...fixed, ...headers },
          body,
          redirect: 'error',
          signal: AbortSignal.any([closed.signal, AbortSignal.timeout(timeoutMs)]),
        });
        // Nobody reads the reply's body; left open it would hold the connection.
        await response.body?.cancel();
        say(response.ok ? undefined : `HTTP status ${response.status}`);
        return { status: response.status, header: (wanted) => response.headers.get(wanted) };
      } catch (error) {
        say(reasonOf(error, timeoutMs));
        throw error;
      }
    },
  };
}

/** `fetch` hides the reason in the cause. */
function reasonOf(error: unknown, timeoutMs: number): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return `no reply within ${timeoutMs} ms`;
  const { cause } = error;
  if (!(cause instanceof Error)) return error.message;
  return 'code' in cause ? String(cause.code) : cause.message;
}
