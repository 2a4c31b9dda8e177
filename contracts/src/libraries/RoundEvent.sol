// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IOracleAggregator} from "../interfaces/IOracleAggregator.sol";
import {Header} from "./Header.sol";
import {Lanes} from "./Lanes.sol";
import {Raw} from "./Raw.sol";
import {ReportHead} from "./ReportHead.sol";

/// @title The event `RoundStored`, built in place
/// @notice The same bytes as `emit RoundStored(group, round, timestamp, sender, answers)` gives, without a copy of the
/// answers:
///
/// ```
/// byte   0       32          64       96     128      160
///       | round | timestamp | sender | 0x80 | length | answers, zeros up to a multiple of 32 |
/// ```
library RoundEvent {
    uint256 private constant ANSWERS_AT = 160;
    /// @dev Up to the answers, 16 words of them and four bytes behind the last, rounded up.
    uint256 private constant CAPACITY = ANSWERS_AT + 480;

    /// @dev Room for the event of any round.
    function create() internal pure returns (bytes memory data) {
        return Raw.allocate(CAPACITY);
    }

    /// @dev Puts the answers of a round's word `index`. Words are put in order: each overwrites the four bytes behind the
    /// answers of the one before.
    function put(bytes memory data, uint256 index, uint256 word) internal pure {
        unchecked {
            Raw.put(data, ANSWERS_AT + index * Lanes.ANSWER_BYTES, word);
        }
    }

    /// @dev Emits the event, after all words have been put.
    function send(bytes memory data, Header header, ReportHead head) internal {
        unchecked {
            uint256 size = Lanes.bytesOf(header);
            Raw.put(data, 0, head.round());
            Raw.put(data, 32, head.timestamp());
            Raw.put(data, 64, uint160(msg.sender));
            Raw.put(data, 96, 128);
            Raw.put(data, 128, size);
            // What was written behind the last answer is not part of the event.
            Raw.put(data, ANSWERS_AT + size, 0);
            uint256 padded = (size + 31) & ~uint256(31);
            Raw.emitEvent(data, ANSWERS_AT + padded, IOracleAggregator.RoundStored.selector, head.group());
        }
    }
}
