import fc from 'fast-check';
import { hashTypedData, keccak256, recoverAddress } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { describe, expect, it } from 'vitest';
import { createMemoryKey } from '../../../src/chain/keys/memory.js';
import type { Address, Report } from '../../../src/common/words.js';
import { decodeAnswers, encodeAnswers, fitsLane, laneRange } from '../../../src/reports/lanes.js';
import { packReport } from '../../../src/reports/pack.js';
import {
  hashSigners,
  recoverSigner,
  reportPreimage,
  signReport,
  sortSigners,
} from '../../../src/reports/signing.js';

const DOMAIN = { chainId: 31337, aggregator: '0x5FbDB2315678afecb367f032d93F642f64180aa3' as Address };
const report = (answers: (bigint | undefined)[], wide = false): Report => ({
  group: 1,
  round: 9,
  timestamp: 1_700_000_000,
  wide,
  answers,
});

describe('answers in lanes', () => {
  it.each([false, true])('wide %s: any answers come back as they were, absent ones too', (wide) => {
    const { min, max } = laneRange(wide);
    const answer = fc.option(fc.bigInt({ min, max }), { nil: undefined });
    fc.assert(
      fc.property(fc.array(answer, { maxLength: 32 }), (answers) => {
        expect(decodeAnswers(encodeAnswers(answers, wide), wide)).toEqual(answers);
      }),
    );
  });

  it('the smallest value of a lane is not an answer', () => {
    expect(fitsLane(-(2n ** 55n), false)).toBe(false);
    expect(fitsLane(-(2n ** 55n) + 1n, false)).toBe(true);
    expect(fitsLane(2n ** 55n - 1n, false)).toBe(true);
    expect(() => encodeAnswers([2n ** 55n], false)).toThrow(RangeError);
    expect(encodeAnswers([undefined], false)).toBe('0x80000000000000');
  });
});

describe('signing', () => {
  it('signs what EIP-712 says, as viem computes it by itself', async () => {
    const account = privateKeyToAccount(generatePrivateKey());
    const given = report([1n, undefined, -5n]);
    const hash = hashTypedData({
      domain: {
        name: 'OracleAggregator',
        version: '1',
        chainId: DOMAIN.chainId,
        verifyingContract: DOMAIN.aggregator,
      },
      types: {
        Report: [
          { name: 'group', type: 'uint8' },
          { name: 'round', type: 'uint32' },
          { name: 'timestamp', type: 'uint32' },
          { name: 'answers', type: 'bytes' },
        ],
      },
      primaryType: 'Report',
      message: { group: 1, round: 9, timestamp: 1_700_000_000, answers: encodeAnswers(given.answers, false) },
    });
    expect(keccak256(reportPreimage(given, DOMAIN))).toBe(hash);
    const signature = await account.sign({ hash });
    expect(await recoverAddress({ hash, signature })).toBe(account.address);
  });

  it('a signature is of its signer for its report and of nobody else for another', async () => {
    const key = createMemoryKey(generatePrivateKey());
    const signed = await signReport(key, report([7n]), DOMAIN);
    expect(await recoverSigner(signed.report, signed.signature, DOMAIN)).toBe(key.address);
    expect(await recoverSigner({ ...signed.report, round: 10 }, signed.signature, DOMAIN)).not.toBe(
      key.address,
    );
    expect(await recoverSigner(signed.report, signed.signature, { ...DOMAIN, chainId: 1 })).not.toBe(
      key.address,
    );
  });
});

describe('packing', () => {
  const [a, b, c] = sortSigners([
    '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC',
    '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266',
    '0x70997970C51812dc3A010C7d01b50e0d17dc79C8',
  ]) as [Address, Address, Address];

  it('the sender who signs puts its answers in its place and nothing else', () => {
    const packed = packReport(report([5n]), [a], [{ signer: a, answers: [5n] }]);
    expect(packed).toBe('0x01' + '00000009' + '6553f100' + '0001' + '00' + '00000000000005');
  });

  it('those who did not sign are named by address, in order', () => {
    const signature = { r: `0x${'11'.repeat(32)}`, s: `0x${'22'.repeat(32)}`, yParity: 1 } as const;
    const packed = packReport(report([5n]), [a, b, c], [{ signer: b, answers: [5n], signature }]);
    const hex = (address: string) => address.slice(2).toLowerCase();
    expect(packed.toLowerCase()).toBe(
      `0x01${'00000009'}${'6553f100'}0002ff${hex(a)}${'11'.repeat(32)}a2${'22'.repeat(31)}00000000000005${hex(c)}`,
    );
  });

  it('refuses a stranger', () => {
    expect(() => packReport(report([5n]), [a], [{ signer: b, answers: [5n] }])).toThrow(b.toLowerCase());
  });

  it('the hash of a signer set does not depend on the order in which it was written', () => {
    expect(hashSigners(sortSigners([c, a, b]))).toBe(hashSigners(sortSigners([b, c, a])));
    expect(hashSigners([a])).toMatch(/^0x[0-9a-f]{40}$/);
  });
});
