// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {
    AggregatorInterface,
    AggregatorV2V3Interface,
    AggregatorV3Interface
} from "./interfaces/AggregatorV2V3Interface.sol";
import {IOracleAggregator} from "./interfaces/IOracleAggregator.sol";

/// @title One feed, behind Chainlink's consumer interface
/// @notice Immutable and without an owner: it reads one feed of one aggregator, for ever. Round ids are the group's
/// rounds: they grow by one, have no phase, and `answeredInRound` equals `roundId`. `startedAt` equals `updatedAt`,
/// which never lies in the future. While a feed is missing from its group's rounds, its last present round is read.
contract FeedProxy is AggregatorV2V3Interface {
    /// @notice Version of the implementation.
    uint256 public constant override version = 1;

    /// @notice The contract that holds the feed.
    IOracleAggregator public immutable aggregator;
    /// @notice The feed's group.
    uint8 public immutable group;
    /// @notice The feed's index in its group.
    uint8 public immutable feed;

    /// @inheritdoc AggregatorV3Interface
    uint8 public immutable override decimals;

    /// @dev The description's bytes, left-aligned, and how many they are: strings cannot be immutable.
    bytes32 private immutable _description;
    uint256 private immutable _descriptionLength;

    /// @notice Reads the feed's decimals and description, which never change. Reverts `FeedUnknown`.
    /// @param aggregator_ The contract that holds the feed.
    /// @param group_ The feed's group.
    /// @param feed_ The feed's index in its group.
    constructor(IOracleAggregator aggregator_, uint8 group_, uint8 feed_) {
        aggregator = aggregator_;
        group = group_;
        feed = feed_;
        IOracleAggregator.FeedInfo memory info = aggregator_.feedInfo(group_, feed_);
        decimals = info.decimals;
        _description = bytes32(bytes(info.description));
        _descriptionLength = bytes(info.description).length;
    }

    /// @inheritdoc AggregatorV3Interface
    function description() external view override returns (string memory) {
        bytes memory text = abi.encodePacked(_description);
        bytes memory trimmed = new bytes(_descriptionLength);
        for (uint256 i = 0; i < trimmed.length; ++i) {
            trimmed[i] = text[i];
        }
        return string(trimmed);
    }

    /// @inheritdoc AggregatorV3Interface
    function latestRoundData()
        external
        view
        override
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound)
    {
        uint256 round;
        (answer, round, updatedAt) = aggregator.answerForFeed(group, feed);
        require(round != 0, "No data present");
        return (uint80(round), answer, updatedAt, updatedAt, uint80(round));
    }

    /// @inheritdoc AggregatorV3Interface
    function getRoundData(uint80 _roundId)
        external
        view
        override
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound)
    {
        (answer,, updatedAt) = aggregator.answerOfRound(group, feed, _roundId);
        require(updatedAt != 0, "No data present");
        return (_roundId, answer, updatedAt, updatedAt, _roundId);
    }

    /// @inheritdoc AggregatorInterface
    function latestAnswer() external view override returns (int256 answer) {
        (answer,,) = aggregator.answerForFeed(group, feed);
    }

    /// @inheritdoc AggregatorInterface
    function latestTimestamp() external view override returns (uint256 updatedAt) {
        (,, updatedAt) = aggregator.answerForFeed(group, feed);
    }

    /// @inheritdoc AggregatorInterface
    function latestRound() external view override returns (uint256 round) {
        (, round,) = aggregator.answerForFeed(group, feed);
    }

    /// @inheritdoc AggregatorInterface
    function getAnswer(uint256 roundId) external view override returns (int256 answer) {
        (answer,,) = aggregator.answerOfRound(group, feed, roundId);
    }

    /// @inheritdoc AggregatorInterface
    function getTimestamp(uint256 roundId) external view override returns (uint256 updatedAt) {
        (,, updatedAt) = aggregator.answerOfRound(group, feed, roundId);
    }
}
