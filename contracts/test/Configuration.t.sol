// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {
    IAccessControlDefaultAdminRules
} from "@openzeppelin/contracts/access/extensions/IAccessControlDefaultAdminRules.sol";
import {IOracleAggregator} from "../src/interfaces/IOracleAggregator.sol";
import {Base, Draft, IAggregator} from "./support/Base.sol";
import {vm} from "./support/Vm.sol";

/// @dev Who may configure what, what is refused, and what each change leaves in the logs.
contract ConfigurationTest is Base {
    uint8 internal constant GROUP = 3;
    uint256[] internal keys;

    function setUp() public override {
        super.setUp();
        keys = keysOf(3);
        createGroup(GROUP, false, 3, keys, 2, 2);
    }

    // ------------------------------------------------------------------------------------------------------- roles

    function test_onlyTheAdminConfigures() public {
        bytes[] memory calls = new bytes[](7);
        calls[0] = abi.encodeCall(oracle.createGroup, (9, false, 0, addressesOf(keys), 2, infos(1)));
        calls[1] = abi.encodeCall(oracle.addFeeds, (GROUP, infos(1)));
        calls[2] = abi.encodeCall(oracle.setSigners, (GROUP, addressesOf(keys), 1));
        calls[3] = abi.encodeCall(oracle.setBreaker, (GROUP, 100, 0, 0));
        calls[4] = abi.encodeCall(oracle.releaseBreaker, (GROUP, 0));
        calls[5] = abi.encodeCall(oracle.unpause, (GROUP));
        calls[6] = abi.encodeCall(oracle.grantRole, (oracle.GUARDIAN_ROLE(), STRANGER));
        for (uint256 i = 0; i < calls.length; ++i) {
            address sender = i % 2 == 0 ? STRANGER : GUARDIAN;
            vm.prank(sender);
            (bool ok, bytes memory error) = address(oracle).call(calls[i]);
            vm.assertTrue(!ok, "taken");
            vm.assertEq(
                error,
                abi.encodeWithSelector(IAccessControl.AccessControlUnauthorizedAccount.selector, sender, bytes32(0)),
                "error"
            );
        }
    }

    function test_guardianAndAdminPauseAndNobodyElse() public {
        bytes32 role = oracle.GUARDIAN_ROLE();
        vm.expectRevert(
            abi.encodeWithSelector(IAccessControl.AccessControlUnauthorizedAccount.selector, STRANGER, role)
        );
        vm.prank(STRANGER);
        oracle.pause(GROUP);

        vm.expectEmit(address(oracle));
        emit IOracleAggregator.GroupPaused(GROUP, GUARDIAN);
        vm.prank(GUARDIAN);
        oracle.pause(GROUP);
        vm.assertTrue(oracle.getGroup(GROUP).paused, "paused");
        vm.expectRevert(abi.encodeWithSelector(IOracleAggregator.AlreadyPaused.selector, GROUP));
        vm.prank(ADMIN);
        oracle.pause(GROUP);

        vm.expectEmit(address(oracle));
        emit IOracleAggregator.GroupUnpaused(GROUP, ADMIN);
        vm.prank(ADMIN);
        oracle.unpause(GROUP);
        vm.expectRevert(abi.encodeWithSelector(IOracleAggregator.NotPaused.selector, GROUP));
        vm.prank(ADMIN);
        oracle.unpause(GROUP);
        vm.prank(ADMIN);
        oracle.pause(GROUP);
        vm.assertTrue(oracle.getGroup(GROUP).paused, "paused by the admin");
    }

    function test_theAdminIsHandedOverInTwoStepsAfterTheDelay() public {
        vm.prank(ADMIN);
        oracle.beginDefaultAdminTransfer(STRANGER);
        vm.assertEq(oracle.defaultAdmin(), ADMIN, "not yet");
        vm.expectRevert(
            abi.encodeWithSelector(
                IAccessControlDefaultAdminRules.AccessControlEnforcedDefaultAdminDelay.selector, START + 1 days
            )
        );
        vm.prank(STRANGER);
        oracle.acceptDefaultAdminTransfer();
        vm.warp(START + 1 days + 1);
        vm.expectRevert(
            abi.encodeWithSelector(IAccessControlDefaultAdminRules.AccessControlInvalidDefaultAdmin.selector, GUARDIAN)
        );
        vm.prank(GUARDIAN);
        oracle.acceptDefaultAdminTransfer();
        vm.prank(STRANGER);
        oracle.acceptDefaultAdminTransfer();
        vm.assertEq(oracle.defaultAdmin(), STRANGER, "handed over");
        vm.assertTrue(!oracle.hasRole(bytes32(0), ADMIN), "old admin");
    }

    function test_theAdminRoleCannotBeGrantedBesides() public {
        vm.expectRevert(
            abi.encodeWithSelector(IAccessControlDefaultAdminRules.AccessControlEnforcedDefaultAdminRules.selector)
        );
        vm.prank(ADMIN);
        oracle.grantRole(bytes32(0), STRANGER);
    }

    function test_guardiansComeAndGo() public {
        bytes32 role = oracle.GUARDIAN_ROLE();
        vm.prank(ADMIN);
        oracle.grantRole(role, STRANGER);
        vm.prank(ADMIN);
        oracle.revokeRole(role, GUARDIAN);
        vm.prank(STRANGER);
        oracle.pause(GROUP);
        vm.prank(ADMIN);
        oracle.unpause(GROUP);
        vm.expectRevert(
            abi.encodeWithSelector(IAccessControl.AccessControlUnauthorizedAccount.selector, GUARDIAN, role)
        );
        vm.prank(GUARDIAN);
        oracle.pause(GROUP);
    }

    // ----------------------------------------------------------------------------------------------------- groups

    function test_creatingAGroupTellsAllOfIt() public {
        address[] memory signers = addressesOf(keys);
        vm.expectEmit(address(oracle));
        emit IOracleAggregator.GroupCreated(200, true, 15);
        vm.expectEmit(address(oracle));
        emit IOracleAggregator.FeedsAdded(200, 0, infos(32));
        vm.expectEmit(address(oracle));
        emit IOracleAggregator.SignersSet(200, 3, signers, oracle.hashSigners(signers));
        vm.prank(ADMIN);
        oracle.createGroup(200, true, 15, signers, 3, infos(32));

        IOracleAggregator.Group memory g = oracle.getGroup(200);
        vm.assertEq(g.round, 0, "round");
        vm.assertEq(g.timestamp, 0, "timestamp");
        vm.assertEq(g.threshold, 3, "threshold");
        vm.assertEq(g.signers, 3, "signers");
        vm.assertEq(g.feeds, 32, "feeds");
        vm.assertEq(g.ringBits, 15, "ring");
        vm.assertTrue(g.wide && !g.paused && !g.breaker, "flags");
        vm.assertEq(
            bytes32(g.signersHash),
            bytes32(bytes20(uint160(uint256(keccak256(abi.encodePacked(signers[0], signers[1], signers[2])))))),
            "hash"
        );
    }

    function refused(bytes memory call, bytes memory error) internal {
        vm.prank(ADMIN);
        (bool ok, bytes memory got) = address(oracle).call(call);
        vm.assertTrue(!ok, "taken");
        vm.assertEq(got, error, "error");
    }

    function test_refusesGroupIdsRingsAndFeedCountsOutOfRange() public {
        address[] memory signers = addressesOf(keys);
        refused(
            abi.encodeCall(oracle.createGroup, (0, false, 0, signers, 1, infos(1))),
            abi.encodeWithSelector(IOracleAggregator.GroupIdZero.selector)
        );
        refused(
            abi.encodeCall(oracle.createGroup, (GROUP, true, 0, signers, 1, infos(1))),
            abi.encodeWithSelector(IOracleAggregator.GroupExists.selector, GROUP)
        );
        refused(
            abi.encodeCall(oracle.createGroup, (9, false, 16, signers, 1, infos(1))),
            abi.encodeWithSelector(IOracleAggregator.RingTooLarge.selector, 16, 15)
        );
        refused(
            abi.encodeCall(oracle.createGroup, (9, false, 0, signers, 1, infos(0))),
            abi.encodeWithSelector(IOracleAggregator.FeedCountInvalid.selector, 9, 0, 32)
        );
        refused(
            abi.encodeCall(oracle.createGroup, (9, false, 0, signers, 1, infos(33))),
            abi.encodeWithSelector(IOracleAggregator.FeedCountInvalid.selector, 9, 33, 32)
        );
        refused(
            abi.encodeCall(oracle.addFeeds, (GROUP, infos(31))),
            abi.encodeWithSelector(IOracleAggregator.FeedCountInvalid.selector, GROUP, 33, 32)
        );
        refused(
            abi.encodeCall(oracle.addFeeds, (GROUP, infos(0))),
            abi.encodeWithSelector(IOracleAggregator.FeedCountInvalid.selector, GROUP, 2, 32)
        );
    }

    function test_refusesSetsThatAreUnsortedDuplicateEmptyOrTooLarge() public {
        address[] memory list = addressesOf(keys);
        (list[0], list[1]) = (list[1], list[0]);
        refused(
            abi.encodeCall(oracle.setSigners, (GROUP, list, 1)),
            abi.encodeWithSelector(IOracleAggregator.SignersNotAscending.selector, GROUP, 1, list[1], list[0])
        );
        list[1] = list[0];
        refused(
            abi.encodeCall(oracle.setSigners, (GROUP, list, 1)),
            abi.encodeWithSelector(IOracleAggregator.SignersNotAscending.selector, GROUP, 1, list[0], list[0])
        );
        list[0] = address(0);
        refused(
            abi.encodeCall(oracle.setSigners, (GROUP, list, 1)),
            abi.encodeWithSelector(IOracleAggregator.SignersNotAscending.selector, GROUP, 0, address(0), address(0))
        );
        refused(
            abi.encodeCall(oracle.setSigners, (GROUP, new address[](0), 1)),
            abi.encodeWithSelector(IOracleAggregator.SignerCountInvalid.selector, GROUP, 0, 16)
        );
        refused(
            abi.encodeCall(oracle.setSigners, (GROUP, addressesOf(keysOf(17)), 1)),
            abi.encodeWithSelector(IOracleAggregator.SignerCountInvalid.selector, GROUP, 17, 16)
        );
    }

    function test_refusesThresholdsOfZeroAndAboveTheSet() public {
        address[] memory list = addressesOf(keys);
        refused(
            abi.encodeCall(oracle.setSigners, (GROUP, list, 0)),
            abi.encodeWithSelector(IOracleAggregator.ThresholdInvalid.selector, GROUP, 0, 3)
        );
        refused(
            abi.encodeCall(oracle.createGroup, (9, false, 0, list, 4, infos(1))),
            abi.encodeWithSelector(IOracleAggregator.ThresholdInvalid.selector, 9, 4, 3)
        );
    }

    function test_refusesDecimalsAndDescriptionsThatDoNotFit() public {
        IOracleAggregator.FeedInfo[] memory list = infos(1);
        list[0].decimals = 37;
        refused(
            abi.encodeCall(oracle.addFeeds, (GROUP, list)),
            abi.encodeWithSelector(IOracleAggregator.DecimalsTooLarge.selector, 37, 36)
        );
        list[0].decimals = 36;
        string[3] memory bad = ["", "this description has 32 letters!", string(abi.encodePacked("a", bytes1(0), "b"))];
        for (uint256 i = 0; i < 3; ++i) {
            list[0].description = bad[i];
            refused(
                abi.encodeCall(oracle.addFeeds, (GROUP, list)),
                abi.encodeWithSelector(IOracleAggregator.DescriptionInvalid.selector, bad[i])
            );
        }
        list[0].description = "this one has 31 letters exactly";
        vm.prank(ADMIN);
        oracle.addFeeds(GROUP, list);
        vm.assertEq(oracle.feedInfo(GROUP, 2).description, "this one has 31 letters exactly", "description");
        vm.assertEq(oracle.feedInfo(GROUP, 2).decimals, 36, "decimals");
    }

    function test_everythingRefusesAGroupThatDoesNotExist() public {
        bytes memory error = abi.encodeWithSelector(IOracleAggregator.GroupUnknown.selector, 9);
        refused(abi.encodeCall(oracle.addFeeds, (9, infos(1))), error);
        refused(abi.encodeCall(oracle.setSigners, (9, addressesOf(keys), 1)), error);
        refused(abi.encodeCall(oracle.setBreaker, (9, 1, 1, 1)), error);
        refused(abi.encodeCall(oracle.releaseBreaker, (9, 0)), error);
        refused(abi.encodeCall(oracle.pause, (9)), error);
        refused(abi.encodeCall(oracle.unpause, (9)), error);
        refused(abi.encodeCall(oracle.grow, (9, 0, 1)), error);
        refused(abi.encodeCall(oracle.getGroup, (9)), error);
        refused(abi.encodeCall(oracle.snapshot, (9)), error);
        refused(abi.encodeCall(oracle.getBreaker, (9)), error);
        bytes memory feed = abi.encodeWithSelector(IOracleAggregator.FeedUnknown.selector, 9, 0, 0);
        refused(abi.encodeCall(oracle.answerForFeed, (9, 0)), feed);
        refused(abi.encodeCall(oracle.answerOfRound, (9, 0, 1)), feed);
        refused(abi.encodeCall(oracle.feedInfo, (9, 0)), feed);
    }

    function test_readsRefuseAFeedOutOfRange() public {
        bytes memory error = abi.encodeWithSelector(IOracleAggregator.FeedUnknown.selector, GROUP, 2, 2);
        refused(abi.encodeCall(oracle.answerForFeed, (GROUP, 2)), error);
        refused(abi.encodeCall(oracle.answerOfRound, (GROUP, 2, 1)), error);
        refused(abi.encodeCall(oracle.feedInfo, (GROUP, 2)), error);
    }

    // --------------------------------------------------------------------------------------- while feeds are running

    function test_rotatingSignersKeepsReadsAndRefusesReportsOfTheOldSet() public {
        send(draft(GROUP, keys, 2, row(1, 2)));
        vm.warp(START + 10);
        Draft memory signedBefore = draft(GROUP, keys, 2, row(3, 4));
        uint256[] memory next = keysOf(5);
        vm.prank(ADMIN);
        oracle.setSigners(GROUP, addressesOf(next), 3);
        checkState(GROUP, 0, 1, 1, START);
        checkState(GROUP, 1, 2, 1, START);
        // In a set of another size the report has another length.
        expectRefused(signedBefore, abi.encodeWithSelector(IOracleAggregator.ReportsTruncated.selector, 188, 228));
        send(draft(GROUP, next, 3, row(5, 6)));
        checkState(GROUP, 0, 5, 2, START + 10);
    }

    function test_aSetOfTheSameSizeRefusesTheOldOnesReports() public {
        uint256[] memory others = keysOf(4);
        uint256[] memory next = new uint256[](3);
        (next[0], next[1], next[2]) = (others[0], others[1], others[2]);
        if (next[2] == keys[2]) next[2] = others[3];
        vm.prank(ADMIN);
        oracle.setSigners(GROUP, addressesOf(next), 2);
        bool same = next[0] == keys[0] && next[1] == keys[1] && next[2] == keys[2];
        vm.assertTrue(!same, "the sets differ");
        expectRefused(
            draft(GROUP, keys, 2, row(3, 4)),
            abi.encodeWithSelector(
                IOracleAggregator.SignersMismatch.selector,
                GROUP,
                oracle.hashSigners(addressesOf(keys)),
                oracle.hashSigners(addressesOf(next))
            )
        );
        send(draft(GROUP, next, 2, row(3, 4)));
    }

    function test_changingTheThresholdAloneTakesEffectAtOnce() public {
        vm.prank(ADMIN);
        oracle.setSigners(GROUP, addressesOf(keys), 1);
        send(draft(GROUP, keys, 1, row(3, 4)));
        vm.prank(ADMIN);
        oracle.setSigners(GROUP, addressesOf(keys), 3);
        vm.warp(START + 1);
        expectRefused(
            draft(GROUP, keys, 2, row(3, 4)),
            abi.encodeWithSelector(IOracleAggregator.ThresholdNotMet.selector, GROUP, 2, 3)
        );
    }

    function test_addingFeedsKeepsReadsAndBeginsTheNewOnesEmpty() public {
        for (uint256 i = 0; i < 12; ++i) {
            send(draft(GROUP, keys, 2, row(1, 2)));
            vm.warp(block.timestamp + 1);
        }
        Draft memory signedBefore = draft(GROUP, keys, 2, row(3, 4));
        // Past the end of the first word: feeds 2 and 3 in it, feed 4 in a second one, never written.
        vm.prank(ADMIN);
        oracle.addFeeds(GROUP, infos(3));
        checkState(GROUP, 0, 1, 12, START + 11);
        checkPast(GROUP, 1, 6, 2, START + 5);
        for (uint8 feed = 2; feed < 5; ++feed) {
            checkState(GROUP, feed, 0, 0, 0);
            checkPast(GROUP, feed, 12, 0, 0);
        }
        bytes memory reports = encode(signedBefore);
        vm.expectRevert();
        oracle.transmit(reports);

        int256[] memory five = new int256[](5);
        (five[0], five[1], five[2], five[3], five[4]) = (6, 7, 8, NONE, 10);
        send(draft(GROUP, keys, 2, five));
        checkState(GROUP, 0, 6, 13, START + 12);
        checkState(GROUP, 2, 8, 13, START + 12);
        checkState(GROUP, 3, 0, 0, 0);
        checkState(GROUP, 4, 10, 13, START + 12);
        checkPast(GROUP, 4, 12, 0, 0);
    }

    // -------------------------------------------------------------------------------------------------- deployment

    function test_theDomainIsThatOfTheChainAndTheContract() public {
        (bytes1 fields, string memory name, string memory version, uint256 chain, address target, bytes32 salt,) =
            oracle.eip712Domain();
        vm.assertEq(bytes32(fields), bytes32(hex"0f"), "fields");
        vm.assertEq(name, "OracleAggregator", "name");
        vm.assertEq(version, "1", "version");
        vm.assertEq(chain, block.chainid, "chain");
        vm.assertEq(target, address(oracle), "contract");
        vm.assertEq(salt, bytes32(0), "salt");
        vm.chainId(777);
        (,,, chain,,,) = oracle.eip712Domain();
        vm.assertEq(chain, 777, "chain after a fork");
        // A report signed for the chain's new id is taken.
        send(draft(GROUP, keys, 2, row(3, 4)));
    }

    function test_limitsAreReadableAndTheAgeIsNotZero() public {
        vm.assertEq(oracle.maxReportAge(), MAX_AGE, "age");
        vm.assertEq(oracle.maxAhead(), MAX_AHEAD, "ahead");
        bytes memory code = abi.encodePacked(
            vm.getCode("OracleAggregator.sol:OracleAggregator"), abi.encode(ADMIN, GUARDIAN, uint48(0), 0, 1)
        );
        (bool ok, bytes memory error) = address(this).call(abi.encodeCall(this.deploy, (code)));
        vm.assertTrue(!ok && bytes4(error) == IOracleAggregator.MaxReportAgeZero.selector, "age zero");
    }

    function test_withoutAGuardianNobodyHasTheRole() public {
        bytes memory code = abi.encodePacked(
            vm.getCode("OracleAggregator.sol:OracleAggregator"), abi.encode(ADMIN, address(0), uint48(0), 1, 0)
        );
        IAggregator other = IAggregator(this.deploy(code));
        vm.assertTrue(!other.hasRole(other.GUARDIAN_ROLE(), address(0)), "zero has no role");
    }

    function deploy(bytes calldata code) external returns (address deployed) {
        bytes memory copy = code;
        assembly ("memory-safe") {
            deployed := create(0, add(copy, 0x20), mload(copy))
            if iszero(deployed) {
                returndatacopy(mload(0x40), 0, returndatasize())
                revert(mload(0x40), returndatasize())
            }
        }
    }

    function test_interfacesAreDeclared() public view {
        vm.assertTrue(oracle.supportsInterface(type(IAccessControl).interfaceId), "roles");
        vm.assertTrue(oracle.supportsInterface(type(IAccessControlDefaultAdminRules).interfaceId), "admin rules");
    }
}
