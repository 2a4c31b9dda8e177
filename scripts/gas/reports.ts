// Builds `transmit` calldata for the gas table: a second, independent writing of the encoding, beside the daemon's.
import { concatHex, type Hex, numberToHex, type PrivateKeyAccount, parseSignature, size } from 'viem';

export interface Domain {
  readonly chainId: number;
  readonly verifyingContract: Hex;
}

export interface Draft {
  readonly group: number;
  readonly round: number;
  readonly timestamp: number;
  readonly wide: boolean;
  /** The whole signer set, sorted. */
  readonly set: readonly PrivateKeyAccount[];
  /** Answers by place; a place without answers did not sign. `undefined` as an answer: none in this round. */
  readonly answers: readonly (readonly (bigint | undefined)[] | undefined)[];
  /** Place of the sender, when it is a signer. */
  readonly senderPlace?: number;
}

const REPORT = [
  { name: 'group', type: 'uint8' },
  { name: 'round', type: 'uint32' },
  { name: 'timestamp', type: 'uint32' },
  { name: 'answers', type: 'bytes' },
] as const;

/** One big-endian two's complement lane per feed. */
export const encodeAnswers = (answers: readonly (bigint | undefined)[], wide: boolean): Hex => {
  const bits = wide ? 112 : 56;
  const none = 1n << BigInt(bits - 1);
  return concatHex(
    answers.map((answer) =>
      numberToHex(answer === undefined ? none : BigInt.asUintN(bits, answer), { size: bits / 8 }),
    ),
  );
};

/** EIP-2098: the parity of y in the highest bit of s. */
const compact = (signature: Hex): Hex => {
  const { r, s, yParity } = parseSignature(signature);
  return concatHex([r, numberToHex(BigInt(s) | (BigInt(yParity) << 255n), { size: 32 })]);
};

/** One report with all its signatures, packed as the contract takes it. */
export const encodeReport = async (draft: Draft, domain: Domain): Promise<Hex> => {
  const { group, round, timestamp, wide, set, answers, senderPlace } = draft;
  const bitmap = answers.reduce((bits, given, place) => (given ? bits | (1 << place) : bits), 0);
  const parts = await Promise.all(
    set.map(async (account, place) => {
      const given = answers[place];
      if (!given) return account.address;
      const encoded = encodeAnswers(given, wide);
      if (place === senderPlace) return encoded;
      const signature = await account.signTypedData({
        domain: { name: 'OracleAggregator', version: '1', ...domain },
        types: { Report: REPORT },
        primaryType: 'Report',
        message: { group, round, timestamp, answers: encoded },
      });
      return concatHex([compact(signature), encoded]);
    }),
  );
  const head = concatHex([
    numberToHex(group, { size: 1 }),
    numberToHex(round, { size: 4 }),
    numberToHex(timestamp, { size: 4 }),
    numberToHex(bitmap, { size: 2 }),
    numberToHex(senderPlace ?? 0xff, { size: 1 }),
  ]);
  if (size(head) !== 12) throw new Error(`a report's fixed part has 12 bytes, not ${size(head)}`);
  return concatHex([head, ...parts]);
};
