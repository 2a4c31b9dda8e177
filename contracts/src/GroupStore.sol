// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IOracleAggregator} from "./interfaces/IOracleAggregator.sol";
import {BreakerRule} from "./libraries/BreakerRule.sol";
import {FeedText} from "./libraries/FeedText.sol";
import {Header} from "./libraries/Header.sol";
import {Lanes} from "./libraries/Lanes.sol";

/// @title Where groups are kept, and how they are read
/// @notice The layout of each word is drawn where it is packed: `Header`, `Lanes`, `BreakerRule`, `FeedText`, and
/// `Parked` below.
abstract contract GroupStore is IOracleAggregator {
    /// @dev A ring has at most 2^15 rounds: what four bits of the header hold.
    uint8 internal constant MAX_RING_BITS = 15;
    uint256 internal constant MAX_FEEDS = 32;
    /// @dev Words that a round may take: 32 feeds, two in a word.
    uint256 internal constant MAX_WORDS = 16;

    /// @dev A slot of its own: the compiler writes an array of these without reading the slot first.
    struct Word {
        uint256 value;
    }

    /// @dev Everything of one group. Only the slots in use cost anything.
    struct GroupData {
        Header header;
        /// `BreakerRule`; zero when there is none.
        uint256 breaker;
        /// `FeedText`, by feed.
        bytes32[MAX_FEEDS] texts;
        /// By feed: the last present answer of a feed that is missing from the last round. Stale when it is not missing.
        ///
        /// bits   255    176 175     64 63     32 31        0
        ///       | 0        | answer 112 | round 32 | updatedAt 32 |
        Word[MAX_FEEDS] parked;
        /// The last 2^ringBits rounds, `MAX_WORDS` slots apart; round r at position r mod 2^ringBits. Words do not know
        /// their round, so ring size and width never change.
        Word[MAX_WORDS << MAX_RING_BITS] ring;
    }

    // ------------------------------------------------------------------------------------------------------ reads

    /// @inheritdoc IOracleAggregator
    function answerForFeed(uint8 group, uint8 feed)
        external
        view
        override
        returns (int256 answer, uint256 round, uint256 updatedAt)
    {
        (GroupData storage data, Header header) = _feed(group, feed);
        return _latest(data, header, feed);
    }

    /// @inheritdoc IOracleAggregator
    function answerOfRound(uint8 group, uint8 feed, uint256 round)
        external
        view
        override
        returns (int256 answer, uint256 answeredRound, uint256 updatedAt)
    {
        unchecked {
            (GroupData storage data, Header header) = _feed(group, feed);
            // Nothing is held of rounds that the ring has overwritten, nor of rounds to come (the difference wraps and
            // is larger than any ring), nor of round 0.
            if (header.round() - round >= 1 << header.ringBits() || round == 0) return (0, 0, 0);
            (answer, updatedAt) = _present(data, header, feed, round);
            if (updatedAt != 0) answeredRound = round;
        }
    }

    /// @inheritdoc IOracleAggregator
    function getGroup(uint8 group) external view override returns (Group memory) {
        (, Header header) = _group(group);
        return _describe(header);
    }

    /// @inheritdoc IOracleAggregator
    function snapshot(uint8 group) external view override returns (Group memory header, FeedState[] memory feeds) {
        (GroupData storage data, Header held) = _group(group);
        header = _describe(held);
        feeds = new FeedState[](header.feeds);
        for (uint256 feed = 0; feed < feeds.length; ++feed) {
            (int256 answer, uint256 round, uint256 updatedAt) = _latest(data, held, feed);
            feeds[feed] = FeedState({answer: answer, round: uint32(round), updatedAt: uint32(updatedAt)});
        }
    }

    /// @inheritdoc IOracleAggregator
    function feedInfo(uint8 group, uint8 feed) external view override returns (FeedInfo memory) {
        (GroupData storage data,) = _feed(group, feed);
        return FeedText.unpack(data.texts[feed]);
    }

    /// @inheritdoc IOracleAggregator
    function getBreaker(uint8 group) external view override returns (Breaker memory) {
        (GroupData storage data,) = _group(group);
        return BreakerRule.unpack(data.breaker);
    }

    // --------------------------------------------------------------------------------------------------- internals

    /// @dev A group's storage, whether it exists or not, from slot `2^48 + group · 2^40` on:
    ///
    /// ```
    /// slot   0                    the roles: a few slots, the rest of theirs are hashes
    ///        2^48                 nothing: no group has the id 0
    ///        2^48 + 1 · 2^40      group 1, less than 2^20 slots
    ///        2^48 + 2 · 2^40      group 2
    ///        2^48 + 255 · 2^40    group 255
    /// ```
    ///
    /// That a hash falls among them has a chance of less than 2^-200.
    function _data(uint8 group) internal pure returns (GroupData storage data) {
        uint256 slot = (1 << 48) | (uint256(group) << 40);
        assembly ("memory-safe") {
            data.slot := slot
        }
    }

    /// @dev An existing group. Reverts `GroupUnknown`.
    function _group(uint8 group) internal view returns (GroupData storage data, Header header) {
        data = _data(group);
        header = data.header;
        if (!header.exists()) revert GroupUnknown(group);
    }

    /// @dev The group of an existing feed. Reverts `FeedUnknown`.
    function _feed(uint8 group, uint8 feed) internal view returns (GroupData storage data, Header header) {
        data = _data(group);
        header = data.header;
        if (feed >= header.feeds()) revert FeedUnknown(group, feed, header.feeds());
    }

    /// @dev Index in the ring of a round's first word.
    function _position(Header header, uint256 round) internal pure returns (uint256) {
        unchecked {
            return (round & ((1 << header.ringBits()) - 1)) * MAX_WORDS;
        }
    }

    /// @dev The last present answer of a feed that exists; all zero when there never was one.
    function _latest(GroupData storage data, Header header, uint256 feed)
        internal
        view
        returns (int256 answer, uint256 round, uint256 updatedAt)
    {
        round = header.round();
        (answer, updatedAt) = _present(data, header, feed, round);
        if (updatedAt == 0) return _unpark(data.parked[feed].value);
    }

    /// @dev A feed's answer in a round that the ring holds; a time of 0 when it has none there.
    function _present(GroupData storage data, Header header, uint256 feed, uint256 round)
        internal
        view
        returns (int256 answer, uint256 updatedAt)
    {
        unchecked {
            // Four lanes a word, or two: the feed's upper bits are its word, the lower ones its lane.
            uint256 bits = Lanes.bitsOf(header);
            uint256 word = data.ring[_position(header, round) + (feed >> (2 - header.doubled()))].value;
            answer = Lanes.answerAt(word, feed & (Lanes.lanesOf(header) - 1), bits);
            // A time of 0: never written, or pre-warmed only. The feed was added after this round.
            updatedAt = Lanes.timeOf(word);
            if (answer == Lanes.noAnswer(bits) || updatedAt == 0) return (0, 0);
        }
    }

    /// @dev Packs an answer for `GroupData.parked`.
    function _park(int256 answer, uint256 round, uint256 updatedAt) internal pure returns (uint256) {
        return (uint256(uint112(uint256(answer))) << 64) | (round << 32) | updatedAt;
    }

    /// @dev The reverse of `_park`.
    function _unpark(uint256 word) private pure returns (int256 answer, uint256 round, uint256 updatedAt) {
        return (int112(uint112(word >> 64)), uint32(word >> 32), uint32(word));
    }

    function _describe(Header h) private pure returns (Group memory) {
        return Group({
            round: h.round(),
            timestamp: h.timestamp(),
            threshold: h.threshold(),
            signers: h.signers(),
            feeds: h.feeds(),
            wide: h.wide(),
            paused: h.paused(),
            breaker: h.breaker(),
            ringBits: h.ringBits(),
            signersHash: bytes20(h.signersHash())
        });
    }
}
