// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title Chainlink's first consumer interface
/// @notice Kept for consumers written against it. Its getters do not revert when there is no data: they return zero.
interface AggregatorInterface {
    /// @notice The latest answer, scaled by the feed's decimals; zero when there never was one.
    function latestAnswer() external view returns (int256);

    /// @notice When the latest answer was made, in unix seconds; zero when there never was one.
    function latestTimestamp() external view returns (uint256);

    /// @notice The round of the latest answer; zero when there never was one.
    function latestRound() external view returns (uint256);

    /// @notice The answer of one round; zero when that round has none, or is no longer (or not yet) held.
    function getAnswer(uint256 roundId) external view returns (int256);

    /// @notice When a round's answer was made, in unix seconds; zero where `getAnswer` has none.
    function getTimestamp(uint256 roundId) external view returns (uint256);

    /// @notice Part of the interface; the oracle's own event is `RoundStored` of `IOracleAggregator`.
    event AnswerUpdated(int256 indexed current, uint256 indexed roundId, uint256 updatedAt);

    /// @notice Part of the interface; the oracle's own event is `RoundStored` of `IOracleAggregator`.
    event NewRound(uint256 indexed roundId, address indexed startedBy, uint256 startedAt);
}

/// @title Chainlink's present consumer interface
interface AggregatorV3Interface {
    /// @notice Number of decimals of an answer.
    function decimals() external view returns (uint8);

    /// @notice What is quoted, such as `ETH / USD`.
    function description() external view returns (string memory);

    /// @notice Version of the feed's implementation.
    function version() external view returns (uint256);

    /// @notice One round. Reverts with `No data present` when it has no answer or is not held.
    function getRoundData(uint80 _roundId)
        external
        view
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound);

    /// @notice The last round that has an answer. Reverts with `No data present` when there never was one.
    function latestRoundData()
        external
        view
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound);
}

/// @title Both of Chainlink's consumer interfaces
interface AggregatorV2V3Interface is AggregatorInterface, AggregatorV3Interface {}
