// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IOracleAggregator} from "../src/interfaces/IOracleAggregator.sol";
import {Base, Draft, IAggregator} from "./support/Base.sol";
import {vm} from "./support/Vm.sol";

/// @dev Forwards a call, so that the sender is a contract.
contract Forwarder {
    function forward(address target, bytes calldata data) external {
        (bool ok, bytes memory error) = target.call(data);
        if (!ok) {
            assembly ("memory-safe") {
                revert(add(error, 0x20), mload(error))
            }
        }
    }
}

/// @dev What an attacker would try. Reentrancy is not among them: `transmit` calls nobody but the precompile at address
/// 1, which runs no code of anyone's; no function hands control to another contract.
contract AttacksTest is Base {
    uint8 internal constant GROUP = 3;
    uint256[] internal keys;

    function setUp() public override {
        super.setUp();
        keys = keysOf(3);
        createGroup(GROUP, false, 3, keys, 2, 1);
    }

    function good() internal view returns (Draft memory) {
        return draft(GROUP, keys, 2, row(100e8));
    }

    /// @dev Recovered from signatures over something else, the addresses are not the set.
    function refusedAsForeign(bytes memory reports) internal {
        (bool ok, bytes memory error) = address(oracle).call(abi.encodeCall(oracle.transmit, (reports)));
        vm.assertTrue(!ok, "taken");
        vm.assertEq(bytes32(bytes4(error)), IOracleAggregator.SignersMismatch.selector, "error");
    }

    // ------------------------------------------------------------------------------------------------------ replays

    function test_replayOnAnotherChain() public {
        bytes memory reports = encode(good());
        uint256 home = block.chainid;
        vm.chainId(home + 1);
        refusedAsForeign(reports);
        vm.chainId(home);
        oracle.transmit(reports);
    }

    function test_replayOnAnotherContract() public {
        bytes memory reports = encode(good());
        IAggregator first = oracle;
        oracle = deployAggregator();
        createGroup(GROUP, false, 3, keys, 2, 1);
        refusedAsForeign(reports);
        oracle = first;
        oracle.transmit(reports);
    }

    function test_replayInAnotherGroup() public {
        createGroup(4, false, 3, keys, 2, 1);
        bytes memory reports = encode(good());
        reports[0] = bytes1(uint8(4));
        refusedAsForeign(reports);
    }

    function test_replayInTheSameRoundAndInAnother() public {
        bytes memory reports = encode(good());
        oracle.transmit(reports);
        vm.expectRevert(abi.encodeWithSelector(IOracleAggregator.RoundNotNext.selector, GROUP, 1, 2));
        oracle.transmit(reports);
        vm.warp(START + 1);
        reports[4] = bytes1(uint8(2));
        vm.expectRevert(abi.encodeWithSelector(IOracleAggregator.TimestampNotNewer.selector, GROUP, START, START));
        oracle.transmit(reports);
    }

    function test_replayAtAnotherTime() public {
        bytes memory reports = encode(good());
        oracle.transmit(reports);
        vm.warp(START + 1);
        Draft memory d = good();
        reports = abi.encodePacked(d.group, d.round, d.timestamp, d.bitmap, d.senderPlace, tail(reports));
        refusedAsForeign(reports);
    }

    function tail(bytes memory reports) internal pure returns (bytes memory rest) {
        rest = new bytes(reports.length - 12);
        for (uint256 i = 0; i < rest.length; ++i) {
            rest[i] = reports[i + 12];
        }
    }

    function test_signaturesOverOtherAnswers() public {
        bytes memory reports = encode(good());
        uint256 answerAt = 12 + 64 + 6;
        reports[answerAt] = bytes1(uint8(reports[answerAt]) ^ 1);
        refusedAsForeign(reports);
    }

    function test_aNarrowReportIsNotAWideOne() public {
        createGroup(4, true, 3, keys, 2, 1);
        Draft memory d = draft(4, keys, 2, row(1));
        d.wide = false;
        bytes memory reports = encode(d);
        vm.expectRevert();
        oracle.transmit(reports);
    }

    // -------------------------------------------------------------------------------------------------- signer games

    function test_aStrangerWhoNamesASignersPlace() public {
        for (uint8 place = 0; place < 2; ++place) {
            Draft memory d = good();
            d.senderPlace = place;
            bytes memory reports = encode(d);
            refusedAsForeignFrom(reports, STRANGER);
        }
    }

    function test_aSignerWhoNamesAnothersPlace() public {
        Draft memory d = good();
        d.senderPlace = 1;
        refusedAsForeignFrom(encode(d), vm.addr(keys[0]));
    }

    function test_aForwarderIsNotTheSignerBehindIt() public {
        Forwarder forwarder = new Forwarder();
        Draft memory d = good();
        d.senderPlace = 0;
        bytes memory call = abi.encodeCall(oracle.transmit, (encode(d)));
        vm.prank(vm.addr(keys[0]));
        vm.expectRevert();
        forwarder.forward(address(oracle), call);
        forwarder.forward(address(oracle), abi.encodeCall(oracle.transmit, (encode(good()))));
        checkState(GROUP, 0, 100e8, 1, START);
    }

    function refusedAsForeignFrom(bytes memory reports, address sender) internal {
        vm.prank(sender);
        refusedAsForeign(reports);
    }

    function test_oneSignatureTwiceFillsOnePlace() public {
        Draft memory d = good();
        d.keys[1] = d.keys[0];
        refusedAsForeign(encode(d));
    }

    function test_signersInAnotherOrder() public {
        Draft memory d = good();
        (d.keys[0], d.keys[1]) = (d.keys[1], d.keys[0]);
        refusedAsForeign(encode(d));
    }

    function test_aNonSignersAddressReplaced() public {
        bytes memory reports = encode(good());
        reports[reports.length - 1] = bytes1(uint8(reports[reports.length - 1]) ^ 1);
        refusedAsForeign(reports);
    }

    function test_theZeroAddressIsNoSigner() public {
        // A signature that recovers nothing would read as address zero, which no set can hold.
        bytes memory reports = encode(good());
        for (uint256 i = 12; i < 12 + 64; ++i) {
            reports[i] = 0;
        }
        vm.expectRevert(
            abi.encodeWithSelector(IOracleAggregator.SignatureMalformed.selector, GROUP, 0, bytes32(0), bytes32(0))
        );
        oracle.transmit(reports);
    }

    // ---------------------------------------------------------------------------------------------------- time games

    function test_reportsDatedAheadGiveNoMoreRoundsThanTheWindowHasSeconds() public {
        Draft memory d = good();
        uint256 stored = 0;
        for (uint32 ahead = 0; ahead < 3 * MAX_AHEAD; ++ahead) {
            d.round = uint32(stored + 1);
            d.timestamp = uint32(START) + ahead;
            (bool ok,) = address(oracle).call(abi.encodeCall(oracle.transmit, (encode(d))));
            if (ok) ++stored;
        }
        vm.assertEq(stored, uint256(MAX_AHEAD) + 1, "rounds in one block");
        (,, uint256 updatedAt) = oracle.answerForFeed(GROUP, 0);
        vm.assertEq(updatedAt, START, "never in the future");
        // And the window does not move with what is stored.
        d.round = uint32(stored + 1);
        d.timestamp = uint32(START) + MAX_AHEAD;
        vm.expectRevert(
            abi.encodeWithSelector(IOracleAggregator.TimestampNotNewer.selector, GROUP, d.timestamp, START + MAX_AHEAD)
        );
        oracle.transmit(encode(d));
    }

    function test_aLongGapCostsAReaderNoMoreThanAShortOne() public {
        createGroup(4, false, 3, keysOf(1), 1, 2);
        send(draft(4, keysOf(1), 1, row(1, 2)));
        uint256[2] memory cost;
        for (uint256 i = 1; i <= 200; ++i) {
            vm.warp(START + i);
            send(draft(4, keysOf(1), 1, row(1, NONE)));
            if (i == 2 || i == 200) {
                uint256 before = gasleft();
                oracle.answerForFeed(4, 1);
                cost[i == 2 ? 0 : 1] = before - gasleft();
            }
        }
        vm.assertEq(cost[0], cost[1], "gas");
        checkState(4, 1, 2, 1, START);
    }

    // ------------------------------------------------------------------------------------------------------ griefing

    function test_aGrieferWhoTransmitsFirstOnlyPaysForTheRound() public {
        bytes memory reports = encode(good());
        vm.prank(STRANGER);
        oracle.transmit(reports);
        checkState(GROUP, 0, 100e8, 1, START);
        vm.expectRevert(abi.encodeWithSelector(IOracleAggregator.RoundNotNext.selector, GROUP, 1, 2));
        vm.prank(CARRIER);
        oracle.transmit(reports);
    }

    function test_aGrieferCannotMoveABatchsOtherGroupsOutOfReach() public {
        createGroup(4, false, 3, keys, 2, 1);
        bytes memory a = encode(good());
        bytes memory b = encode(draft(4, keys, 2, row(7)));
        vm.prank(STRANGER);
        oracle.transmit(a);
        vm.expectRevert();
        oracle.transmit(abi.encodePacked(a, b));
        oracle.transmit(b);
        checkState(4, 0, 7, 1, START);
    }

    function test_aReportForAGroupWithoutSignersOrFeedsCannotExist() public {
        // Group 200 was never created: no signers, no feeds, threshold 0. Its emptiest report is refused.
        bytes memory empty = abi.encodePacked(uint8(200), uint32(1), uint32(START), uint16(0), uint8(0xff));
        vm.expectRevert(abi.encodeWithSelector(IOracleAggregator.GroupUnknown.selector, 200));
        oracle.transmit(empty);
    }

    function test_groupsDoNotShareStorage() public {
        uint8[4] memory ids = [1, 2, 254, 255];
        for (uint256 i = 0; i < 4; ++i) {
            createGroup(ids[i], true, 15, keys, 1, 32);
        }
        int256[] memory answers = new int256[](32);
        for (uint256 i = 0; i < 4; ++i) {
            for (uint256 f = 0; f < 32; ++f) {
                answers[f] = int256(uint256(ids[i])) * 1000 + int256(f);
            }
            send(draft(ids[i], keys, 1, answers));
        }
        for (uint256 i = 0; i < 4; ++i) {
            for (uint8 f = 0; f < 32; ++f) {
                checkState(ids[i], f, int256(uint256(ids[i])) * 1000 + int256(uint256(f)), 1, START);
            }
        }
        vm.assertEq(oracle.defaultAdmin(), ADMIN, "roles");
        vm.assertEq(oracle.getGroup(GROUP).round, 0, "another group");
    }

    /// @dev Anything at all: nothing but a valid report ever changes a group.
    function testFuzz_garbageChangesNothing(bytes calldata garbage, bool plausible) public {
        bytes memory reports = plausible ? abi.encodePacked(encodeHead(), garbage) : garbage;
        bytes32 header = vm.load(address(oracle), bytes32((uint256(1) << 48) | (uint256(GROUP) << 40)));
        vm.assertTrue(header != 0, "the header is where the layout says");
        (bool ok,) = address(oracle).call(abi.encodeCall(oracle.transmit, (reports)));
        vm.assertTrue(!ok, "taken");
        vm.assertEq(vm.load(address(oracle), bytes32((uint256(1) << 48) | (uint256(GROUP) << 40))), header, "header");
    }

    function encodeHead() internal view returns (bytes memory) {
        return headOf(good());
    }

    /// @dev One bit of a valid report flipped: refused, wherever it is.
    function testFuzz_anyFlippedBitIsRefused(uint256 seed) public {
        bytes memory reports = encode(good());
        uint256 bit = bound(seed, 0, reports.length * 8 - 1);
        reports[bit / 8] = bytes1(uint8(reports[bit / 8]) ^ uint8(1 << (bit % 8)));
        (bool ok,) = address(oracle).call(abi.encodeCall(oracle.transmit, (reports)));
        vm.assertTrue(!ok, "taken");
    }
}
