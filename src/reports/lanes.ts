/** Answers as the contract takes them: one big-endian two's complement lane per feed, 7 or 14 bytes. */
import type { Hex } from '../common/words.js';

/** Bytes of a lane. */
export const laneBytes = (wide: boolean): number => (wide ? 14 : 7);

/** The smallest and largest answer that fits; the value below the smallest means *no answer*. */
export function laneRange(wide: boolean): { readonly min: bigint; readonly max: bigint } {
  const half = 1n << BigInt(8 * laneBytes(wide) - 1);
  return { min: -half + 1n, max: half - 1n };
}

/** Whether an answer fits a lane. */
export const fitsLane = (answer: bigint, wide: boolean): boolean => {
  const { min, max } = laneRange(wide);
  return answer >= min && answer <= max;
};

/**
 * Encodes a round's answers in feed order; `undefined` becomes the lane's smallest value, *no answer*.
 * @throws RangeError when an answer does not fit: the caller has to check with {@link fitsLane} and leave it out
 */
export function encodeAnswers(answers: readonly (bigint | undefined)[], wide: boolean): Hex {
  const bits = BigInt(8 * laneBytes(wide));
  const none = -(1n << (bits - 1n));
  const lanes = answers.map((answer, index) => {
    if (answer !== undefined && !fitsLane(answer, wide))
      throw new RangeError(`answer ${answer} of feed ${index} does not fit ${bits} bits`);
    return BigInt.asUintN(Number(bits), answer ?? none)
      .toString(16)
      .padStart(2 * laneBytes(wide), '0');
  });
  return `0x${lanes.join('')}`;
}

/**
 * Decodes answers of a report or of a `RoundStored` event.
 * @throws RangeError when the bytes are no whole number of lanes
 */
export function decodeAnswers(encoded: Hex, wide: boolean): (bigint | undefined)[] {
  const digits = 2 * laneBytes(wide);
  const text = encoded.slice(2);
  if (text.length % digits !== 0)
    throw new RangeError(`${text.length / 2} bytes are no whole number of lanes`);
  const bits = 4 * digits;
  const none = -(1n << BigInt(bits - 1));
  return Array.from({ length: text.length / digits }, (_unused, index) => {
    const lane = BigInt.asIntN(bits, BigInt(`0x${text.slice(index * digits, (index + 1) * digits)}`));
    return lane === none ? undefined : lane;
  });
}
