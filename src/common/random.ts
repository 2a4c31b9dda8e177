/** Randomness as an argument: numbers in [0, 1), replaced by a seeded one in tests. */
export type Random = () => number;
