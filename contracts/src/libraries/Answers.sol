// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Lanes} from "./Lanes.sol";
import {Raw} from "./Raw.sol";

/// @dev Where the signers' answers of one report lie in calldata, in one word:
///
/// ```
/// bits  255   229 228 224 223        210       27         14 13           0
///      | start 27 | count 5 | distance 15, 14 | … | distance 1, 14 | distance 0, 14 |
/// ```
///
/// `start` is where the report begins, `count` how many signers have given answers, a `distance` how far behind the start
/// one signer's answers begin. The longest report, 16 signatures over 32 wide answers, has 8,204 bytes; a transaction
/// with 2^27 bytes of calldata would need more gas than any block has.
type Answers is uint256;

using AnswersLib for Answers global;

/// @title Where the signers' answers lie
library AnswersLib {
    uint256 private constant DISTANCE_BITS = 14;
    uint256 private constant COUNT_AT = 224;
    uint256 private constant START_AT = 229;

    /// @dev None yet, of a report that begins at `start`.
    function create(uint256 start) internal pure returns (Answers) {
        return Answers.wrap(start << START_AT);
    }

    /// @dev With those of one signer more, which begin `distance` behind the report's start.
    function add(Answers self, uint256 distance) internal pure returns (Answers) {
        unchecked {
            uint256 shifted = distance << (DISTANCE_BITS * self.count());
            return Answers.wrap((Answers.unwrap(self) | shifted) + (1 << COUNT_AT));
        }
    }

    /// @dev How many signers have given answers.
    function count(Answers self) internal pure returns (uint256) {
        return (Answers.unwrap(self) >> COUNT_AT) & 0x1f;
    }

    /// @dev Word `index` of one signer's answers, the first 28 of 32 bytes. `i` must be below `count`.
    function word(Answers self, uint256 i, uint256 index) internal pure returns (uint256) {
        unchecked {
            uint256 distance = (Answers.unwrap(self) >> (DISTANCE_BITS * i)) & ((1 << DISTANCE_BITS) - 1);
            return Raw.load((Answers.unwrap(self) >> START_AT) + distance + index * Lanes.ANSWER_BYTES);
        }
    }
}
