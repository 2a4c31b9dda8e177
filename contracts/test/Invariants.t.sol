// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {FeedProxy} from "../src/FeedProxy.sol";
import {IOracleAggregator} from "../src/interfaces/IOracleAggregator.sol";
import {Base, Draft, IAggregator} from "./support/Base.sol";
import {vm} from "./support/Vm.sol";

/// @dev Does at random what signers, attackers, guardian and admin may do to two groups, and writes down what it saw.
contract Handler is Base {
    struct Seen {
        uint32 round;
        uint32 timestamp;
        uint256 updatedAt;
    }

    uint8[2] internal ids = [1, 2];
    uint256 internal constant FEEDS = 5;

    mapping(uint8 => uint256[]) internal keys;
    mapping(uint8 => uint8) internal thresholds;
    mapping(uint8 => Seen) internal seen;
    mapping(uint8 => mapping(uint8 => mapping(int256 => bool))) public wasGiven;
    /// What a rule of the contract did not hold; the invariants below ask for it.
    string public broken;
    uint256 public accepted;
    uint256 public refused;

    constructor() {
        vm.warp(START);
        oracle = deployAggregator();
        for (uint8 i = 0; i < 2; ++i) {
            keys[ids[i]] = keysOf(3 + i);
            thresholds[ids[i]] = 2;
            createGroup(ids[i], i == 1, i == 0 ? 2 : 0, keys[ids[i]], 2, FEEDS);
        }
    }

    /// @dev Not a move of the game: the constructor has set everything up.
    function setUp() public pure override {}

    function aggregator() external view returns (IOracleAggregator) {
        return oracle;
    }

    function pass(uint256 seconds_) external {
        vm.warp(block.timestamp + bound(seconds_, 0, 400));
    }

    function transmit(uint256 seed, uint16 bitmap, int256 base, uint8 absent) external {
        uint8 group = ids[seed % 2];
        Draft memory d = draft(group, keys[group], 0, row(0));
        d.bitmap = uint16(bitmap % (1 << keys[group].length));
        d.timestamp = uint32(block.timestamp + 15 - bound(seed >> 8, 0, 330));
        if (seed >> 16 & 7 == 0) d.round = uint32(bound(seed >> 24, 0, 5));
        uint256 signed = 0;
        for (uint256 place = 0; place < keys[group].length; ++place) {
            if ((d.bitmap >> place) & 1 == 0) continue;
            ++signed;
            if (seed >> 20 & 3 == 0) d.senderPlace = uint8(place);
            d.answers[place] = new int256[](FEEDS);
            for (uint8 feed = 0; feed < FEEDS; ++feed) {
                bool none = uint256(keccak256(abi.encode(seed, place, feed))) % 8 < absent % 8;
                d.answers[place][feed] = none ? NONE : base % 1e15 + int256(place * 3 + feed);
            }
        }
        bytes memory reports = encode(d);
        bool paused = oracle.getGroup(group).paused;
        vm.prank(d.senderPlace == 0xff ? CARRIER : vm.addr(d.keys[d.senderPlace]));
        (bool ok,) = address(oracle).call(abi.encodeCall(oracle.transmit, (reports)));
        if (!ok) {
            ++refused;
            observe(group, 0);
            return;
        }
        ++accepted;
        if (paused) broken = "a paused group changed";
        if (signed < thresholds[group]) broken = "fewer than the threshold wrote";
        for (uint256 place = 0; place < keys[group].length; ++place) {
            if ((d.bitmap >> place) & 1 == 0) continue;
            for (uint8 feed = 0; feed < FEEDS; ++feed) {
                wasGiven[group][feed][d.answers[place][feed]] = true;
            }
        }
        observe(group, 1);
    }

    function pause(uint256 seed) external {
        uint8 group = ids[seed % 2];
        bool paused = oracle.getGroup(group).paused;
        vm.prank(paused ? ADMIN : GUARDIAN);
        if (paused) oracle.unpause(group);
        else if (seed % 3 == 0) oracle.pause(group);
        else oracle.grow(group, 0, 1);
        observe(group, 0);
    }

    function rotate(uint256 seed, uint8 threshold) external {
        uint8 group = ids[seed % 2];
        keys[group] = keysOf(bound(seed >> 8, 1, 5));
        thresholds[group] = uint8(bound(threshold, 1, keys[group].length));
        vm.prank(ADMIN);
        oracle.setSigners(group, addressesOf(keys[group]), thresholds[group]);
        observe(group, 0);
    }

    function breaker(uint256 seed, uint32 changeBps) external {
        uint8 group = ids[seed % 2];
        vm.prank(ADMIN);
        oracle.setBreaker(group, seed % 3 == 0 ? changeBps % 5_000 : 0, 100, 0);
        observe(group, 0);
    }

    /// @dev Compares a group with what was seen last: it may be ahead by `steps` rounds, no more and no less.
    function observe(uint8 group, uint32 steps) internal {
        IOracleAggregator.Group memory g = oracle.getGroup(group);
        Seen storage last = seen[group];
        if (g.round != last.round + steps) broken = "the round did not grow by one";
        if (steps == 0 && g.timestamp != last.timestamp) broken = "the time changed without a round";
        if (steps == 1 && g.timestamp <= last.timestamp) broken = "the signed time did not grow";
        if (g.timestamp > block.timestamp + MAX_AHEAD) broken = "the signed time is far ahead";
        for (uint8 feed = 0; feed < FEEDS; ++feed) {
            (int256 answer, uint256 round, uint256 updatedAt) = oracle.answerForFeed(group, feed);
            if (updatedAt > block.timestamp) broken = "a stored time is in the future";
            if (round > g.round) broken = "a feed is ahead of its group";
            if (round != 0 && !wasGiven[group][feed][answer]) broken = "an answer that no signer gave";
            if (round == g.round && round != 0 && updatedAt < last.updatedAt) broken = "a stored time went back";
            if (round == g.round && round != 0) last.updatedAt = updatedAt;
        }
        (last.round, last.timestamp) = (g.round, g.timestamp);
    }
}

