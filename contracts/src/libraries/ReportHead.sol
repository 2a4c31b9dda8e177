// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @dev The fixed part of a report, 12 bytes at its beginning:
///
/// ```
/// byte   0       1       5           9        11
///       | group | round | timestamp | bitmap | sender's place |
/// ```
type ReportHead is uint256;

using ReportHeadLib for ReportHead global;

/// @title The fixed part of a report
library ReportHeadLib {
    /// @dev Bytes of the fixed part.
    uint256 internal constant SIZE = 12;
    /// @dev Bytes of a signature in EIP-2098's short form.
    uint256 internal constant SIGNATURE_SIZE = 64;
    /// @dev Bytes of the address of a signer who did not sign.
    uint256 internal constant ADDRESS_SIZE = 20;
    /// @dev The sender's place, when it is not a signer.
    uint256 internal constant SENDER_IS_NO_SIGNER = 0xff;

    /// @dev From the 32 bytes at the report's beginning.
    function fromWord(uint256 word) internal pure returns (ReportHead) {
        return ReportHead.wrap(word >> (256 - 8 * SIZE));
    }

    /// @dev As it was transmitted.
    function packed(ReportHead h) internal pure returns (bytes12) {
        return bytes12(uint96(ReportHead.unwrap(h)));
    }

    function group(ReportHead h) internal pure returns (uint8) {
        return uint8(ReportHead.unwrap(h) >> 88);
    }

    function round(ReportHead h) internal pure returns (uint32) {
        return uint32(ReportHead.unwrap(h) >> 56);
    }

    function timestamp(ReportHead h) internal pure returns (uint32) {
        return uint32(ReportHead.unwrap(h) >> 24);
    }

    /// @dev `round` and `timestamp` in one: the header keeps them side by side as well.
    function roundAndTimestamp(ReportHead h) internal pure returns (uint64) {
        return uint64(ReportHead.unwrap(h) >> 24);
    }

    function bitmap(ReportHead h) internal pure returns (uint16) {
        return uint16(ReportHead.unwrap(h) >> 8);
    }

    function place(ReportHead h) internal pure returns (uint8) {
        return uint8(ReportHead.unwrap(h));
    }
}
