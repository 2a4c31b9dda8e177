// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {AggregatorV2V3Interface} from "../src/interfaces/AggregatorV2V3Interface.sol";
import {FeedProxy} from "../src/FeedProxy.sol";
import {Base, Draft} from "./support/Base.sol";
import {vm} from "./support/Vm.sol";

/// @dev Reads a feed the way lending protocols with the strictest oracle adapters do: every sanity check that is seen in
/// the field, for the present and the previous round, a jump between the two, staleness, and scaling to 18 decimals.
contract StrictConsumer {
    AggregatorV2V3Interface internal immutable feed;
    uint256 internal immutable heartbeat;
    uint256 internal immutable maxJumpBps;

    error BadRound();
    error Stale();
    error Jumped();

    constructor(AggregatorV2V3Interface feed_, uint256 heartbeat_, uint256 maxJumpBps_) {
        (feed, heartbeat, maxJumpBps) = (feed_, heartbeat_, maxJumpBps_);
    }

    function price() external view returns (uint256) {
        (uint80 id, int256 now_, uint256 started, uint256 updated, uint80 answeredIn) = feed.latestRoundData();
        // Checked arithmetic: an update from the future would revert here.
        if (block.timestamp - updated > heartbeat) revert Stale();
        if (now_ <= 0 || id == 0 || answeredIn < id || started == 0 || started > updated) revert BadRound();
        (uint80 previousId, int256 before,, uint256 previousTime,) = feed.getRoundData(id - 1);
        if (previousId != id - 1 || before <= 0 || previousTime > updated || previousTime == 0) revert BadRound();
        uint256 jump = uint256(now_ > before ? now_ - before : before - now_);
        if (jump * 10_000 > uint256(before) * maxJumpBps) revert Jumped();
        return uint256(now_) * 10 ** (18 - feed.decimals());
    }
}

/// @dev Chainlink's uptime feed as L2 consumers read it: 0 is up, and `startedAt` says since when.
contract GracePeriodConsumer {
    AggregatorV2V3Interface internal immutable uptime;
    AggregatorV2V3Interface internal immutable feed;
    uint256 internal constant GRACE = 3600;

    error Down();
    error GracePeriodNotOver();

    constructor(AggregatorV2V3Interface uptime_, AggregatorV2V3Interface feed_) {
        (uptime, feed) = (uptime_, feed_);
    }

    function price() external view returns (int256 answer) {
        (, int256 status, uint256 startedAt,,) = uptime.latestRoundData();
        if (status != 0) revert Down();
        if (block.timestamp - startedAt <= GRACE) revert GracePeriodNotOver();
        (, answer,,,) = feed.latestRoundData();
    }
}

/// @dev The old interface, with `latestAnswer` and `latestTimestamp`, and a walk over past rounds for an average.
contract OldConsumer {
    AggregatorV2V3Interface internal immutable feed;

    constructor(AggregatorV2V3Interface feed_) {
        feed = feed_;
    }

    function average(uint256 rounds) external view returns (int256 sum) {
        uint256 last = feed.latestRound();
        require(feed.latestTimestamp() != 0 && feed.latestAnswer() != 0, "no price");
        for (uint256 i = 0; i < rounds; ++i) {
            require(feed.getTimestamp(last - i) != 0, "no round");
            sum += feed.getAnswer(last - i);
        }
        return sum / int256(rounds);
    }
}

