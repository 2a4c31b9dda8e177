// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {AccessControlDefaultAdminRules} from
    "@openzeppelin/contracts/access/extensions/AccessControlDefaultAdminRules.sol";
import {ReportDomain} from "./ReportDomain.sol";
import {IOracleAggregator} from "./interfaces/IOracleAggregator.sol";

/// @title Skeleton: the ABI, to write against; bodies follow
contract OracleAggregator is IOracleAggregator, AccessControlDefaultAdminRules, ReportDomain {
    /// @notice May pause groups.
    bytes32 public constant GUARDIAN_ROLE = keccak256("GUARDIAN_ROLE");
    /// @inheritdoc IOracleAggregator
    uint32 public immutable override maxReportAge;
    /// @inheritdoc IOracleAggregator
    uint32 public immutable override maxAhead;

    constructor(address admin, address guardian, uint48 adminTransferDelay, uint32 maxReportAge_, uint32 maxAhead_)
        AccessControlDefaultAdminRules(adminTransferDelay, admin)
    {
        maxReportAge = maxReportAge_;
        maxAhead = maxAhead_;
        _grantRole(GUARDIAN_ROLE, guardian);
    }

    function transmit(bytes calldata) external {}
    function getGroup(uint8) external view returns (Group memory) {}
    function snapshot(uint8) external view returns (Group memory, FeedState[] memory) {}
    function latestState(uint8, uint8) external view returns (FeedState memory) {}
    function stateAt(uint8, uint8, uint256) external view returns (FeedState memory) {}
    function feedInfo(uint8, uint8) external view returns (FeedInfo memory) {}
    function getBreaker(uint8) external view returns (Breaker memory) {}
    function hashSigners(address[] calldata) external pure returns (bytes20) {}
    function createGroup(uint8, bool, uint8, address[] calldata, uint8, FeedInfo[] calldata) external {}
    function addFeeds(uint8, FeedInfo[] calldata) external {}
    function setSigners(uint8, address[] calldata, uint8) external {}
    function setBreaker(uint8, uint32, uint32, uint112) external {}
    function releaseBreaker(uint8, uint8) external {}
    function pause(uint8) external {}
    function unpause(uint8) external {}
    function grow(uint8, uint32, uint32) external {}
}
