/** Shape checks of what nodes answer: a value of the wrong form is an error of the endpoint, never a zero. */
import type { Hex } from '../../common/words.js';

/** The reply is not of the form that was asked for. */
export class ShapeError extends Error {
  override readonly name = 'ShapeError';
}

const QUANTITY = /^0x[0-9a-fA-F]{1,64}$/;
const DATA = /^0x([0-9a-fA-F]{2})*$/;

/** A JSON-RPC quantity, such as `0x1a`. @throws ShapeError */
export function quantity(value: unknown): bigint {
  if (typeof value !== 'string' || !QUANTITY.test(value)) throw new ShapeError('not a quantity');
  return BigInt(value);
}

/** A quantity that fits a JavaScript number exactly. @throws ShapeError */
export function smallQuantity(value: unknown): number {
  const number = Number(quantity(value));
  if (!Number.isSafeInteger(number)) throw new ShapeError('quantity is too large');
  return number;
}

/** Bytes in hexadecimal. @throws ShapeError */
export function data(value: unknown): Hex {
  if (typeof value !== 'string' || !DATA.test(value)) throw new ShapeError('not hexadecimal data');
  return value as Hex;
}

/** 32 bytes in lower-case hexadecimal. @throws ShapeError */
export function hash(value: unknown): Hex {
  const bytes = data(value);
  if (bytes.length !== 66) throw new ShapeError('not a hash');
  return bytes.toLowerCase() as Hex;
}

function object(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) throw new ShapeError('not an object');
  return value as Record<string, unknown>;
}

/** What is used of a block. */
export interface BlockHeader {
  readonly number: bigint;
  readonly hash: Hex;
  readonly parentHash: Hex;
  /** Unix seconds. */
  readonly timestamp: number;
  /** Wei per gas; absent on chains without EIP-1559. */
  readonly baseFeeWei?: bigint;
}

/** A mined block. @throws ShapeError, also for `null` */
export function blockHeader(value: unknown): BlockHeader {
  const block = object(value);
  const header = {
    number: quantity(block.number),
    hash: hash(block.hash),
    parentHash: hash(block.parentHash),
    timestamp: smallQuantity(block.timestamp),
  };
  return block.baseFeePerGas === undefined || block.baseFeePerGas === null
    ? header
    : { ...header, baseFeeWei: quantity(block.baseFeePerGas) };
}

/** What is used of a receipt. */
export interface Receipt {
  readonly hash: Hex;
  readonly blockNumber: bigint;
  readonly blockHash: Hex;
  readonly from: Hex;
  readonly success: boolean;
  readonly gasUsed: bigint;
  /** Wei per gas; `undefined` where the node does not tell (old legacy chains). */
  readonly effectiveGasPriceWei: bigint | undefined;
}

/** A receipt, or `undefined` for `null` and for one that names no block yet. @throws ShapeError */
export function receipt(value: unknown): Receipt | undefined {
  if (value === null) return undefined;
  const fields = object(value);
  if (fields.blockHash === null || fields.blockNumber === null) return undefined;
  const status = quantity(fields.status);
  if (status > 1n) throw new ShapeError('status is neither 0 nor 1');
  return {
    hash: hash(fields.transactionHash),
    blockNumber: quantity(fields.blockNumber),
    blockHash: hash(fields.blockHash),
    from: data(fields.from).toLowerCase() as Hex,
    success: status === 1n,
    gasUsed: quantity(fields.gasUsed),
    effectiveGasPriceWei:
      fields.effectiveGasPrice === undefined || fields.effectiveGasPrice === null
        ? undefined
        : quantity(fields.effectiveGasPrice),
  };
}

/** A bigint as a JSON-RPC quantity. */
export const toQuantity = (value: bigint | number): Hex => `0x${value.toString(16)}`;
