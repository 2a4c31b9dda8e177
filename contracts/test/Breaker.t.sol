// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {BreakerRule} from "../src/libraries/BreakerRule.sol";
import {IOracleAggregator} from "../src/interfaces/IOracleAggregator.sol";
import {Base} from "./support/Base.sol";
import {vm} from "./support/Vm.sol";

/// @dev The breaker: what it refuses, that the others go on, and the way back.
contract BreakerTest is Base {
    uint8 internal constant GROUP = 3;
    uint256[] internal keys;

    function setUp() public override {
        super.setUp();
        keys = keysOf(1);
        createGroup(GROUP, false, 3, keys, 1, 2);
        set(1_000, 600, 0);
    }

    function set(uint32 changeBps, uint32 growth, uint112 floor) internal {
        vm.prank(ADMIN);
        oracle.setBreaker(GROUP, changeBps, growth, floor);
    }

    function publish(int256 first, int256 second) internal {
        vm.warp(block.timestamp + 1);
        send(draft(GROUP, keys, 1, row(first, second)));
    }

    function test_aChangeUpToTheLimitIsStoredAndOneMoreIsNot() public {
        set(1_000, 0, 0);
        publish(1_000, 1_000);
        publish(1_100, 900);
        checkState(GROUP, 0, 1_100, 2, block.timestamp);
        checkState(GROUP, 1, 900, 2, block.timestamp);
        uint256 before = block.timestamp;
        vm.warp(before + 1);
        vm.expectEmit(address(oracle));
        emit IOracleAggregator.BreakerTripped(GROUP, 3, 0, 1_100, 1_211);
        send(draft(GROUP, keys, 1, row(1_211, 810)));
        checkState(GROUP, 0, 1_100, 2, before);
        checkState(GROUP, 1, 810, 3, before + 1);
        checkPast(GROUP, 0, 3, 0, 0);
    }

    function test_theLimitGrowsWithTheAgeOfTheLastPresentAnswer() public {
        publish(1_000, 1_000);
        uint256 first = block.timestamp;
        publish(1_101, 1_000);
        checkState(GROUP, 0, 1_000, 1, first);
        // 10 % and 6 % for each hour: 16 % after one hour, whatever rounds came between.
        vm.warp(first + 3600 - 1);
        publish(1_161, 1_000);
        checkState(GROUP, 0, 1_000, 1, first);
        vm.warp(first + 3600 + 9);
        publish(1_160, 1_000);
        checkState(GROUP, 0, 1_160, 4, first + 3610);
    }

    function test_itMeasuresAgainstTheParkedAnswerAcrossAGap() public {
        publish(1_000, 1_000);
        for (uint256 i = 0; i < 20; ++i) {
            publish(NONE, 1_000);
        }
        publish(2_000, 1_000);
        checkState(GROUP, 0, 1_000, 1, START + 1);
        publish(1_050, 1_000);
        checkState(GROUP, 0, 1_050, 23, block.timestamp);
    }

    function test_aFirstAnswerIsNotMeasured() public {
        publish(NONE, 5);
        publish(1_000_000, 5);
        checkState(GROUP, 0, 1_000_000, 2, block.timestamp);
    }

    function test_releasedByTheAdminTheNextPresentAnswerPassesOnce() public {
        publish(1_000, 1_000);
        publish(5_000, 5_000);
        checkState(GROUP, 0, 1_000, 1, START + 1);
        vm.expectEmit(address(oracle));
        emit IOracleAggregator.BreakerReleased(GROUP, 0, ADMIN);
        vm.prank(ADMIN);
        oracle.releaseBreaker(GROUP, 0);
        vm.assertEq(oracle.getBreaker(GROUP).released, 1, "released");
        publish(NONE, 1_000);
        vm.assertEq(oracle.getBreaker(GROUP).released, 1, "still released: there was no answer");
        publish(5_000, 5_000);
        checkState(GROUP, 0, 5_000, 4, block.timestamp);
        checkState(GROUP, 1, 1_000, 3, block.timestamp - 1);
        vm.assertEq(oracle.getBreaker(GROUP).released, 0, "used up");
        publish(50_000, 1_000);
        checkState(GROUP, 0, 5_000, 4, block.timestamp - 1);
    }

    function test_theFloorLetsSmallChangesPassAndZeroRecover() public {
        set(1, 0, 3);
        publish(0, 2);
        publish(3, 5);
        checkState(GROUP, 0, 3, 2, block.timestamp);
        checkState(GROUP, 1, 5, 2, block.timestamp);
        publish(7, 1);
        checkState(GROUP, 0, 3, 2, block.timestamp - 1);
        checkState(GROUP, 1, 5, 2, block.timestamp - 1);
    }

    function test_aChangeOfSignIsAChange() public {
        set(10_000, 0, 0);
        publish(100, -100);
        publish(-1, 1);
        checkState(GROUP, 0, 100, 1, block.timestamp - 1);
        checkState(GROUP, 1, -100, 1, block.timestamp - 1);
        publish(0, 0);
        checkState(GROUP, 0, 0, 3, block.timestamp);
        checkState(GROUP, 1, 0, 3, block.timestamp);
    }

    function test_switchedOffItRefusesNothingAndForgetsReleases() public {
        publish(1_000, 1_000);
        vm.prank(ADMIN);
        oracle.releaseBreaker(GROUP, 1);
        vm.expectEmit(address(oracle));
        emit IOracleAggregator.BreakerSet(GROUP, 0, 5, 5);
        set(0, 5, 5);
        vm.assertTrue(!oracle.getGroup(GROUP).breaker, "flag");
        IOracleAggregator.Breaker memory none = oracle.getBreaker(GROUP);
        vm.assertTrue(
            none.changeBps == 0 && none.growthBpsPerHour == 0 && none.floor == 0 && none.released == 0, "zero"
        );
        publish(9_000, 9_000);
        checkState(GROUP, 0, 9_000, 2, block.timestamp);
        vm.expectRevert(abi.encodeWithSelector(IOracleAggregator.BreakerNotSet.selector, GROUP));
        vm.prank(ADMIN);
        oracle.releaseBreaker(GROUP, 0);
    }

    function test_onlyAFeedThatExistsIsReleased() public {
        vm.expectRevert(abi.encodeWithSelector(IOracleAggregator.FeedUnknown.selector, GROUP, 2, 2));
        vm.prank(ADMIN);
        oracle.releaseBreaker(GROUP, 2);
    }

    function test_settingsComeBackWhole() public {
        set(type(uint32).max, type(uint32).max - 1, type(uint112).max - 2);
        IOracleAggregator.Breaker memory b = oracle.getBreaker(GROUP);
        vm.assertEq(b.changeBps, type(uint32).max, "change");
        vm.assertEq(b.growthBpsPerHour, type(uint32).max - 1, "growth");
        vm.assertEq(b.floor, type(uint112).max - 2, "floor");
        vm.assertTrue(oracle.getGroup(GROUP).breaker, "flag");
    }

    function test_aWideGroupWithARingOfOneRoundHoldsToItToo() public {
        createGroup(4, true, 0, keys, 1, 3);
        vm.prank(ADMIN);
        oracle.setBreaker(4, 100, 0, 0);
        send(draft(4, keys, 1, row(1e18, -1e18, 5e18)));
        vm.warp(START + 1);
        send(draft(4, keys, 1, row(1.01e18, -1.011e18, 5.06e18)));
        checkState(4, 0, 1.01e18, 2, START + 1);
        checkState(4, 1, -1e18, 1, START);
        checkState(4, 2, 5e18, 1, START);
    }

    /// @dev The rule against the same in plain checked arithmetic, divisions last.
    function testFuzz_theRuleIsThePlainOne(
        uint32 change,
        uint32 growth,
        uint112 floor,
        int112 last,
        int112 answer,
        uint32 age
    ) public pure {
        uint256 moved = uint256(answer > last ? int256(answer) - last : int256(last) - answer);
        uint256 size = uint256(last < 0 ? -int256(last) : int256(last));
        bool plain =
            moved > floor && moved * 36_000_000 > size * uint256(change) * 3600 + size * uint256(growth) * uint256(age);
        bool got = BreakerRule.refuses(BreakerRule.pack(change, growth, floor), last, answer, age);
        vm.assertTrue(got == plain, "rule");
    }
}
