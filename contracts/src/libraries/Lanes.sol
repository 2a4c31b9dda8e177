// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Header} from "./Header.sol";

/// @title Answers side by side in a word
/// @notice A word of the ring, and the 28 bytes of a report that it is made from:
///
/// ```
/// bits         255       200 199       144 143        88 87        32 31       0
/// narrow      | answer 0, 56 | answer 1, 56 | answer 2, 56 | answer 3, 56 | time 32 |
/// wide        | answer 0, 112               | answer 1, 112               | time 32 |
/// ```
///
/// Answers are two's complement. The smallest value of a lane (its sign bit alone) means *no answer*; lanes behind the
/// last feed hold it too. `time` is the answers' `updatedAt`; 0 means that no round was ever stored in the word.
///
/// Lanes are compared all at once. `signs`, the word of the lanes' sign bits alone, tells the width to every function.
library Lanes {
    /// @dev Bytes of answers in a word, whatever the width.
    uint256 internal constant ANSWER_BYTES = 28;
    /// @dev Bits of answers in a word.
    uint256 internal constant ANSWER_BITS = 224;

    uint256 private constant NARROW_SIGNS = 0x80000000000000_80000000000000_80000000000000_80000000000000_00000000;
    uint256 private constant WIDE_SIGNS = 0x8000000000000000000000000000_8000000000000000000000000000_00000000;
    /// @dev All bits of all lanes.
    uint256 internal constant ALL = ~uint256(type(uint32).max);

    /// @dev The sign bits of a word's lanes. Also: the word in which every lane is *no answer* and the time is 0.
    function signsOf(Header header) internal pure returns (uint256) {
        unchecked {
            // `doubled - 1` is all ones in a narrow group and zero in a wide one.
            return WIDE_SIGNS | (NARROW_SIGNS & (header.doubled() - 1));
        }
    }

    /// @dev Bits of a lane: 56 or 112.
    function bitsOf(Header header) internal pure returns (uint256) {
        return 56 << header.doubled();
    }

    /// @dev Lanes of a word: 4 or 2.
    function lanesOf(Header header) internal pure returns (uint256) {
        return 4 >> header.doubled();
    }

    /// @dev Words that a round's answers take.
    function wordsOf(Header header) internal pure returns (uint256) {
        unchecked {
            return (header.feeds() + lanesOf(header) - 1) >> (2 - header.doubled());
        }
    }

    /// @dev Bytes of a round's answers in a report.
    function bytesOf(Header header) internal pure returns (uint256) {
        unchecked {
            return (uint256(header.feeds()) * 7) << header.doubled();
        }
    }

    /// @dev All bits of the first `lanes` lanes: at least one, at most as many as a word has.
    function maskOf(uint256 lanes, uint256 bits) internal pure returns (uint256) {
        unchecked {
            return ~(type(uint256).max >> (lanes * bits));
        }
    }

    /// @dev One lane's answer.
    function answerAt(uint256 word, uint256 lane, uint256 bits) internal pure returns (int256) {
        unchecked {
            return int256(word << (lane * bits)) >> (256 - bits);
        }
    }

    /// @dev What `answerAt` gives for *no answer*: the smallest value of a lane.
    function noAnswer(uint256 bits) internal pure returns (int256) {
        unchecked {
            return -int256(1 << (bits - 1));
        }
    }

    /// @dev The word with one lane set to *no answer*.
    function withoutAnswerAt(uint256 word, uint256 lane, uint256 bits) internal pure returns (uint256) {
        uint256 laneMask = maskOf(1, bits) >> (lane * bits);
        return (word & ~laneMask) | ((1 << 255) >> (lane * bits));
    }

    /// @dev Whether one lane has an answer.
    function hasAnswerAt(uint256 word, uint256 lane, uint256 bits) internal pure returns (bool) {
        return answerAt(word, lane, bits) != noAnswer(bits);
    }

    /// @dev The word's time.
    function timeOf(uint256 word) internal pure returns (uint32) {
        return uint32(word);
    }

    /// @dev All bits of the lanes that belong to a feed, in a word that `answerBits` bits of answers are left for.
    function usedOf(uint256 answerBits) internal pure returns (uint256) {
        return ALL & ~(type(uint256).max >> answerBits);
    }

    /// @dev The sign bits of those used lanes that are *no answer*; zero when every feed has one.
    function missingOf(uint256 word, uint256 used, uint256 signs) internal pure returns (uint256) {
        unchecked {
            uint256 rest = ~signs & ALL;
            // A lane of *no answer* turns to zero. Any other lane keeps a bit below its sign, which the sum carries into
            // the sign, or has its sign bit set already. No sum reaches the next lane: 2·(2^(bits-1) - 1) < 2^bits.
            uint256 turned = word ^ signs;
            return ~(((turned & rest) + rest) | turned) & signs & used;
        }
    }

    /// @dev Lane by lane the smaller and the larger of two words' answers; *no answer* counts as the smallest. The time
    /// of both words must be zero.
    function order(uint256 a, uint256 b, uint256 signs, uint256 bits)
        internal
        pure
        returns (uint256 smaller, uint256 larger)
    {
        unchecked {
            // The sign bit of `difference` says, lane by lane, whether a ≥ b in the bits below the sign. With a's sign bit
            // set and b's clear no lane borrows from the next.
            uint256 difference = (a | signs) - (b & ~signs);
            // a ≥ b: where b is negative and a is not, or where the signs agree and the rest says so.
            uint256 notLess = ((b & ~a) | ((b | ~a) & difference)) & signs;
            // From the sign bit to all bits of the lane: one bit above it, minus the lane's lowest.
            uint256 swapMask = (notLess << 1) - (notLess >> (bits - 1));
            uint256 swapped = (a ^ b) & swapMask;
            return (a ^ swapped, b ^ swapped);
        }
    }

    /// @dev Lane by lane the smallest and the middle of three words' answers: `order` three times over, written out, for
    /// three signers are the usual number and each call would cost a third of what it does.
    function middle(uint256 a, uint256 b, uint256 c, uint256 signs, uint256 bits)
        internal
        pure
        returns (uint256 smallest, uint256 middleOne)
    {
        unchecked {
            // Let a be the smaller of a and b, and b the larger.
            uint256 mask = ((b & ~a) | ((b | ~a) & ((a | signs) - (b & ~signs)))) & signs;
            mask = (a ^ b) & ((mask << 1) - (mask >> (bits - 1)));
            a ^= mask;
            b ^= mask;
            // Let b be the smaller of b and c: c is not needed any more.
            mask = ((c & ~b) | ((c | ~b) & ((b | signs) - (c & ~signs)))) & signs;
            b ^= (b ^ c) & ((mask << 1) - (mask >> (bits - 1)));
            // Let a be the smaller of a and b, and b the larger: the middle one.
            mask = ((b & ~a) | ((b | ~a) & ((a | signs) - (b & ~signs)))) & signs;
            mask = (a ^ b) & ((mask << 1) - (mask >> (bits - 1)));
            return (a ^ mask, b ^ mask);
        }
    }
}
