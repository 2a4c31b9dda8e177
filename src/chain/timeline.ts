/** The moments of a transaction's life in unix milliseconds, for the trace of its round. */
import type { Clock } from '../common/time.js';
import type { Hex } from '../common/words.js';

/** When a transaction that landed was signed, answered for by the endpoints, seen in a block, and deep enough. */
export interface Timeline {
  readonly signedAtMs: number;
  readonly sentAtMs: number;
  readonly includedAtMs: number;
  readonly confirmedAtMs: number;
}

export interface TimelineKeeper {
  signed(hash: Hex): void;
  sent(hash: Hex): void;
  included(hash: Hex): void;
  /** Of the newest signature. */
  readonly soFar: () => Partial<Timeline>;
  /** Of one that is confirmed now. @param firstAtMs stands in where an earlier process signed it */
  readonly confirmed: (hash: Hex, firstAtMs: number) => Timeline;
}

type Moments = Omit<Partial<Timeline>, 'confirmedAtMs'>;

/** Keeps the moments of one job's signatures; of each kind the first counts. */
export function createTimelineKeeper(clock: Clock): TimelineKeeper {
  const kept = new Map<Hex, Moments>();
  let newest: Hex | undefined;
  const mark = (hash: Hex, moment: keyof Moments) =>
    kept.set(hash, { [moment]: clock.now(), ...kept.get(hash) });
  return {
    signed(hash) {
      newest = hash;
      mark(hash, 'signedAtMs');
    },
    sent: (hash) => void mark(hash, 'sentAtMs'),
    included: (hash) => void mark(hash, 'includedAtMs'),
    soFar: () => (newest && kept.get(newest)) ?? {},
    confirmed(hash, firstAtMs) {
      const confirmedAtMs = clock.now();
      const {
        signedAtMs = firstAtMs,
        sentAtMs = signedAtMs,
        includedAtMs = confirmedAtMs,
      } = kept.get(hash) ?? {};
      return { signedAtMs, sentAtMs, includedAtMs, confirmedAtMs };
    },
  };
}
