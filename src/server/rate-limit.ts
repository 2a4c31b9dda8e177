/** A rate limit per remote address: a bucket of requests that refills steadily, for a bounded number of addresses. */
import type { Clock } from '../common/time.js';

export interface RateLimit {
  /** Takes one request of an address. @returns 0 when it may pass, else the milliseconds until the next one may */
  take(remoteAddress: string): number;
}

/** Addresses remembered; the one that was quiet for longest is forgotten first. Some hundred kilobytes at the most. */
const MAX_ADDRESSES = 4_096;
const MINUTE_MS = 60_000;

/** Creates a limit: a burst of a minute's requests at once, and the same number in every minute after it. */
export function createRateLimit(requestsPerMinute: number, clock: Pick<Clock, 'monotonic'>): RateLimit {
  const msPerRequest = MINUTE_MS / requestsPerMinute;
  /** By address, least recently used first: when its bucket, drained by what it asked, will be full again. */
  const fullAtMs = new Map<string, number>();
  return {
    take(remoteAddress) {
      const nowMs = clock.monotonic();
      const who = peerOf(remoteAddress);
      const wouldBeFullAtMs = Math.max(fullAtMs.get(who) ?? nowMs, nowMs) + msPerRequest;
      const waitMs = wouldBeFullAtMs - nowMs - MINUTE_MS;
      // A refused request drains nothing: who asks too often gets his rate, not nothing at all. The millionth is for rounding.
      const granted = waitMs <= 1e-6;
      const known = fullAtMs.get(who);
      fullAtMs.delete(who);
      fullAtMs.set(who, granted ? wouldBeFullAtMs : (known ?? nowMs));
      if (fullAtMs.size > MAX_ADDRESSES) fullAtMs.delete(fullAtMs.keys().next().value ?? '');
      return granted ? 0 : waitMs;
    },
  };
}

/** Who asks: an IPv4 address, or the /64 of an IPv6 address, which one host has whole. */
export function peerOf(remoteAddress: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(remoteAddress)?.[1];
  if (mapped !== undefined) return mapped;
  if (!remoteAddress.includes(':')) return remoteAddress;
  const [address = ''] = remoteAddress.split('%');
  const [head = '', tail] = address.toLowerCase().split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length);
  const groups = [...before, ...Array.from({ length: zeros }, () => '0'), ...after];
  return `${groups.slice(0, 4).join(':')}::/64`;
}
