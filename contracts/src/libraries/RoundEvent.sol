// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IOracleAggregator} from "../interfaces/IOracleAggregator.sol";
import {Lanes} from "./Lanes.sol";
import {Raw} from "./Raw.sol";
import {ReportHead} from "./ReportHead.sol";

/// @title The event `RoundStored`, built in place
/// @notice The same bytes as `emit RoundStored(group, head, sender, answers)` gives, without a copy of the
/// answers:
///
/// ```
/// byte   0                32       64     96       128
///       | head, 20 zeros | sender | 0x60 | length | answers, zeros up to a multiple of 32 |
/// ```
library RoundEvent {
    uint256 private constant ANSWERS_AT = 128;
    /// @dev Room for the event of any round: 16 words of answers, and four bytes behind the last.
    uint256 internal constant ROOM = ANSWERS_AT + 16 * Lanes.ANSWER_BYTES + 4;

    /// @dev Puts the answers of a round's word `index` into `data`, a buffer of `ROOM` bytes at least. Words are put in order: each overwrites the four bytes behind the
    /// answers of the one before.
    function put(bytes memory data, uint256 index, uint256 word) internal pure {
        unchecked {
            Raw.put(data, ANSWERS_AT + index * Lanes.ANSWER_BYTES, word);
        }
    }

    /// @dev Emits the event, after all words have been put. `size` is the length of the answers.
    function send(bytes memory data, uint256 size, ReportHead head) internal {
        unchecked {
            Raw.put(data, 0, uint256(bytes32(head.packed())));
            Raw.put(data, 32, uint160(msg.sender));
            Raw.put(data, 64, 96);
            Raw.put(data, 96, size);
            // What was written behind the last answer is not part of the event.
            Raw.put(data, ANSWERS_AT + size, 0);
            uint256 padded = (size + 31) & ~uint256(31);
            Raw.emitEvent(data, ANSWERS_AT + padded, IOracleAggregator.RoundStored.selector, head.group());
        }
    }
}
