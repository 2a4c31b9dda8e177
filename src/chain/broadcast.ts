/** Sends a signed transaction to all healthy endpoints and reads their many dialects of yes and no. */
import type { Hex } from '../common/words.js';
import type { RpcFailure } from './rpc/endpoint.js';
import type { RpcPool } from './rpc/pool.js';
import { data } from './rpc/shapes.js';

/** What one endpoint made of a raw transaction. `unknown`: it may have landed there all the same. */
export type SendVerdict =
  | 'accepted'
  | 'unknown'
  | 'nonce_too_low'
  | 'nonce_too_high'
  | 'underpriced'
  | 'balance'
  | 'pool_full'
  | 'rejected';

export interface SendReport {
  readonly endpoint: string;
  readonly verdict: SendVerdict;
  readonly detail: string;
}

/** Patterns over the message's letters alone, in lower case: `AlreadyKnown`, `already known` and `ALREADY_KNOWN` are one. */
const DIALECTS: readonly (readonly [RegExp, SendVerdict])[] = [
  [/alreadyknown|knowntransaction|already(imported|exists|inmempool)/, 'accepted'],
  [
    /nonce(is)?toolow|nonce.*(already|been)used|oldnonce|noncebelow|lowerthanthecurrentnonce/,
    'nonce_too_low',
  ],
  [/nonce(is)?too(high|distant|far)|nonce.*gap|futurenonce|gapped/, 'nonce_too_high'],
  [/insufficient(funds|balance|sender)|upfrontcost|exceeds.*balance/, 'balance'],
  [/pool(is)?full|queue.*full|toomany(pending|queued)/, 'pool_full'],
  [
    /underpriced|(price|fee|pergas)toolow|feecaplessthan|lessthanblockbasefee|belowcurrentbasefee/,
    'underpriced',
  ],
  [/(price|fee)below|below(the)?(configured)?minimum|notmeetminimum/, 'underpriced'],
];

/** Reads a failed `eth_sendRawTransaction`. Pure. */
export function classifySendFailure(failure: RpcFailure): SendVerdict {
  if (failure.type !== 'rpc_error') return 'unknown';
  const letters = (failure.rpcMessage ?? '').toLowerCase().replaceAll(/[^a-z]/g, '');
  return DIALECTS.find(([pattern]) => pattern.test(letters))?.[1] ?? 'rejected';
}

/** Sends to all usable endpoints at once. An endpoint that accepts under another hash counts as `unknown`. */
export async function broadcast(
  pool: RpcPool,
  raw: Hex,
  hash: Hex,
  signal: AbortSignal,
): Promise<readonly SendReport[]> {
  const replies = await pool.all('eth_sendRawTransaction', [raw], data, signal);
  return replies.map((reply) => {
    if (!reply.ok)
      return {
        endpoint: reply.endpoint,
        verdict: classifySendFailure(reply.failure),
        detail: reply.failure.detail,
      };
    const same = reply.value.toLowerCase() === hash.toLowerCase();
    return {
      endpoint: reply.endpoint,
      verdict: same ? 'accepted' : 'unknown',
      detail: same ? 'accepted' : 'accepted under another hash',
    };
  });
}

/**
 * One verdict for all: whoever may have taken it decides; otherwise the most telling refusal.
 * @returns `unknown` as well when nobody could be asked
 */
export function summarise(reports: readonly SendReport[]): SendReport {
  const order: readonly SendVerdict[] = [
    'accepted',
    'unknown',
    'nonce_too_low',
    'underpriced',
    'balance',
    'nonce_too_high',
    'pool_full',
    'rejected',
  ];
  for (const verdict of order) {
    const found = reports.find((report) => report.verdict === verdict);
    if (found) return found;
  }
  return { endpoint: 'none', verdict: 'unknown', detail: 'no endpoint could be asked' };
}
