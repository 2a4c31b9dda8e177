// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IOracleAggregator} from "../interfaces/IOracleAggregator.sol";
import {Raw} from "./Raw.sol";

/// @title Sorted signer sets, of which only a hash is kept
/// @notice The hash is the low 160 bits of keccak256 over the addresses in ascending order, 20 bytes each.
library SignerSet {
    /// @dev What a report's bitmap has room for.
    uint256 internal constant MAX_SIGNERS = 16;
    uint256 private constant ADDRESS_SIZE = 20;
    /// @dev Room for any set: the last address is written as a whole word, 12 bytes longer than itself.
    uint256 internal constant ROOM = 16 * 20 + 12;

    /// @dev Reverts unless the set can be a group's: `SignerCountInvalid`, `SignersNotAscending`, `ThresholdInvalid`.
    function check(uint8 group, address[] calldata signers, uint8 threshold) internal pure {
        // Revert if there are none, or more than the bitmap has bits.
        if (signers.length == 0 || signers.length > MAX_SIGNERS) {
            revert IOracleAggregator.SignerCountInvalid(group, signers.length, MAX_SIGNERS);
        }
        // Revert unless each is larger than the one before, the first larger than zero: no duplicates, no zero.
        address before = address(0);
        for (uint256 place = 0; place < signers.length; ++place) {
            if (signers[place] <= before) {
                revert IOracleAggregator.SignersNotAscending(group, place, signers[place], before);
            }
            before = signers[place];
        }
        // Revert if no signature would be needed, or more than there can be.
        if (threshold == 0 || threshold > signers.length) {
            revert IOracleAggregator.ThresholdInvalid(group, threshold, signers.length);
        }
    }

    /// @dev The hash of a set given as a list.
    function hashList(address[] calldata signers) internal pure returns (uint160) {
        bytes memory packed;
        for (uint256 place = 0; place < signers.length; ++place) {
            packed = abi.encodePacked(packed, signers[place]);
        }
        return uint160(uint256(keccak256(packed)));
    }

    /// @dev Puts an address into its place in `set`, a buffer of `ROOM` bytes at least. Overwrites the 12 bytes behind it:
    /// places are filled in ascending order.
    function put(bytes memory set, uint256 place, uint256 signer) internal pure {
        unchecked {
            Raw.put(set, place * ADDRESS_SIZE, signer << 96);
        }
    }

    /// @dev The hash of a set of which `count` places have been filled.
    function hash(bytes memory set, uint256 count) internal pure returns (uint160) {
        unchecked {
            return uint160(uint256(Raw.hash(set, count * ADDRESS_SIZE)));
        }
    }
}
