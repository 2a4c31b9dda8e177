/** Faults that the whole daemon has to meet: the loop, its lanes and the chain together. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { privateKeyToAccount } from 'viem/accounts';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createMemoryKey } from '../../../src/chain/keys/memory.js';
import type { Hex } from '../../../src/common/words.js';
import { ANVIL_ADDRESSES, ANVIL_KEYS } from '../../support/anvil.js';
import { command, type LogLine, startDaemon } from '../../support/daemon/process.js';
import { FEEDS, startWorld } from '../../support/daemon/world.js';
import { startRedis } from '../../support/redis.js';

const confirmed = ({ event }: LogLine) => event === 'round_confirmed';
const sent = ({ event }: LogLine) => event === 'transaction_sent';

describe('a round whose transaction does not land', () => {
  it('is sent again at the same nonce with a fresh report, and never called back while it is due', async () => {
    const world = await startWorld({ feeds: `chains: [{ name: main, replaceAfter: 3s }]\n${FEEDS}` });
    onTestFinished(() => world.close());
    const daemon = await startDaemon(world.env);
    onTestFinished(() => daemon.kill());
    await daemon.line(confirmed, 'the first round');

    // Blocks go on, at a price above what is bid.
    const block = async (baseFeeGwei: bigint) => {
      await world.anvil.rpc('anvil_setNextBlockBaseFeePerGas', [
        `0x${(baseFeeGwei * 10n ** 9n).toString(16)}`,
      ]);
      await world.anvil.rpc('evm_mine');
    };
    await world.anvil.rpc('evm_setIntervalMining', [0]);
    daemon.mark();
    world.price('2100.00');
    const first = await daemon.line(sent, 'the first try');
    world.price('2110.00');
    await block(400n);
    const second = await daemon.line((line) => sent(line) && line.hash !== first.hash, 'the replacement');
    expect(second).toMatchObject({ kind: 'transmit', replaced: true, nonce: first.nonce });
    await world.anvil.rpc('evm_setIntervalMining', [1]);
    const { hash } = await daemon.line(confirmed, 'the round');
    expect((await world.latest()).answer).toBe(211_000_000_000n);
    const kinds = daemon.lines.filter(sent).map(({ kind }) => kind);
    expect(new Set(kinds)).toEqual(new Set(['transmit']));
    expect(hash).not.toBe(first.hash);
  });
});

describe('a process that is killed while its round is in the air', () => {
  it('leaves its provenance: the next one finds the round landed, says so at start, and explain tells where it came from', async () => {
    const redis = await startRedis();
    onTestFinished(() => redis.stop());
    const world = await startWorld({ env: { STATE_URL: redis.url } });
    onTestFinished(() => world.close());
    const killed = await startDaemon(world.env);
    onTestFinished(() => killed.kill());
    await killed.line(confirmed, 'the first round');
    await world.anvil.rpc('evm_setIntervalMining', [0]);
    killed.mark();
    world.price('2100.00');
    const { hash } = await killed.line(sent, 'the second is sent');
    killed.kill('SIGKILL');
    await killed.exited;
    await world.anvil.rpc('evm_setIntervalMining', [1]);
    await world.anvil.rpc('evm_mine');

    const next = await startDaemon(world.env);
    onTestFinished(() => next.kill());
    const start = await next.line(({ event }) => event === 'chain_started', 'what it found');
    expect(start.message).toMatch(/open with 1 signature\(s\): landed in block \d+/);
    expect(start.message).toMatch(/group default at round 2, \d+ s old, stored was 1/);
    // Nothing is due: only a change brings the next round.
    world.price('2200.00');
    const late = await next.line((line) => confirmed(line) && line.late === true, 'the one found landed');
    expect(late).toMatchObject({
      round: 2,
      hash,
      answers: [{ feed: 'ETH/USD', answer: '210000000000', reason: 'deviation' }],
    });
    const third = await next.line((line) => confirmed(line) && line.round === 3, 'the next round');
    expect(third.answers).toMatchObject([{ answer: '220000000000', reason: 'deviation' }]);
    const explained = await command(['explain', 'ETH/USD', '2'], world.env);
    expect(explained.code, explained.stdout + explained.stderr).toBe(0);
    expect(explained.stdout).toContain(String(hash));
    for (const source of ['one', 'two', 'three']) expect(explained.stdout).toContain(source);
  });
});

describe('a signer of the pool that cannot sign', () => {
  it('keeps its own group back, and no other', async () => {
    const [near, away] = [ANVIL_KEYS[0], ANVIL_KEYS[1]].map((key) => ({
      key: createMemoryKey(key),
      publicKey: `0x${privateKeyToAccount(key as Hex).publicKey.slice(4)}`,
    }));
    const signer = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      if (request.url?.endsWith('publicKeys'))
        return void response.end(JSON.stringify([near?.publicKey, away?.publicKey]));
      if (!request.url?.includes(near?.publicKey ?? '')) return void response.writeHead(500).end('offline');
      const { data } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as { data: Hex };
      const signature = await near?.key.sign(data, AbortSignal.timeout(5_000));
      response.end(`${signature?.r}${signature?.s.slice(2)}${signature?.yParity ? '1c' : '1b'}`);
    });
    await new Promise<void>((resolve) => signer.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      signer.close();
      signer.closeAllConnections();
    });
    const feed = FEEDS.slice(FEEDS.indexOf('feeds:')).replaceAll('\n', '\n    ');
    const group = (name: string, signers: readonly string[], feedName: string) =>
      `  - name: ${name}\n    maxAge: 8s\n    signers: [${signers.map((signer) => `"${signer}"`)}]\n    threshold: 1\n    ${feed.replace('ETH/USD', feedName)}\n`;
    const [one, two] = ANVIL_ADDRESSES;
    // Two keys, three groups: the first and the third travel by the first key.
    const world = await startWorld({
      feeds: `groups:\n${group('own', [one], 'ETH/USD')}${group('both', [one, two], 'AETH/USD')}${group('offline', [two], 'BETH/USD')}`,
    });
    onTestFinished(() => world.close());
    const daemon = await startDaemon({
      ...world.env,
      PRIVATE_KEY: '',
      WEB3SIGNER_URL: `http://127.0.0.1:${(signer.address() as AddressInfo).port}`,
      WEB3SIGNER_ADDRESSES: `${one},${two}`,
    });
    onTestFinished(() => daemon.kill());
    const problem = await daemon.line(({ event }) => event === 'update_impossible', 'the problem is named');
    expect(problem).toMatchObject({ group: 'offline', error: 'signing' });
    for (const text of ['2000.00', '2100.00', '2200.00']) {
      daemon.mark();
      world.price(text);
      await daemon.line((line) => confirmed(line) && line.group === 'own', 'the other group goes on');
    }
    await expect(world.latest(2)).rejects.toThrow();
    // Tried again all the while, told once.
    expect(daemon.lines.filter(({ event }) => event === 'update_impossible')).toHaveLength(1);
    const metrics = await (await fetch(daemon.metricsUrl)).text();
    expect(metrics).toMatch(/oracle_update_errors_total\{group="offline",error="signing"\} ([2-9]|\d\d)/);
  });
});
