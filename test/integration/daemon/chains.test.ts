import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { parse, stringify } from 'yaml';
import { startDaemon } from '../../support/daemon/process.js';
import { startWorld, type World } from '../../support/daemon/world.js';

/** The one feed of a world, under a name of its own. */
const feedOf = ({ directory }: World, name: string) => {
  const { feeds } = parse(readFileSync(join(directory, 'feeds.yaml'), 'utf8')) as { feeds: object[] };
  return { ...feeds[0], name, description: 'ETH / USD' };
};
const chainOf = (name: string, id: number, { anvil, aggregator }: World) => ({
  name,
  id,
  rpc: anvil.url,
  aggregator,
  rpcTimeout: '1s',
});

it('a chain whose node is away at start keeps no other chain waiting, and is served when the node is back', async () => {
  const near = await startWorld();
  onTestFinished(() => near.close());
  const far = await startWorld({ chainId: 31_338 });
  onTestFinished(() => far.close());
  const file = join(near.directory, 'feeds.yaml');
  const groups = [
    { name: 'near', chain: 'near', id: 1, maxAge: '8s', feeds: [feedOf(near, 'ETH/USD')] },
    { name: 'far', chain: 'far', id: 1, maxAge: '8s', feeds: [feedOf(far, 'WETH/USD')] },
  ];
  writeFileSync(
    file,
    stringify({ chains: [chainOf('near', 31_337, near), chainOf('far', 31_338, far)], groups }),
  );

  process.kill(far.anvil.pid, 'SIGSTOP');
  onTestFinished(() => void process.kill(far.anvil.pid, 'SIGCONT'));
  const { AGGREGATOR_ADDRESS: _one, RPC_URL: _two, ...env } = near.env;
  const daemon = await startDaemon(env);
  onTestFinished(() => daemon.kill());
  await daemon.line(({ event, chain }) => event === 'chain_waiting' && chain === 'far', 'it waits for one');
  await daemon.line(
    ({ event, group }) => event === 'round_confirmed' && group === 'near',
    'the other goes on',
  );
  const status = async () => (await fetch(`${daemon.url}/v1/status`)).json();
  expect(await status()).toMatchObject({
    chains: [
      { name: 'near', healthy: true },
      { name: 'far', healthy: false, id: null },
    ],
    feeds: [{ name: 'ETH/USD' }, { name: 'WETH/USD', reason: 'chain_unknown' }],
  });
  const ready = await fetch(`${daemon.url}/readyz`);
  expect([ready.status, await ready.text()]).toEqual([503, expect.stringContaining('chain far')]);
  expect(await (await fetch(daemon.metricsUrl)).text()).toContain(
    'blockchain_adapter_health{adapter="far"} 0',
  );

  process.kill(far.anvil.pid, 'SIGCONT');
  await daemon.line(({ event, group }) => event === 'round_confirmed' && group === 'far', 'both are served');
  expect((await far.latest()).answer).toBe(200_000_000_000n);
  expect((await fetch(`${daemon.url}/readyz`)).status).toBe(200);
  expect(await daemon.stop()).toBe(0);
});
