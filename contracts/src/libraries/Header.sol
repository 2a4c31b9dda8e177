// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @dev All that `transmit` needs to know of a group, in one word:
///
/// ```
/// bits  255                96 95       64 63           32 31       24 23     16 15    8 7             4  3      2        1       0
///      | signersHash 160    | round 32  | timestamp 32  | threshold 8 | signers 8 | feeds 8 | ringBits 4 | wide | paused | breaker | 0 |
/// ```
///
/// Zero means that the group does not exist: an existing one has at least one feed.
type Header is uint256;

using HeaderLib for Header global;

/// @title The header word of a group
library HeaderLib {
    uint256 private constant BREAKER = 1 << 1;
    uint256 private constant PAUSED = 1 << 2;
    uint256 private constant WIDE = 1 << 3;
    uint256 private constant ROUND_AND_TIMESTAMP = uint256(type(uint64).max) << 32;
    uint256 private constant FEEDS = uint256(type(uint8).max) << 8;
    uint256 private constant SIGNERS_AND_THRESHOLD = uint256(type(uint16).max) << 16;

    /// @dev A new group's header: no feeds, no signers, no rounds.
    function create(bool isWide, uint8 bits) internal pure returns (Header) {
        return Header.wrap((uint256(bits) << 4) | (isWide ? WIDE : 0));
    }

    function exists(Header h) internal pure returns (bool) {
        return Header.unwrap(h) != 0;
    }

    function signersHash(Header h) internal pure returns (uint160) {
        return uint160(Header.unwrap(h) >> 96);
    }

    function round(Header h) internal pure returns (uint32) {
        return uint32(Header.unwrap(h) >> 64);
    }

    function timestamp(Header h) internal pure returns (uint32) {
        return uint32(Header.unwrap(h) >> 32);
    }

    function threshold(Header h) internal pure returns (uint8) {
        return uint8(Header.unwrap(h) >> 24);
    }

    function signers(Header h) internal pure returns (uint8) {
        return uint8(Header.unwrap(h) >> 16);
    }

    function feeds(Header h) internal pure returns (uint8) {
        return uint8(Header.unwrap(h) >> 8);
    }

    function ringBits(Header h) internal pure returns (uint8) {
        return uint8(Header.unwrap(h)) >> 4;
    }

    function wide(Header h) internal pure returns (bool) {
        return Header.unwrap(h) & WIDE != 0;
    }

    /// @dev 0 in a narrow group, 1 in a wide one: for sizes, which differ by a factor of two.
    function doubled(Header h) internal pure returns (uint256) {
        return (Header.unwrap(h) >> 3) & 1;
    }

    function paused(Header h) internal pure returns (bool) {
        return Header.unwrap(h) & PAUSED != 0;
    }

    function breaker(Header h) internal pure returns (bool) {
        return Header.unwrap(h) & BREAKER != 0;
    }

    /// @dev Not zero when the group has a breaker.
    function breakerBit(Header h) internal pure returns (uint256) {
        return Header.unwrap(h) & BREAKER;
    }

    function withRound(Header h, uint64 roundAndTimestamp) internal pure returns (Header) {
        return Header.wrap((Header.unwrap(h) & ~ROUND_AND_TIMESTAMP) | (uint256(roundAndTimestamp) << 32));
    }

    function withSigners(Header h, uint160 hash, uint8 count, uint8 newThreshold) internal pure returns (Header) {
        uint256 kept = uint96(Header.unwrap(h)) & ~SIGNERS_AND_THRESHOLD;
        return Header.wrap((uint256(hash) << 96) | kept | (uint256(newThreshold) << 24) | (uint256(count) << 16));
    }

    function withFeeds(Header h, uint8 count) internal pure returns (Header) {
        return Header.wrap((Header.unwrap(h) & ~FEEDS) | (uint256(count) << 8));
    }

    function withPaused(Header h, bool on) internal pure returns (Header) {
        return Header.wrap(on ? Header.unwrap(h) | PAUSED : Header.unwrap(h) & ~PAUSED);
    }

    function withBreaker(Header h, bool on) internal pure returns (Header) {
        return Header.wrap(on ? Header.unwrap(h) | BREAKER : Header.unwrap(h) & ~BREAKER);
    }
}
