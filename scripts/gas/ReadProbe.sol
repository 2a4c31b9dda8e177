// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {AggregatorV3Interface} from "../../contracts/src/interfaces/AggregatorV2V3Interface.sol";

/// @title What a consumer pays for one read of a feed
/// @notice Run by `eth_call`: every call is a transaction of its own, in which the proxy and the aggregator are cold.
contract ReadProbe {
    /// @notice Gas of `latestRoundData`, called and decoded as a consumer does.
    function latestRoundData(AggregatorV3Interface proxy) external view returns (uint256 gasUsed) {
        uint256 before = gasleft();
        (, int256 answer,, uint256 updatedAt,) = proxy.latestRoundData();
        gasUsed = before - gasleft();
        require(answer != 0 && updatedAt != 0);
    }

    /// @notice Gas of `getRoundData`, called and decoded as a consumer does.
    function getRoundData(AggregatorV3Interface proxy, uint80 round) external view returns (uint256 gasUsed) {
        uint256 before = gasleft();
        (, int256 answer,, uint256 updatedAt,) = proxy.getRoundData(round);
        gasUsed = before - gasleft();
        require(answer != 0 && updatedAt != 0);
    }
}
