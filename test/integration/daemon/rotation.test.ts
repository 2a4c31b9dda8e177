import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createPublicClient, http, parseEventLogs } from 'viem';
import { describe, expect, it, onTestFinished } from 'vitest';
import { oracleAggregatorAbi } from '../../../src/chain/generated/contracts.js';
import { ANVIL_ADDRESSES, ANVIL_KEYS } from '../../support/anvil.js';
import { command, startDaemon } from '../../support/daemon/process.js';
import { startWorld } from '../../support/daemon/world.js';

const HEARTBEAT_SECONDS = 30;

describe('rotating the signer', () => {
  it('misses no heartbeat: the daemon finds the new set in the events, and another key takes over', async () => {
    const world = await startWorld({ env: { HEARTBEAT: `${HEARTBEAT_SECONDS}s` } });
    onTestFinished(() => world.close());
    const old = await startDaemon(world.env);
    onTestFinished(() => old.kill());
    const confirmed = ({ event }: { event?: string }) => event === 'round_confirmed';
    await old.line(confirmed, 'the first round');

    const added = await command(['keys', 'rotate', '--add', ANVIL_ADDRESSES[1]], {
      ...world.env,
      PRIVATE_KEY: ANVIL_KEYS[0],
    });
    expect(added.code, added.stderr).toBe(0);
    expect(added.stdout).toContain(ANVIL_ADDRESSES[1]);
    old.mark();
    world.price('2050');
    await old.line(({ event }) => event === 'signers_rotated', 'the new set is found');
    await old.line(confirmed, 'a round by the old key in the new set');
    // The new key by a keystore that the command wrote.
    const password = join(world.directory, 'password');
    const from = join(world.directory, 'key');
    const keystore = join(world.directory, 'keystore.json');
    writeFileSync(password, 'correct horse battery\n');
    writeFileSync(from, ANVIL_KEYS[1]);
    const imported = await command(
      ['keys', 'import', '--from', from, '--out', keystore, '--password-file', password],
      {},
    );
    expect(imported.stdout, imported.stderr).toContain(ANVIL_ADDRESSES[1]);
    const again = await command(
      ['keys', 'import', '--from', from, '--out', keystore, '--password-file', password],
      {},
    );
    expect(again.stderr).toContain('an old key is never overwritten');

    const env = { ...world.env, PRIVATE_KEY: '', KEYSTORE_FILE: keystore, KEYSTORE_PASSWORD_FILE: password };
    expect(await old.stop()).toBe(0);
    const next = await startDaemon(env);
    onTestFinished(() => next.kill());
    next.mark();
    await next.line(confirmed, 'a round by the new key');
    const removed = await command(['keys', 'rotate', '--remove', ANVIL_ADDRESSES[0]], world.env);
    expect(removed.code, removed.stderr).toBe(0);
    next.mark();
    world.price('2100');
    await next.line(confirmed, 'a round by the new key alone');
    expect(await next.stop()).toBe(0);
    expect(next.text() + imported.stdout + imported.stderr).not.toContain(ANVIL_KEYS[1].slice(2));

    const client = createPublicClient({ transport: http(world.anvil.url) });
    const logs = await client.getLogs({ address: world.aggregator, fromBlock: 0n });
    const rounds = parseEventLogs({ abi: oracleAggregatorAbi, eventName: 'RoundStored', logs });
    // The first twelve bytes of a report: group 1, round 4, timestamp 4, bitmap 2, place 1.
    const heads = rounds.map(({ args: { head } }) => ({
      round: Number(`0x${head.slice(4, 12)}`),
      timestamp: Number(`0x${head.slice(12, 20)}`),
    }));
    expect(heads.map(({ round }) => round)).toEqual(heads.map((_head, index) => index + 1));
    for (const [index, { timestamp }] of heads.slice(1).entries())
      expect(timestamp - (heads[index]?.timestamp ?? 0)).toBeLessThanOrEqual(HEARTBEAT_SECONDS);
    expect(rounds.at(-1)?.args.sender).toBe(ANVIL_ADDRESSES[1]);
  });

  it('a key that was rotated out is named by the daemon, and nothing is sent with it', async () => {
    const world = await startWorld();
    onTestFinished(() => world.close());
    const daemon = await startDaemon(world.env);
    onTestFinished(() => daemon.kill());
    await daemon.line(({ event }) => event === 'round_confirmed', 'the first round');
    const rotated = await command(
      ['keys', 'rotate', '--add', ANVIL_ADDRESSES[1], '--remove', ANVIL_ADDRESSES[0]],
      world.env,
    );
    expect(rotated.code, rotated.stderr).toBe(0);
    const sent = await world.nonce(ANVIL_ADDRESSES[0]);
    daemon.mark();
    world.price('2100');
    const line = await daemon.line(({ event }) => event === 'update_impossible', 'the problem');
    expect(line).toMatchObject({ level: 'error', error: 'unauthorised', group: 'default' });
    const metrics = await (await fetch(daemon.metricsUrl)).text();
    expect(metrics).toMatch(/oracle_update_errors_total\{group="default",error="unauthorised"\} [1-9]/);
    expect(await world.nonce(ANVIL_ADDRESSES[0])).toBe(sent);
  });

  it('a threshold above the signatures at hand is named, nothing is sent, and rounds go on when it is put back', async () => {
    const world = await startWorld();
    onTestFinished(() => world.close());
    const daemon = await startDaemon(world.env);
    onTestFinished(() => daemon.kill());
    await daemon.line(({ event }) => event === 'round_confirmed', 'the first round');
    const rotate = (...options: string[]) => command(['keys', 'rotate', ...options], world.env);
    expect((await rotate('--threshold', '2')).stderr).toContain('needs 2 signers; it would have 1');
    expect((await rotate('--threshold', '0')).code).toBe(2);
    const raised = await rotate('--add', ANVIL_ADDRESSES[1], '--threshold', '2');
    expect(raised.stdout, raised.stderr).toContain('threshold 2');
    const sent = await world.nonce(ANVIL_ADDRESSES[0]);
    daemon.mark();
    world.price('2100');
    const line = await daemon.line(({ event }) => event === 'update_impossible', 'the problem');
    expect(line).toMatchObject({ error: 'too_few_signatures', group: 'default' });
    const metrics = await (await fetch(daemon.metricsUrl)).text();
    expect(metrics).toContain('oracle_group_signatures{group="default"} 1');
    expect(await world.nonce(ANVIL_ADDRESSES[0])).toBe(sent);

    expect((await rotate('--threshold', '1')).code).toBe(0);
    daemon.mark();
    await daemon.line(({ event }) => event === 'round_confirmed', 'rounds go on');
  });
});
