// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {
    IAccessControlDefaultAdminRules
} from "@openzeppelin/contracts/access/extensions/IAccessControlDefaultAdminRules.sol";
import {FeedProxy} from "../../src/FeedProxy.sol";
import {IOracleAggregator} from "../../src/interfaces/IOracleAggregator.sol";
import {vm} from "./Vm.sol";

/// @dev What the tests call on the aggregator: its interface, its roles and its constant.
interface IAggregator is IOracleAggregator, IAccessControlDefaultAdminRules {
    function grantRole(bytes32 role, address account) external;
    function revokeRole(bytes32 role, address account) external;
    function hasRole(bytes32 role, address account) external view returns (bool);
    function GUARDIAN_ROLE() external view returns (bytes32);
    function supportsInterface(bytes4 id) external view returns (bool);
    function eip712Domain()
        external
        view
        returns (bytes1, string memory, string memory, uint256, address, bytes32, uint256[] memory);
}

/// @dev What a test hands to the encoder: the answers of each place, and what may be wrong with the report.
struct Draft {
    uint8 group;
    uint32 round;
    uint32 timestamp;
    bool wide;
    /// Private keys of the signer set, in its order.
    uint256[] keys;
    /// Bit i: place i signs.
    uint16 bitmap;
    /// 0xff: the sender is no signer.
    uint8 senderPlace;
    /// answers[place][feed]; `NONE` for no answer. Rows of places that do not sign are not read.
    int256[][] answers;
}