contract ConsumersTest is Base {
    uint8 internal constant GROUP = 3;
    uint256[] internal keys;
    FeedProxy internal proxy;
    StrictConsumer internal strict;

    function setUp() public override {
        super.setUp();
        keys = keysOf(3);
        createGroup(GROUP, false, 3, keys, 2, 2);
        proxy = proxyOf(GROUP, 0);
        strict = new StrictConsumer(proxy, 60, 1_000);
    }

    function publish(int256 a, int256 b, uint32 ahead) internal {
        Draft memory d = draft(GROUP, keys, 2, row(a, b));
        d.timestamp += ahead;
        send(d);
    }

    function test_theStrictestConsumerReadsEveryRoundFromTheSecondOn() public {
        publish(2_000e8, 1, 0);
        for (uint256 i = 1; i < 30; ++i) {
            vm.warp(START + 30 * i);
            publish(2_000e8 + int256(i) * 1e8, 1, uint32(i % 11));
            vm.assertEq(strict.price(), (2_000e8 + i * 1e8) * 1e10, "price");
            vm.warp(START + 30 * i + 29);
            vm.assertEq(strict.price(), (2_000e8 + i * 1e8) * 1e10, "price later");
        }
    }

    function test_aReportDatedAheadNeverUnderflowsAConsumer() public {
        publish(2_000e8, 1, 0);
        vm.warp(START + 1);
        publish(2_000e8, 1, MAX_AHEAD);
        vm.assertEq(strict.price(), 2_000e18, "in the very block");
    }

    function test_stalenessShows() public {
        publish(2_000e8, 1, 0);
        vm.warp(START + 1);
        publish(2_000e8, 1, 0);
        vm.warp(START + 61);
        strict.price();
        vm.warp(START + 62);
        vm.expectRevert(abi.encodeWithSelector(StrictConsumer.Stale.selector));
        strict.price();
    }

    function test_aMissingFeedGoesStaleWhileItsCompanionGoesOn() public {
        publish(2_000e8, 1, 0);
        vm.warp(START + 1);
        publish(2_000e8, 1, 0);
        for (uint256 i = 1; i <= 4; ++i) {
            vm.warp(START + 1 + 15 * i);
            publish(NONE, 1, 0);
            vm.assertEq(strict.price(), 2_000e18, "the last present round");
        }
        vm.warp(START + 62);
        publish(NONE, 1, 0);
        vm.expectRevert(abi.encodeWithSelector(StrictConsumer.Stale.selector));
        strict.price();
    }

    function test_aJumpIsSeenBetweenTwoRounds() public {
        publish(2_000e8, 1, 0);
        vm.warp(START + 1);
        publish(2_201e8, 1, 0);
        vm.expectRevert(abi.encodeWithSelector(StrictConsumer.Jumped.selector));
        strict.price();
        vm.warp(START + 2);
        publish(2_300e8, 1, 0);
        vm.assertEq(strict.price(), 2_300e18, "one round later");
    }

    function test_theFirstRoundHasNoPreviousOne() public {
        publish(2_000e8, 1, 0);
        vm.expectRevert(abi.encodeWithSignature("Error(string)", "No data present"));
        strict.price();
    }

    function test_anUptimeFeedWithAGracePeriod() public {
        GracePeriodConsumer consumer = new GracePeriodConsumer(proxyOf(GROUP, 1), proxy);
        publish(2_000e8, 1, 0);
        vm.expectRevert(abi.encodeWithSelector(GracePeriodConsumer.Down.selector));
        consumer.price();
        vm.warp(START + 10);
        publish(2_000e8, 0, 0);
        vm.warp(START + 10 + 3600);
        vm.expectRevert(abi.encodeWithSelector(GracePeriodConsumer.GracePeriodNotOver.selector));
        consumer.price();
        vm.warp(START + 10 + 3601);
        vm.assertEq(consumer.price(), 2_000e8, "price");
    }

    function test_theOldInterfaceWalksBackThroughTheRing() public {
        OldConsumer consumer = new OldConsumer(proxy);
        for (uint256 i = 1; i <= 9; ++i) {
            vm.warp(START + i);
            publish(int256(i) * 10, 1, 0);
        }
        vm.assertEq(consumer.average(8), 55, "rounds 2 to 9");
        vm.expectRevert(abi.encodeWithSignature("Error(string)", "no round"));
        consumer.average(9);
    }
}