contract InvariantsTest is Base {
    Handler internal handler;

    function setUp() public override {
        handler = new Handler();
        oracle = IAggregator(address(handler.aggregator()));
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @dev Round by one, times never back or ahead, answers of signers, the threshold, the pause.
    function invariant_noRuleWasBroken() public view {
        vm.assertEq(handler.broken(), "", "broken");
    }

    /// @dev While a present round is in the ring, no read of it reverts, and the proxy shows it as the aggregator does.
    function invariant_readsNeverRevertWhileAPresentRoundIsHeld() public {
        for (uint8 group = 1; group <= 2; ++group) {
            for (uint8 feed = 0; feed < 5; ++feed) {
                (, uint256 round,) = oracle.answerForFeed(group, feed);
                if (round == 0) continue;
                FeedProxy proxy = proxyOf(group, feed);
                (uint80 id, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredIn) =
                    proxy.latestRoundData();
                vm.assertTrue(id == round && answeredIn == id && startedAt == updatedAt, "consistent");
                if (uint256(oracle.getGroup(group).round) - round < (group == 1 ? 4 : 1)) {
                    (, int256 past,, uint256 pastTime,) = proxy.getRoundData(id);
                    vm.assertTrue(past == answer && pastTime == updatedAt, "the same by its round");
                }
            }
        }
    }

    /// @dev The runs do something: without this the rules above could hold because nothing ever happened.
    function test_theHandlerWritesRoundsAndIsRefused() public {
        for (uint256 i = 0; i < 40; ++i) {
            handler.pass(50 + i);
            handler.transmit(uint256(keccak256(abi.encode(i))), uint16(i * 7 + 3), int256(i) * 1e9, uint8(i % 3));
        }
        vm.assertTrue(handler.accepted() > 5 && handler.refused() > 5, "both happen");
        vm.assertEq(handler.broken(), "", "broken");
    }
}
