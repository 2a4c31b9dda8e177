// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IOracleAggregator} from "../interfaces/IOracleAggregator.sol";

/// @title The breaker of a group: when a change is too large
/// @notice One word, zero when the group has none:
///
/// ```
/// bits   255     208 207      176 175     64 63                32 31         0
///       | 0         | released 32 | floor 112 | growthBpsPerHour 32 | changeBps 32 |
/// ```
library BreakerRule {
    uint256 private constant RELEASED_AT = 176;

    /// @dev A breaker without releases.
    function pack(uint32 changeBps, uint32 growthBpsPerHour, uint112 floor) internal pure returns (uint256) {
        return (uint256(floor) << 64) | (uint256(growthBpsPerHour) << 32) | changeBps;
    }

    /// @dev The word as a structure.
    function unpack(uint256 rule) internal pure returns (IOracleAggregator.Breaker memory) {
        return IOracleAggregator.Breaker({
            changeBps: uint32(rule),
            growthBpsPerHour: uint32(rule >> 32),
            floor: uint112(rule >> 64),
            released: uint32(rule >> RELEASED_AT)
        });
    }

    /// @dev Whether a feed's next present answer passes unchecked.
    function isReleased(uint256 rule, uint256 feed) internal pure returns (bool) {
        return rule & _bitOf(feed) != 0;
    }

    /// @dev The rule with a feed released.
    function release(uint256 rule, uint256 feed) internal pure returns (uint256) {
        return rule | _bitOf(feed);
    }

    /// @dev The rule with a feed's release used up.
    function unrelease(uint256 rule, uint256 feed) internal pure returns (uint256) {
        return rule & ~_bitOf(feed);
    }

    /// @dev Whether the change from `last` to `answer` is too large after `age` seconds. Nothing overflows: answers have
    /// 112 bits, and the other factors together fewer than 70.
    function refuses(uint256 rule, int256 last, int256 answer, uint256 age) internal pure returns (bool) {
        unchecked {
            uint256 change = _magnitude(answer - last);
            if (change <= uint112(rule >> 64)) return false;
            // change / |last| > (changeBps + growthBpsPerHour · age / 3600) / 10,000, without the divisions.
            uint256 allowed = uint256(uint32(rule)) * 3600 + uint256(uint32(rule >> 32)) * age;
            return change * 10_000 * 3600 > _magnitude(last) * allowed;
        }
    }

    function _bitOf(uint256 feed) private pure returns (uint256) {
        return 1 << (RELEASED_AT + feed);
    }

    function _magnitude(int256 value) private pure returns (uint256) {
        unchecked {
            return uint256(value < 0 ? -value : value);
        }
    }
}
