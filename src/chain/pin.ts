/** Fixes a chain's id at start: the configured one, or the one that all endpoints agree on. */
import type { ChainConfig } from '../config/types.js';
import type { RpcPool } from './rpc/pool.js';
import type { StartFinding } from './types.js';

/**
 * Asks every endpoint for its chain id, pins it in the pool and makes the first health check.
 * @returns not ok when no endpoint answers, when one is of another chain than configured, or when they disagree
 */
export async function pinChain(
  pool: RpcPool,
  config: Pick<ChainConfig, 'name' | 'id'>,
  signal: AbortSignal,
): Promise<StartFinding> {
  const replies = await pool.chainIds(signal);
  const answered = replies.filter(({ chainId }) => chainId !== undefined);
  const wanted = config.id ?? answered[0]?.chainId;
  if (wanted === undefined) {
    const names = replies.map(({ endpoint }) => endpoint).join(', ');
    return { ok: false, temporary: true, problems: [`${config.name}: no endpoint answers (${names})`] };
  }
  const others = answered.filter(({ chainId }) => chainId !== wanted);
  if (others.length > 0) {
    const source =
      config.id === undefined ? `${answered[0]?.endpoint} is of chain` : 'the configuration says';
    return {
      ok: false,
      problems: others.map(
        ({ endpoint, chainId }) => `${config.name}: ${endpoint} is of chain ${chainId}, ${source} ${wanted}`,
      ),
    };
  }
  pool.pin(wanted);
  await pool.check(signal);
  const silent = replies.filter(({ chainId }) => chainId === undefined);
  if (!pool.healthy())
    return { ok: false, temporary: true, problems: [`${config.name}: no endpoint gives a usable block`] };
  return {
    ok: true,
    chainId: wanted,
    lines: [
      `${config.name}: chain ${wanted}, ${answered.length} of ${replies.length} endpoints answer`,
      ...silent.map(({ endpoint }) => `${config.name}: ${endpoint} does not answer`),
    ],
  };
}
