// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IOracleAggregator} from "../src/interfaces/IOracleAggregator.sol";
import {Base, Draft} from "./support/Base.sol";
import {Vm, vm} from "./support/Vm.sol";

/// @dev What `transmit` takes and stores, and one test per reason to refuse.
contract TransmitTest is Base {
    uint8 internal constant GROUP = 3;
    uint256[] internal keys;

    function setUp() public override {
        super.setUp();
        keys = keysOf(3);
        createGroup(GROUP, false, 3, keys, 2, 2);
    }

    function good() internal view returns (Draft memory) {
        return draft(GROUP, keys, 2, row(100e8, -5));
    }

    // ---------------------------------------------------------------------------------------------------- accepted

    function test_storesTheLowerMedianOfThoseWhoSigned() public {
        Draft memory d = good();
        d.bitmap = 7;
        d.answers[0] = row(30, -1);
        d.answers[1] = row(10, -3);
        d.answers[2] = row(20, -2);
        send(d);
        checkState(GROUP, 0, 20, 1, START);
        checkState(GROUP, 1, -2, 1, START);
    }

    function test_ofTwoAnswersTheSmallerOneIsStored() public {
        Draft memory d = good();
        d.answers[0] = row(30, -3);
        d.answers[1] = row(10, -1);
        send(d);
        checkState(GROUP, 0, 10, 1, START);
        checkState(GROUP, 1, -3, 1, START);
    }

    function test_aSignerWhoSendsNeedsNoSignature() public {
        Draft memory d = good();
        d.bitmap = 6;
        d.senderPlace = 2;
        d.answers[2] = row(7, 8);
        d.answers[1] = row(9, 6);
        send(d);
        checkState(GROUP, 0, 7, 1, START);
        checkState(GROUP, 1, 6, 1, START);
    }

    function test_aFeedWithFewerPresentAnswersThanTheThresholdGetsNone() public {
        Draft memory d = good();
        d.answers[0] = row(NONE, 4);
        d.answers[1] = row(5, 6);
        send(d);
        checkState(GROUP, 0, 0, 0, 0);
        checkState(GROUP, 1, 4, 1, START);
    }

    function test_missingAnswersDoNotMoveTheMedianOfThePresentOnes() public {
        Draft memory d = good();
        d.bitmap = 7;
        d.answers[0] = row(NONE, 4);
        d.answers[1] = row(5, NONE);
        d.answers[2] = row(6, -6);
        send(d);
        checkState(GROUP, 0, 5, 1, START);
        checkState(GROUP, 1, -6, 1, START);
    }

    function test_extremesOfTheLaneAreAnswers() public {
        int256 top = type(int56).max;
        int256 bottom = int256(type(int56).min) + 1;
        send(draft(GROUP, keys, 2, row(top, bottom)));
        checkState(GROUP, 0, top, 1, START);
        checkState(GROUP, 1, bottom, 1, START);
    }

    function test_emitsOneDecodableEventPerReport() public {
        createGroup(4, true, 0, keysOf(1), 1, 3);
        Draft memory a = good();
        Draft memory b = draft(4, keysOf(1), 1, row(1e18, NONE, -1e18));
        bytes memory reports = abi.encodePacked(encode(a), encode(b));
        vm.recordLogs();
        vm.prank(CARRIER);
        oracle.transmit(reports);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(logs.length, 2, "events");
        for (uint256 i = 0; i < 2; ++i) {
            Draft memory d = i == 0 ? a : b;
            vm.assertEq(logs[i].topics.length, 2, "topics");
            vm.assertEq(logs[i].topics[0], IOracleAggregator.RoundStored.selector, "selector");
            vm.assertEq(logs[i].topics[1], bytes32(uint256(d.group)), "group");
            // Byte by byte what the compiler's own encoder gives.
            vm.assertEq(
                logs[i].data, abi.encode(bytes12(headOf(d)), CARRIER, encodeAnswers(d.answers[0], d.wide)), "data"
            );
        }
    }

    function test_theEventHasTheCompilersBytesForEveryNumberOfFeeds() public {
        uint256[] memory one = keysOf(1);
        for (uint256 i = 0; i < 64; ++i) {
            bool wide = i >= 32;
            uint8 group = uint8(100 + i);
            int256[] memory answers = new int256[](i % 32 + 1);
            for (uint256 f = 0; f < answers.length; ++f) {
                answers[f] = f % 5 == 4 ? NONE : int256(f * 1e8) - 3e8;
            }
            createGroup(group, wide, 0, one, 1, answers.length);
            Draft memory d = draft(group, one, 1, answers);
            vm.recordLogs();
            send(d);
            vm.assertEq(
                vm.getRecordedLogs()[0].data,
                abi.encode(bytes12(headOf(d)), CARRIER, encodeAnswers(answers, wide)),
                "data"
            );
        }
    }

    function test_aReportDatedAheadIsReadAtTheBlocksTime() public {
        Draft memory d = good();
        d.timestamp += MAX_AHEAD;
        send(d);
        checkState(GROUP, 0, 100e8, 1, START);
        vm.assertEq(oracle.getGroup(GROUP).timestamp, START + MAX_AHEAD, "signed time");
    }

    function test_aReportOfTheGreatestAgeIsTaken() public {
        Draft memory d = good();
        d.timestamp -= MAX_AGE;
        send(d);
        checkState(GROUP, 0, 100e8, 1, START - MAX_AGE);
    }

    function test_oneGroupCanHaveTwoRoundsInOneTransaction() public {
        Draft memory a = good();
        Draft memory b = good();
        b.round = 2;
        b.timestamp += 1;
        b.answers[0] = b.answers[1] = row(1, 2);
        oracle.transmit(abi.encodePacked(encode(a), encode(b)));
        checkState(GROUP, 0, 1, 2, START);
        checkPast(GROUP, 0, 1, 100e8, START);
    }

    function test_theLargestReportFits() public {
        uint256[] memory all = keysOf(16);
        createGroup(9, true, 0, all, 16, 32);
        int256[] memory answers = new int256[](32);
        for (uint256 i = 0; i < 32; ++i) {
            answers[i] = int256(i) * 1e18;
        }
        send(draft(9, all, 16, answers));
        checkState(9, 31, 31e18, 1, START);
    }

    // ----------------------------------------------------------------------------------------------------- refused

    function test_refusesNothing() public {
        vm.expectRevert(abi.encodeWithSelector(IOracleAggregator.ReportsTruncated.selector, 0, 12));
        oracle.transmit("");
    }

    function test_refusesAGroupThatDoesNotExist() public {
        Draft memory d = good();
        d.group = 77;
        expectRefused(d, abi.encodeWithSelector(IOracleAggregator.GroupUnknown.selector, 77));
        d.group = 0;
        expectRefused(d, abi.encodeWithSelector(IOracleAggregator.GroupUnknown.selector, 0));
    }

    function test_refusesAPausedGroup() public {
        vm.prank(GUARDIAN);
        oracle.pause(GROUP);
        expectRefused(good(), abi.encodeWithSelector(IOracleAggregator.GroupIsPaused.selector, GROUP));
        vm.prank(ADMIN);
        oracle.unpause(GROUP);
        send(good());
    }

    function test_refusesARoundThatIsNotTheNext() public {
        send(good());
        vm.warp(START + 1);
        Draft memory d = good();
        for (uint32 round = 0; round < 4; ++round) {
            d.round = round;
            if (round != 2) {
                expectRefused(d, abi.encodeWithSelector(IOracleAggregator.RoundNotNext.selector, GROUP, round, 2));
            }
        }
    }

    function test_refusesATimeThatIsNotNewer() public {
        send(good());
        expectRefused(good(), abi.encodeWithSelector(IOracleAggregator.TimestampNotNewer.selector, GROUP, START, START));
        Draft memory d = good();
        d.timestamp -= 1;
        expectRefused(d, abi.encodeWithSelector(IOracleAggregator.TimestampNotNewer.selector, GROUP, START - 1, START));
    }

    function test_refusesAnOldReport() public {
        Draft memory d = good();
        d.timestamp -= MAX_AGE + 1;
        expectRefused(
            d,
            abi.encodeWithSelector(IOracleAggregator.ReportTooOld.selector, GROUP, START - MAX_AGE - 1, START - MAX_AGE)
        );
    }

    function test_refusesAReportFarAhead() public {
        Draft memory d = good();
        d.timestamp += MAX_AHEAD + 1;
        expectRefused(
            d,
            abi.encodeWithSelector(
                IOracleAggregator.ReportAhead.selector, GROUP, START + MAX_AHEAD + 1, START + MAX_AHEAD
            )
        );
    }

    function test_refusesBitsBeyondTheSet() public {
        Draft memory d = good();
        for (uint16 bit = 3; bit < 16; ++bit) {
            d.bitmap = uint16(3 | (1 << bit));
            expectRefused(d, abi.encodeWithSelector(IOracleAggregator.BitmapBeyondSigners.selector, GROUP, d.bitmap, 3));
        }
    }

    function test_refusesASenderWhoseBitIsNotSet() public {
        bytes memory reports = encode(good());
        for (uint256 place = 2; place < 255; ++place) {
            reports[11] = bytes1(uint8(place));
            vm.expectRevert(abi.encodeWithSelector(IOracleAggregator.SenderNotInBitmap.selector, GROUP, place, 3));
            vm.prank(CARRIER);
            oracle.transmit(reports);
        }
    }

    function test_refusesFewerSignersThanTheThreshold() public {
        Draft memory d = good();
        for (uint16 bitmap = 0; bitmap < 3; ++bitmap) {
            d.bitmap = bitmap;
            expectRefused(
                d, abi.encodeWithSelector(IOracleAggregator.ThresholdNotMet.selector, GROUP, bitmap == 0 ? 0 : 1, 2)
            );
        }
    }

    function test_refusesTheMirrorOfASignature() public {
        bytes memory reports = encode(good());
        (, uint256 vs) = wordsAt(reports, 12);
        // n - s has 256 bits, but for a few, and the short form holds 255: what is left of it is another signature.
        uint256 s = ORDER - (vs & (type(uint256).max >> 1));
        putWord(reports, 44, (s & (type(uint256).max >> 1)) | (~vs & (1 << 255)));
        (bool ok, bytes memory error) = address(oracle).call(abi.encodeCall(oracle.transmit, (reports)));
        vm.assertTrue(!ok && bytes4(error) == IOracleAggregator.SignersMismatch.selector, "mirror");
    }

    function test_theGreatestLowSIsNotHigh() public {
        // Half the order itself is low: the refusal is that of the set, not of the signature. One more is high.
        bytes memory reports = encode(good());
        putWord(reports, 44, ORDER / 2);
        (bool ok, bytes memory error) = address(oracle).call(abi.encodeCall(oracle.transmit, (reports)));
        vm.assertTrue(!ok && bytes4(error) == IOracleAggregator.SignersMismatch.selector, "low");
        putWord(reports, 44, ORDER / 2 + 1);
        (ok, error) = address(oracle).call(abi.encodeCall(oracle.transmit, (reports)));
        vm.assertTrue(!ok && bytes4(error) == IOracleAggregator.SignatureMalformed.selector, "high");
    }

    function test_refusesASignatureOfNobody() public {
        bytes memory reports = encode(good());
        putWord(reports, 12, 0);
        (, uint256 vs) = wordsAt(reports, 12);
        vm.expectRevert(abi.encodeWithSelector(IOracleAggregator.SignatureMalformed.selector, GROUP, 0, 0, vs));
        oracle.transmit(reports);
    }

    function test_refusesASignerOutsideTheSet() public {
        Draft memory d = good();
        d.keys = keysOf(4);
        uint256 outsider = d.keys[3];
        d.keys = keysOf(3);
        d.keys[1] = outsider;
        expectRefused(
            d,
            abi.encodeWithSelector(
                IOracleAggregator.SignersMismatch.selector,
                GROUP,
                oracle.hashSigners(addressesOf(d.keys)),
                oracle.hashSigners(addressesOf(keys))
            )
        );
    }

    function test_refusesEveryTruncation() public {
        bytes memory whole = encode(good());
        for (uint256 length = 0; length < whole.length; ++length) {
            bytes memory cut = new bytes(length);
            for (uint256 i = 0; i < length; ++i) {
                cut[i] = whole[i];
            }
            (bool ok, bytes memory error) = address(oracle).call(abi.encodeCall(oracle.transmit, (cut)));
            vm.assertTrue(!ok, "taken");
            vm.assertEq(bytes32(bytes4(error)), IOracleAggregator.ReportsTruncated.selector, "error");
        }
        oracle.transmit(whole);
    }

    function test_refusesBytesLeftOver() public {
        bytes memory whole = encode(good());
        bytes memory more = whole;
        for (uint256 extra = 1; extra < 12; ++extra) {
            more = abi.encodePacked(more, bytes1(0));
            vm.expectRevert(abi.encodeWithSelector(IOracleAggregator.ReportsTruncated.selector, extra, 12));
            oracle.transmit(more);
        }
        // From twelve on they are read as a report.
        vm.expectRevert(abi.encodeWithSelector(IOracleAggregator.GroupUnknown.selector, 0));
        oracle.transmit(abi.encodePacked(more, bytes1(0)));
    }

    function test_oneRefusedReportRefusesAll() public {
        createGroup(4, false, 0, keysOf(1), 1, 1);
        Draft memory b = draft(4, keysOf(1), 1, row(1));
        b.round = 9;
        bytes memory reports = abi.encodePacked(encode(good()), encode(b));
        vm.expectRevert(abi.encodeWithSelector(IOracleAggregator.RoundNotNext.selector, 4, 9, 1));
        oracle.transmit(reports);
        vm.assertEq(oracle.getGroup(GROUP).round, 0, "round");
    }

    function wordsAt(bytes memory data, uint256 at) internal pure returns (bytes32 a, uint256 b) {
        assembly ("memory-safe") {
            a := mload(add(add(data, 0x20), at))
            b := mload(add(add(data, 0x40), at))
        }
    }

    function putWord(bytes memory data, uint256 at, uint256 word) internal pure {
        assembly ("memory-safe") {
            mstore(add(add(data, 0x20), at), word)
        }
    }
}
