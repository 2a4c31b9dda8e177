// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IOracleAggregator} from "../interfaces/IOracleAggregator.sol";

/// @title A feed's decimals and description in one word
///
/// ```
/// bits   255                                  8 7         0
///       | description 31 bytes, zeros behind it | decimals 8 |
/// ```
library FeedText {
    /// @dev 18 is the most that is usual; an answer of 112 bits holds 10^33.
    uint8 internal constant MAX_DECIMALS = 36;

    /// @dev Packs a feed's words. Reverts `DecimalsTooLarge`, `DescriptionInvalid`.
    function pack(IOracleAggregator.FeedInfo calldata info) internal pure returns (bytes32) {
        bytes calldata text = bytes(info.description);
        // Revert if the decimals are beyond reason.
        if (info.decimals > MAX_DECIMALS) {
            revert IOracleAggregator.DecimalsTooLarge(info.decimals, MAX_DECIMALS);
        }
        // Revert if the description is empty, does not fit, or has a zero byte, by which its end is found.
        if (text.length == 0 || text.length > 31) revert IOracleAggregator.DescriptionInvalid(info.description);
        for (uint256 i = 0; i < text.length; ++i) {
            if (text[i] == 0) revert IOracleAggregator.DescriptionInvalid(info.description);
        }
        return bytes32(text) | bytes32(uint256(info.decimals));
    }

    /// @dev The reverse of `pack`.
    function unpack(bytes32 word) internal pure returns (IOracleAggregator.FeedInfo memory) {
        uint256 length = 0;
        while (length < 31 && word[length] != 0) ++length;
        bytes memory text = new bytes(length);
        for (uint256 i = 0; i < length; ++i) {
            text[i] = word[i];
        }
        return IOracleAggregator.FeedInfo({decimals: uint8(uint256(word)), description: string(text)});
    }
}