/// @dev Deploys, signs and encodes. The encoding is written a second time here, byte by byte, apart from the contract's.
abstract contract Base {
    /// @dev Stands for *no answer* in a test's tables.
    int256 internal constant NONE = type(int256).min;
    uint256 internal constant START = 1_700_000_000;
    uint32 internal constant MAX_AGE = 300;
    uint32 internal constant MAX_AHEAD = 10;
    uint256 internal constant ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;

    address internal constant ADMIN = address(0xAD);
    address internal constant GUARDIAN = address(0x6A);
    address internal constant STRANGER = address(0x57);
    /// @dev Transmits, and is not a signer.
    address internal constant CARRIER = address(0xCA);

    IAggregator internal oracle;

    function setUp() public virtual {
        vm.warp(START);
        oracle = deployAggregator();
    }

    function deployAggregator() internal returns (IAggregator) {
        return IAggregator(
            create(
                abi.encodePacked(
                    vm.getCode("OracleAggregator.sol:OracleAggregator"),
                    abi.encode(ADMIN, GUARDIAN, uint48(1 days), MAX_AGE, MAX_AHEAD)
                )
            )
        );
    }

    function create(bytes memory code) internal returns (address deployed) {
        assembly ("memory-safe") {
            deployed := create(0, add(code, 0x20), mload(code))
        }
        require(deployed != address(0), "deployment failed");
    }

    // ----------------------------------------------------------------------------------------------- signer sets

    /// @dev `count` keys whose addresses ascend.
    function keysOf(uint256 count) internal pure returns (uint256[] memory keys) {
        keys = new uint256[](count);
        for (uint256 i = 0; i < count; ++i) {
            keys[i] = uint256(keccak256(abi.encode("signer", i)));
        }
        for (uint256 i = 1; i < count; ++i) {
            for (uint256 j = i; j > 0 && vm.addr(keys[j - 1]) > vm.addr(keys[j]); --j) {
                (keys[j - 1], keys[j]) = (keys[j], keys[j - 1]);
            }
        }
    }

    function addressesOf(uint256[] memory keys) internal pure returns (address[] memory list) {
        list = new address[](keys.length);
        for (uint256 i = 0; i < keys.length; ++i) {
            list[i] = vm.addr(keys[i]);
        }
    }

    function infos(uint256 count) internal pure returns (IOracleAggregator.FeedInfo[] memory list) {
        list = new IOracleAggregator.FeedInfo[](count);
        for (uint256 i = 0; i < count; ++i) {
            list[i] = IOracleAggregator.FeedInfo({decimals: 8, description: "ETH / USD"});
        }
    }

    function createGroup(uint8 group, bool wide, uint8 ringBits, uint256[] memory keys, uint8 threshold, uint256 feeds)
        internal
    {
        vm.prank(ADMIN);
        oracle.createGroup(group, wide, ringBits, addressesOf(keys), threshold, infos(feeds));
    }

    // --------------------------------------------------------------------------------------------------- reports

    /// @dev A report of the first `threshold` signers, next round, at the block's time, all with the same answers.
    function draft(uint8 group, uint256[] memory keys, uint256 signed, int256[] memory answers)
        internal
        view
        returns (Draft memory d)
    {
        IOracleAggregator.Group memory g = oracle.getGroup(group);
        d.group = group;
        d.round = g.round + 1;
        d.timestamp = uint32(block.timestamp);
        d.wide = g.wide;
        d.keys = keys;
        d.bitmap = uint16((1 << signed) - 1);
        d.senderPlace = 0xff;
        d.answers = new int256[][](keys.length);
        for (uint256 i = 0; i < signed; ++i) {
            d.answers[i] = answers;
        }
    }

    function encodeAnswers(int256[] memory answers, bool wide) internal pure returns (bytes memory out) {
        for (uint256 i = 0; i < answers.length; ++i) {
            out = wide
                ? abi.encodePacked(out, answers[i] == NONE ? type(int112).min : int112(answers[i]))
                : abi.encodePacked(out, answers[i] == NONE ? type(int56).min : int56(answers[i]));
        }
    }

    function digestOf(address target, Draft memory d, bytes memory answers) internal view returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("OracleAggregator"),
                keccak256("1"),
                block.chainid,
                target
            )
        );
        bytes32 report = keccak256(
            abi.encode(
                keccak256("Report(uint8 group,uint32 round,uint32 timestamp,bytes answers)"),
                d.group,
                d.round,
                d.timestamp,
                keccak256(answers)
            )
        );
        return keccak256(abi.encodePacked(hex"1901", domain, report));
    }

    function signatureOf(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, uint256(s) | (uint256(v - 27) << 255));
    }

    function headOf(Draft memory d) internal pure returns (bytes memory) {
        return abi.encodePacked(d.group, d.round, d.timestamp, d.bitmap, d.senderPlace);
    }

    function encode(Draft memory d) internal view returns (bytes memory out) {
        out = headOf(d);
        for (uint256 place = 0; place < d.keys.length; ++place) {
            if ((d.bitmap >> place) & 1 == 0) {
                out = abi.encodePacked(out, vm.addr(d.keys[place]));
                continue;
            }
            bytes memory answers = encodeAnswers(d.answers[place], d.wide);
            if (place != d.senderPlace) {
                out = abi.encodePacked(out, signatureOf(d.keys[place], digestOf(address(oracle), d, answers)));
            }
            out = abi.encodePacked(out, answers);
        }
    }

    /// @dev Transmits from the sender's place, or from the carrier.
    function send(Draft memory d) internal {
        bytes memory reports = encode(d);
        vm.prank(d.senderPlace == 0xff ? CARRIER : vm.addr(d.keys[d.senderPlace]));
        oracle.transmit(reports);
    }

    function expectRefused(Draft memory d, bytes memory error) internal {
        bytes memory reports = encode(d);
        address sender = d.senderPlace == 0xff ? CARRIER : vm.addr(d.keys[d.senderPlace]);
        vm.expectRevert(error);
        vm.prank(sender);
        oracle.transmit(reports);
    }

    // ---------------------------------------------------------------------------------------------------- tables

    function row(int256 a) internal pure returns (int256[] memory r) {
        r = new int256[](1);
        r[0] = a;
    }

    function row(int256 a, int256 b) internal pure returns (int256[] memory r) {
        r = new int256[](2);
        (r[0], r[1]) = (a, b);
    }

    function row(int256 a, int256 b, int256 c) internal pure returns (int256[] memory r) {
        r = new int256[](3);
        (r[0], r[1], r[2]) = (a, b, c);
    }

    // ---------------------------------------------------------------------------------------------------- checks

    function checkState(uint8 group, uint8 feed, int256 answer, uint256 round, uint256 updatedAt) internal view {
        (int256 a, uint256 r, uint256 t) = oracle.answerForFeed(group, feed);
        vm.assertEq(a, answer, "latest answer");
        vm.assertEq(r, round, "latest round");
        vm.assertEq(t, updatedAt, "latest time");
    }

    function checkPast(uint8 group, uint8 feed, uint256 round, int256 answer, uint256 updatedAt) internal view {
        (int256 a, uint256 r, uint256 t) = oracle.answerOfRound(group, feed, round);
        vm.assertEq(a, answer, "past answer");
        vm.assertEq(r, updatedAt == 0 ? 0 : round, "past round");
        vm.assertEq(t, updatedAt, "past time");
    }

    function proxyOf(uint8 group, uint8 feed) internal returns (FeedProxy) {
        return new FeedProxy(oracle, group, feed);
    }

    /// @dev A number from `low` to `high`.
    function bound(uint256 seed, uint256 low, uint256 high) internal pure returns (uint256) {
        return low + seed % (high - low + 1);
    }
}
