// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {FeedProxy} from "../src/FeedProxy.sol";
import {FeedProxyFactory} from "../src/FeedProxyFactory.sol";
import {IOracleAggregator} from "../src/interfaces/IOracleAggregator.sol";
import {Base, Draft} from "./support/Base.sol";
import {vm} from "./support/Vm.sol";

/// @dev What is read of rounds past and present, of feeds that go missing and come back, and through the proxies.
contract ReadsTest is Base {
    uint8 internal constant GROUP = 3;
    uint256[] internal keys;
    FeedProxy internal proxy;

    function setUp() public override {
        super.setUp();
        keys = keysOf(1);
        createGroup(GROUP, false, 2, keys, 1, 2);
        proxy = proxyOf(GROUP, 0);
    }

    /// @dev One round per second, from the block's time on.
    function publish(int256 first, int256 second) internal {
        send(draft(GROUP, keys, 1, row(first, second)));
        vm.warp(block.timestamp + 1);
    }

    function noData() internal pure returns (bytes memory) {
        return abi.encodeWithSignature("Error(string)", "No data present");
    }

    function test_beforeTheFirstRoundThereIsNoData() public {
        vm.expectRevert(noData());
        proxy.latestRoundData();
        vm.expectRevert(noData());
        proxy.getRoundData(0);
        vm.assertEq(proxy.latestAnswer(), 0, "answer");
        vm.assertEq(proxy.latestRound(), 0, "round");
        vm.assertEq(proxy.latestTimestamp(), 0, "time");
        vm.assertEq(proxy.getAnswer(1), 0, "answer of a round");
        vm.assertEq(proxy.getTimestamp(1), 0, "time of a round");
    }

    function test_theRingHoldsItsRoundsAndNoOthers() public {
        for (uint256 i = 1; i <= 11; ++i) {
            publish(int256(i * 100), 1);
            for (uint256 round = 0; round <= i + 5; ++round) {
                bool held = round > 0 && round <= i && i - round < 4;
                checkPast(GROUP, 0, round, held ? int256(round * 100) : int256(0), held ? START + round - 1 : 0);
                if (!held) {
                    vm.expectRevert(noData());
                    proxy.getRoundData(uint80(round));
                }
            }
        }
        vm.expectRevert(noData());
        proxy.getRoundData(type(uint80).max);
        // A Chainlink round id with a phase: not one of ours.
        vm.expectRevert(noData());
        proxy.getRoundData((uint80(1) << 64) | 11);
        vm.assertEq(proxy.getAnswer(type(uint256).max), 0, "far round");
        vm.assertEq(proxy.getAnswer((1 << 255) + 11), 0, "wrapped round");
    }

    function test_aRingOfOneRoundHoldsTheLast() public {
        createGroup(4, true, 0, keys, 1, 3);
        for (int256 i = 1; i <= 3; ++i) {
            send(draft(4, keys, 1, row(i, i == 2 ? NONE : i, i)));
            vm.warp(block.timestamp + 1);
        }
        checkState(4, 1, 3, 3, START + 2);
        checkPast(4, 0, 3, 3, START + 2);
        checkPast(4, 0, 2, 0, 0);
    }

    function test_aMissingFeedReadsItsLastPresentRoundHoweverLongTheGap() public {
        publish(1, 10);
        publish(2, 20);
        for (int256 i = 3; i < 40; ++i) {
            publish(i, NONE);
            checkState(GROUP, 0, i, uint256(i), START + uint256(i) - 1);
            checkState(GROUP, 1, 20, 2, START + 1);
        }
        FeedProxy second = proxyOf(GROUP, 1);
        (uint80 round, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredIn) =
            second.latestRoundData();
        vm.assertEq(round, 2, "round");
        vm.assertEq(answer, 20, "answer");
        vm.assertEq(startedAt, START + 1, "started");
        vm.assertEq(updatedAt, START + 1, "updated");
        vm.assertEq(answeredIn, 2, "answered in");
        vm.expectRevert(noData());
        second.getRoundData(39);

        publish(40, 30);
        checkState(GROUP, 1, 30, 40, START + 39);
        publish(41, NONE);
        checkState(GROUP, 1, 30, 40, START + 39);
        checkPast(GROUP, 1, 41, 0, 0);
        checkPast(GROUP, 1, 40, 30, START + 39);
    }

    function test_allFeedsMayBeMissing() public {
        publish(1, 2);
        publish(NONE, NONE);
        checkState(GROUP, 0, 1, 1, START);
        checkState(GROUP, 1, 2, 1, START);
        vm.assertEq(oracle.getGroup(GROUP).round, 2, "round");
    }

    function test_aMissingNegativeWideAnswerIsKeptWhole() public {
        createGroup(4, true, 1, keys, 1, 3);
        int256 low = int256(type(int112).min) + 1;
        send(draft(4, keys, 1, row(low, type(int112).max, -1)));
        vm.warp(START + 5);
        send(draft(4, keys, 1, row(NONE, NONE, NONE)));
        checkState(4, 0, low, 1, START);
        checkState(4, 1, type(int112).max, 1, START);
        checkState(4, 2, -1, 1, START);
    }

    function test_snapshotShowsWhatEachFeedReads() public {
        publish(1, 10);
        publish(2, NONE);
        vm.prank(ADMIN);
        oracle.addFeeds(GROUP, infos(1));
        (IOracleAggregator.Group memory header, IOracleAggregator.FeedState[] memory feeds) = oracle.snapshot(GROUP);
        vm.assertEq(header.round, 2, "round");
        vm.assertEq(header.timestamp, START + 1, "timestamp");
        vm.assertEq(feeds.length, 3, "feeds");
        for (uint8 i = 0; i < 3; ++i) {
            (int256 answer, uint256 round, uint256 updatedAt) = oracle.answerForFeed(GROUP, i);
            vm.assertEq(feeds[i].answer, answer, "answer");
            vm.assertEq(feeds[i].round, round, "round");
            vm.assertEq(feeds[i].updatedAt, updatedAt, "time");
        }
        vm.assertEq(feeds[1].round, 1, "missing");
        vm.assertEq(feeds[2].round, 0, "never");
    }

    // --------------------------------------------------------------------------------------------------- pre-warming

    function test_growingChangesNoReadAndMakesTheFirstPassCheap() public {
        createGroup(4, false, 2, keys, 1, 2);
        publish(1, 2);
        vm.expectEmit(address(oracle));
        emit IOracleAggregator.RingGrown(GROUP, 0, 4, 3);
        vm.prank(STRANGER);
        oracle.grow(GROUP, 0, 4);
        checkState(GROUP, 0, 1, 1, START);
        for (uint256 round = 0; round < 8; ++round) {
            if (round != 1) checkPast(GROUP, 0, round, 0, 0);
        }
        vm.expectEmit(address(oracle));
        emit IOracleAggregator.RingGrown(GROUP, 1, 3, 0);
        oracle.grow(GROUP, 1, 3);

        // Feed 1 is missing in the round after the pre-warmed slots: nothing may be parked from them.
        publish(3, NONE);
        checkState(GROUP, 1, 2, 1, START);
        publish(4, NONE);
        checkState(GROUP, 1, 2, 1, START);

        // The same round in a group with and without: 17,100 less, the price of a fresh slot over one in use.
        Draft memory cold = draft(4, keys, 1, row(3, 4));
        uint256 coldGas = gasOf(encode(cold));
        oracle.grow(4, 0, 4);
        vm.warp(block.timestamp + 1);
        uint256 warmGas = gasOf(encode(draft(4, keys, 1, row(3, 4))));
        vm.assertTrue(coldGas > warmGas + 15_000, "cheaper");
    }

    function gasOf(bytes memory reports) internal returns (uint256 used) {
        used = gasleft();
        oracle.transmit(reports);
        used -= gasleft();
    }

    function test_aPreWarmedGroupHasNoDataBeforeItsFirstRound() public {
        oracle.grow(GROUP, 0, 4);
        checkState(GROUP, 0, 0, 0, 0);
        publish(NONE, 7);
        checkState(GROUP, 0, 0, 0, 0);
        checkState(GROUP, 1, 7, 1, START);
    }

    function test_growingBeyondTheRingIsRefused() public {
        vm.expectRevert(abi.encodeWithSelector(IOracleAggregator.RingRangeInvalid.selector, GROUP, 5, 4));
        oracle.grow(GROUP, 4, 1);
        vm.expectRevert(
            abi.encodeWithSelector(IOracleAggregator.RingRangeInvalid.selector, GROUP, uint256(type(uint32).max) * 2, 4)
        );
        oracle.grow(GROUP, type(uint32).max, type(uint32).max);
    }

    function test_growFillsEveryWordOfAWideGroup() public {
        createGroup(4, true, 1, keys, 1, 5);
        vm.expectEmit(address(oracle));
        emit IOracleAggregator.RingGrown(4, 0, 2, 6);
        oracle.grow(4, 0, 2);
    }

    // ------------------------------------------------------------------------------------------------------- proxies

    function test_theProxySpeaksBothInterfaces() public {
        publish(-7, 1);
        publish(8, 1);
        (uint80 round, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredIn) = proxy.latestRoundData();
        vm.assertEq(round, 2, "round");
        vm.assertEq(answer, 8, "answer");
        vm.assertEq(startedAt, START + 1, "started");
        vm.assertEq(updatedAt, START + 1, "updated");
        vm.assertEq(answeredIn, 2, "answered in");
        (round, answer, startedAt, updatedAt, answeredIn) = proxy.getRoundData(1);
        vm.assertEq(round, 1, "round");
        vm.assertEq(answer, -7, "answer");
        vm.assertEq(startedAt, START, "started");
        vm.assertEq(updatedAt, START, "updated");
        vm.assertEq(answeredIn, 1, "answered in");
        vm.assertEq(proxy.latestAnswer(), 8, "latest answer");
        vm.assertEq(proxy.latestRound(), 2, "latest round");
        vm.assertEq(proxy.latestTimestamp(), START + 1, "latest time");
        vm.assertEq(proxy.getAnswer(1), -7, "answer of a round");
        vm.assertEq(proxy.getTimestamp(1), START, "time of a round");
        vm.assertEq(proxy.decimals(), 8, "decimals");
        vm.assertEq(proxy.description(), "ETH / USD", "description");
        vm.assertEq(proxy.version(), 1, "version");
        vm.assertEq(address(proxy.aggregator()), address(oracle), "aggregator");
        vm.assertEq(proxy.group(), GROUP, "group");
        vm.assertEq(proxy.feed(), 0, "feed");
    }

    function test_theFactoryDeploysEachProxyOnceAtTheAddressForetold() public {
        FeedProxyFactory factory = new FeedProxyFactory(oracle);
        address foretold = factory.proxyAddress(GROUP, 1);
        vm.assertEq(foretold.code.length, 0, "not yet");
        vm.expectEmit(address(factory));
        emit FeedProxyFactory.FeedProxyDeployed(GROUP, 1, foretold);
        vm.prank(STRANGER);
        vm.assertEq(factory.deploy(GROUP, 1), foretold, "address");
        vm.recordLogs();
        vm.assertEq(factory.deploy(GROUP, 1), foretold, "again");
        vm.assertEq(vm.getRecordedLogs().length, 0, "no second event");
        vm.assertEq(FeedProxy(foretold).feed(), 1, "feed");
        vm.assertTrue(factory.proxyAddress(GROUP, 0) != foretold, "another feed, another address");
        vm.expectRevert();
        factory.deploy(GROUP, 2);
    }

    function testFuzz_descriptionsComeBackWhole(uint8 decimals, bytes32 text, uint256 length) public {
        length = bound(length, 1, 31);
        bytes memory description = new bytes(length);
        for (uint256 i = 0; i < length; ++i) {
            description[i] = text[i] == 0 ? bytes1("x") : text[i];
        }
        IOracleAggregator.FeedInfo[] memory list = new IOracleAggregator.FeedInfo[](1);
        list[0] = IOracleAggregator.FeedInfo({decimals: decimals % 37, description: string(description)});
        vm.prank(ADMIN);
        oracle.addFeeds(GROUP, list);
        FeedProxy added = proxyOf(GROUP, 2);
        vm.assertEq(bytes(added.description()), description, "description");
        vm.assertEq(added.decimals(), decimals % 37, "decimals");
    }
}
