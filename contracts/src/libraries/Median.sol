// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Answers} from "./Answers.sol";
import {Header} from "./Header.sol";
import {Lanes} from "./Lanes.sol";

/// @title The lower median of several signers' answers, four feeds (or two wide ones) at a time
library Median {
    /// @dev Lane by lane the lower median of the answers present, when at least the threshold are; else *no answer*.
    /// @param header The group's.
    /// @param answers Where each signer's answers lie; as many as the threshold at least.
    /// @param index Which word of the round.
    /// @param used All bits of the lanes that belong to a feed. The others are zero in the result.
    /// @param signs `Lanes.signsOf` the header.
    /// @return median The medians, time 0.
    /// @return missing Not zero when some feed has none: `Lanes.missingOf`.
    function ofWord(Header header, Answers answers, uint256 index, uint256 used, uint256 signs)
        internal
        pure
        returns (uint256 median, uint256 missing)
    {
        median = answers.word(0, index) & used;
        if (answers.count() == 1) {
            // With one signer its answer is the median, and so is its *no answer*.
            missing = Lanes.missingOf(median, used, signs);
        } else {
            (median, missing) = _ofSeveral(header, answers, index, used, signs);
        }
    }

    /// @dev As above, for two signers and more. Sorts, every lane for itself: *no answer* comes first, for it is the
    /// smallest value. While nothing is missing, every lane's median is in the same row.
    function _ofSeveral(Header header, Answers answers, uint256 index, uint256 used, uint256 signs)
        private
        pure
        returns (uint256 median, uint256 missing)
    {
        uint256 bits = Lanes.bitsOf(header);
        uint256 a = answers.word(0, index) & used;
        uint256 b = answers.word(1, index) & used;
        if (answers.count() == 3) {
            (a, b) = Lanes.middle(a, b, answers.word(2, index) & used, signs, bits);
            if (Lanes.missingOf(a, used, signs) == 0) return (b, 0);
        } else if (answers.count() == 2) {
            (a,) = Lanes.order(a, b, signs, bits);
            if (Lanes.missingOf(a, used, signs) == 0) return (a, 0);
        }
        uint256[] memory sorted = _sort(answers, index, used, signs, bits);
        if (Lanes.missingOf(sorted[0], used, signs) == 0) return (sorted[(sorted.length - 1) / 2], 0);
        median = _ofPresent(sorted, used, bits, header.threshold());
        return (median, Lanes.missingOf(median, used, signs));
    }

    /// @dev The word `index` of every signer, sorted by insertion, every lane for itself.
    function _sort(Answers answers, uint256 index, uint256 used, uint256 signs, uint256 bits)
        private
        pure
        returns (uint256[] memory sorted)
    {
        sorted = new uint256[](answers.count());
        for (uint256 i = 0; i < sorted.length; ++i) {
            uint256 word = answers.word(i, index) & used;
            for (uint256 j = 0; j < i; ++j) {
                (sorted[j], word) = Lanes.order(sorted[j], word, signs, bits);
            }
            sorted[i] = word;
        }
    }

    /// @dev From words sorted, of which some lanes are *no answer*: lane by lane the lower median of those present.
    function _ofPresent(uint256[] memory sorted, uint256 used, uint256 bits, uint256 threshold)
        private
        pure
        returns (uint256 medians)
    {
        uint256 count = sorted.length;
        for (uint256 lane = 0; (used << (lane * bits)) >> 255 != 0; ++lane) {
            // Let `missing` be how many have no answer: those sorted first.
            uint256 missing = 0;
            while (missing < count && !Lanes.hasAnswerAt(sorted[missing], lane, bits)) ++missing;
            uint256 present = count - missing;
            // Too few: take *no answer*. It is in the first row, for no fewer than the threshold have signed.
            uint256 row = present >= threshold ? missing + (present - 1) / 2 : 0;
            medians |= sorted[row] & (Lanes.maskOf(1, bits) >> (lane * bits));
        }
    }
}
