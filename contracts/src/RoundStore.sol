// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {GroupStore} from "./GroupStore.sol";
import {Answers} from "./libraries/Answers.sol";
import {BreakerRule} from "./libraries/BreakerRule.sol";
import {Header} from "./libraries/Header.sol";
import {Lanes} from "./libraries/Lanes.sol";
import {Median} from "./libraries/Median.sol";
import {Raw} from "./libraries/Raw.sol";
import {ReportHead} from "./libraries/ReportHead.sol";
import {RoundEvent} from "./libraries/RoundEvent.sol";

/// @title How a round is written
/// @notice Takes reports that have been checked; nothing here reverts.
abstract contract RoundStore is GroupStore {
    /// @dev Stores the words of a round and emits its event. The header does not name the round yet.
    /// @param data The group.
    /// @param header Its header, still of the round before.
    /// @param head The report's fixed part.
    /// @param answers Where the signers' answers lie.
    /// @param room Working memory, of `RoundEvent.ROOM` bytes at least.
    function _storeWords(GroupData storage data, Header header, ReportHead head, Answers answers, bytes memory room)
        internal
    {
        unchecked {
            // Let `time` be what consumers see: never in the future.
            uint256 time = head.timestamp();
            if (time > block.timestamp) time = block.timestamp;
            // Let `slot` be where the round's first word goes. All its words are inside the ring, as `_position` is.
            uint256 slot = _slotOf(data.ring[0]) + _position(header, head.round());
            uint256 signs = Lanes.signsOf(header);
            uint256 size = Lanes.bytesOf(header);
            uint256 answerBits = 8 * size;
            for (uint256 index = 0;; ++index) {
                uint256 used = Lanes.usedOf(answerBits);
                (uint256 word, uint256 missing) = Median.ofWord(header, answers, index, used, signs);
                // Lanes that belong to no feed are *no answer*.
                word |= time | (signs & ~used);
                if (missing | header.breakerBit() != 0) word = _review(data, header, head, index, word);
                Raw.store(slot + index, word);
                RoundEvent.put(room, index, word);
                if (answerBits <= Lanes.ANSWER_BITS) {
                    RoundEvent.send(room, size, head);
                    return;
                }
                answerBits -= Lanes.ANSWER_BITS;
            }
        }
    }

    /// @dev The slot of a word of the ring.
    function _slotOf(Word storage word) private pure returns (uint256 slot) {
        assembly ("memory-safe") {
            slot := word.slot
        }
    }

    /// @dev The rare part of storing a word: applies the breaker, and parks the last present answer of each feed that
    /// goes missing. Must run before the word is written: in a ring of one round it takes the place of the last.
    /// @param index Which word of the round.
    /// @param word The medians and their time.
    /// @return The word, *no answer* where the breaker tripped.
    function _review(GroupData storage data, Header header, ReportHead head, uint256 index, uint256 word)
        private
        returns (uint256)
    {
        uint256 lanes = Lanes.lanesOf(header);
        for (uint256 lane = 0; lane < lanes; ++lane) {
            uint256 feed = index * lanes + lane;
            if (feed >= header.feeds()) return word;
            if (header.breaker() && _trips(data, header, head, feed, word)) {
                word = Lanes.withoutAnswerAt(word, lane, Lanes.bitsOf(header));
            }
            if (!Lanes.hasAnswerAt(word, lane, Lanes.bitsOf(header))) _parkLast(data, header, feed);
        }
        return word;
    }

    /// @dev Keeps a feed's answer of the last round, if it had one: it is missing from the round that is being written.
    function _parkLast(GroupData storage data, Header header, uint256 feed) private {
        (int256 last, uint256 updatedAt) = _present(data, header, feed, header.round());
        if (updatedAt != 0) data.parked[feed].value = _park(last, header.round(), updatedAt);
    }

    /// @dev Whether a feed has an answer in `word` that the breaker refuses. Uses up the feed's release.
    function _trips(GroupData storage data, Header header, ReportHead head, uint256 feed, uint256 word)
        private
        returns (bool)
    {
        uint256 lane = feed % Lanes.lanesOf(header);
        if (!Lanes.hasAnswerAt(word, lane, Lanes.bitsOf(header))) return false;
        int256 answer = Lanes.answerAt(word, lane, Lanes.bitsOf(header));
        uint256 rule = data.breaker;
        if (BreakerRule.isReleased(rule, feed)) {
            data.breaker = BreakerRule.unrelease(rule, feed);
            return false;
        }
        (int256 last, uint256 round, uint256 updatedAt) = _latest(data, header, feed);
        // A feed's first answer has nothing to be measured against.
        if (round == 0 || !BreakerRule.refuses(rule, last, answer, Lanes.timeOf(word) - updatedAt)) return false;
        emit BreakerTripped(head.group(), head.round(), uint8(feed), last, answer);
        return true;
    }
}
