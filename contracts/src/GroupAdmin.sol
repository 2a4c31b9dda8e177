// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {
    AccessControlDefaultAdminRules
} from "@openzeppelin/contracts/access/extensions/AccessControlDefaultAdminRules.sol";
import {GroupStore} from "./GroupStore.sol";
import {IOracleAggregator} from "./interfaces/IOracleAggregator.sol";
import {BreakerRule} from "./libraries/BreakerRule.sol";
import {FeedText} from "./libraries/FeedText.sol";
import {Header, HeaderLib} from "./libraries/Header.sol";
import {Lanes} from "./libraries/Lanes.sol";
import {SignerSet} from "./libraries/SignerSet.sol";

/// @title Roles and configuration
/// @notice The admin configures; it is handed over in two steps, after a delay (OpenZeppelin). A guardian may pause.
abstract contract GroupAdmin is GroupStore, AccessControlDefaultAdminRules {
    /// @notice May pause groups, and nothing else.
    bytes32 public constant GUARDIAN_ROLE = keccak256("GUARDIAN_ROLE");

    /// @param admin Configures groups; meant to be a timelock or a multisig.
    /// @param guardian May pause groups. Zero: none yet, the admin grants the role later.
    /// @param adminTransferDelay Seconds between the two steps of a handover of the admin role.
    constructor(address admin, address guardian, uint48 adminTransferDelay)
        AccessControlDefaultAdminRules(adminTransferDelay, admin)
    {
        if (guardian != address(0)) _grantRole(GUARDIAN_ROLE, guardian);
    }

    /// @inheritdoc IOracleAggregator
    function createGroup(
        uint8 group,
        bool wide,
        uint8 ringBits,
        address[] calldata signers,
        uint8 threshold,
        FeedInfo[] calldata feeds
    ) external override onlyRole(DEFAULT_ADMIN_ROLE) {
        GroupData storage data = _data(group);
        // Revert if the id is not one, or taken: nothing of a group is ever made anew.
        if (group == 0) revert GroupIdZero();
        if (data.header.exists()) revert GroupExists(group);
        // Revert if the header cannot hold the ring's size.
        if (ringBits > MAX_RING_BITS) revert RingTooLarge(ringBits, MAX_RING_BITS);

        emit GroupCreated(group, wide, ringBits);
        Header header = _addFeeds(data, group, HeaderLib.create(wide, ringBits), feeds);
        data.header = _setSigners(group, header, signers, threshold);
    }

    /// @inheritdoc IOracleAggregator
    function addFeeds(uint8 group, FeedInfo[] calldata feeds) external override onlyRole(DEFAULT_ADMIN_ROLE) {
        (GroupData storage data, Header header) = _group(group);
        data.header = _addFeeds(data, group, header, feeds);
    }

    /// @inheritdoc IOracleAggregator
    function setSigners(uint8 group, address[] calldata signers, uint8 threshold)
        external
        override
        onlyRole(DEFAULT_ADMIN_ROLE)
    {
        (GroupData storage data, Header header) = _group(group);
        data.header = _setSigners(group, header, signers, threshold);
    }

    /// @inheritdoc IOracleAggregator
    function setBreaker(uint8 group, uint32 changeBps, uint32 growthBpsPerHour, uint112 floor)
        external
        override
        onlyRole(DEFAULT_ADMIN_ROLE)
    {
        (GroupData storage data, Header header) = _group(group);
        bool on = changeBps != 0;
        data.breaker = on ? BreakerRule.pack(changeBps, growthBpsPerHour, floor) : 0;
        data.header = header.withBreaker(on);
        emit BreakerSet(group, changeBps, growthBpsPerHour, floor);
    }

    /// @inheritdoc IOracleAggregator
    function releaseBreaker(uint8 group, uint8 feed) external override onlyRole(DEFAULT_ADMIN_ROLE) {
        (GroupData storage data, Header header) = _group(group);
        if (!header.breaker()) revert BreakerNotSet(group);
        if (feed >= header.feeds()) revert FeedUnknown(group, feed, header.feeds());
        data.breaker = BreakerRule.release(data.breaker, feed);
        emit BreakerReleased(group, feed, msg.sender);
    }

    /// @inheritdoc IOracleAggregator
    function pause(uint8 group) external override {
        // Revert if the sender is neither a guardian nor the admin.
        if (!hasRole(GUARDIAN_ROLE, msg.sender) && !hasRole(DEFAULT_ADMIN_ROLE, msg.sender)) {
            revert AccessControlUnauthorizedAccount(msg.sender, GUARDIAN_ROLE);
        }
        (GroupData storage data, Header header) = _group(group);
        if (header.paused()) revert AlreadyPaused(group);
        data.header = header.withPaused(true);
        emit GroupPaused(group, msg.sender);
    }

    /// @inheritdoc IOracleAggregator
    function unpause(uint8 group) external override onlyRole(DEFAULT_ADMIN_ROLE) {
        (GroupData storage data, Header header) = _group(group);
        if (!header.paused()) revert NotPaused(group);
        data.header = header.withPaused(false);
        emit GroupUnpaused(group, msg.sender);
    }

    /// @inheritdoc IOracleAggregator
    function grow(uint8 group, uint32 from, uint32 count) external override {
        (GroupData storage data, Header header) = _group(group);
        uint256 end = uint256(from) + count;
        uint256 size = 1 << header.ringBits();
        if (end > size) revert RingRangeInvalid(group, end, size);

        // *No answer* in every lane, time 0: reads as absent, and costs the next writer no more than an update.
        uint256 absent = Lanes.signsOf(header);
        uint256 words = Lanes.wordsOf(header);
        uint256 written = 0;
        for (uint256 round = from; round < end; ++round) {
            uint256 first = _position(header, round);
            for (uint256 index = first; index < first + words; ++index) {
                if (data.ring[index].value == 0) {
                    data.ring[index].value = absent;
                    ++written;
                }
            }
        }
        emit RingGrown(group, from, count, written);
    }

    /// @inheritdoc IOracleAggregator
    function hashSigners(address[] calldata signers) external pure override returns (bytes20) {
        return bytes20(SignerSet.hashList(signers));
    }

    /// @dev Adds feeds and returns the header with them. The words of past rounds are left as they are: the new feeds'
    /// lanes hold *no answer* there, or their word was never written.
    function _addFeeds(GroupData storage data, uint8 group, Header header, FeedInfo[] calldata feeds)
        private
        returns (Header)
    {
        uint8 first = header.feeds();
        uint256 total = first + feeds.length;
        if (feeds.length == 0 || total > MAX_FEEDS) revert FeedCountInvalid(group, total, MAX_FEEDS);
        for (uint256 i = 0; i < feeds.length; ++i) {
            data.texts[first + i] = FeedText.pack(feeds[i]);
        }
        emit FeedsAdded(group, first, feeds);
        return header.withFeeds(uint8(total));
    }

    /// @dev Checks a signer set and returns the header with it.
    function _setSigners(uint8 group, Header header, address[] calldata signers, uint8 threshold)
        private
        returns (Header)
    {
        SignerSet.check(group, signers, threshold);
        uint160 hash = SignerSet.hashList(signers);
        emit SignersSet(group, threshold, signers, bytes20(hash));
        return header.withSigners(hash, uint8(signers.length), threshold);
    }
}
