// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Lanes} from "../src/libraries/Lanes.sol";
import {Header, HeaderLib} from "../src/libraries/Header.sol";
import {Base, Draft} from "./support/Base.sol";
import {Reference} from "./support/Reference.sol";
import {vm} from "./support/Vm.sol";

/// @dev The contract against a plain reference, over random groups, signers, answers, absences, orders and changes.
contract DifferentialTest is Base {
    uint8 internal constant GROUP = 7;

    struct Plan {
        bool wide;
        uint8 ringBits;
        uint256 signers;
        uint256 threshold;
        uint256 feeds;
        uint256 rounds;
    }

    uint256 internal entropy;
    uint256[] internal keys;
    Reference internal plain;

    function roll(uint256 low, uint256 high) internal returns (uint256) {
        entropy = uint256(keccak256(abi.encode(entropy)));
        return low + entropy % (high - low + 1);
    }

    /// forge-config: default.fuzz.runs = 192
    function testFuzz_smallGroupsAsTheReference(uint256 seed) public {
        entropy = seed;
        Plan memory p = Plan({
            wide: roll(0, 1) == 1,
            ringBits: uint8(roll(0, 2)),
            signers: roll(1, 4),
            threshold: 0,
            feeds: roll(1, 9),
            rounds: 7
        });
        run(p);
    }

    /// forge-config: default.fuzz.runs = 96
    function testFuzz_largeGroupsAsTheReference(uint256 seed) public {
        entropy = seed;
        Plan memory p = Plan({
            wide: roll(0, 1) == 1,
            ringBits: uint8(roll(0, 1)),
            signers: roll(5, 16),
            threshold: 0,
            feeds: roll(1, 32),
            rounds: 2
        });
        run(p);
    }

    function run(Plan memory p) internal {
        p.threshold = roll(1, p.signers);
        keys = keysOf(p.signers);
        createGroup(GROUP, p.wide, p.ringBits, keys, uint8(p.threshold), p.feeds);
        plain = new Reference(p.threshold, 1 << p.ringBits);
        for (uint256 i = 0; i < p.rounds; ++i) {
            change(p);
            step(p);
            compare(p);
        }
    }

    /// @dev Now and then something about the group changes.
    function change(Plan memory p) internal {
        uint256 what = roll(0, 9);
        if (what == 0 && p.feeds < 32) {
            vm.prank(ADMIN);
            oracle.addFeeds(GROUP, infos(1));
            ++p.feeds;
        } else if (what == 1) {
            p.threshold = roll(1, p.signers);
            vm.prank(ADMIN);
            oracle.setSigners(GROUP, addressesOf(keys), uint8(p.threshold));
            plain.setThreshold(p.threshold);
        } else if (what == 2) {
            uint32 bps = uint32(roll(0, 1) * roll(1, 20_000));
            uint32 growth = uint32(roll(0, 100_000));
            uint112 floor = uint112(roll(0, 100));
            vm.prank(ADMIN);
            oracle.setBreaker(GROUP, bps, growth, floor);
            plain.setBreaker(bps, growth, floor, p.feeds);
        } else if (what == 3 && oracle.getGroup(GROUP).breaker) {
            uint8 feed = uint8(roll(0, p.feeds - 1));
            vm.prank(ADMIN);
            oracle.releaseBreaker(GROUP, feed);
            plain.release(feed);
        } else if (what == 4) {
            oracle.grow(GROUP, 0, uint32(1 << p.ringBits));
        }
    }

    /// @dev One round: any set of signers that suffices, with or without a sender among them.
    function step(Plan memory p) internal {
        vm.warp(block.timestamp + roll(MAX_AHEAD + 1, 5_000));
        Draft memory d = draft(GROUP, keys, 0, row(0));
        d.timestamp = uint32(block.timestamp + MAX_AHEAD - roll(0, MAX_AHEAD + MAX_AGE / 100));
        uint256 signed = roll(p.threshold, p.signers);
        for (uint256 left = signed; left > 0;) {
            uint256 place = roll(0, p.signers - 1);
            if ((d.bitmap >> place) & 1 == 0) {
                d.bitmap |= uint16(1 << place);
                --left;
                if (roll(0, 3) == 0) d.senderPlace = uint8(place);
            }
        }
        int256[][] memory given = new int256[][](signed);
        uint256 at = 0;
        for (uint256 place = 0; place < p.signers; ++place) {
            if ((d.bitmap >> place) & 1 == 0) continue;
            d.answers[place] = given[at++] = randomAnswers(p);
        }
        send(d);
        plain.store(d.timestamp, given, p.feeds, NONE);
    }

    function randomAnswers(Plan memory p) internal returns (int256[] memory list) {
        list = new int256[](p.feeds);
        int256 top = p.wide ? int256(type(int112).max) : int256(type(int56).max);
        for (uint256 i = 0; i < list.length; ++i) {
            uint256 kind = roll(0, 9);
            if (kind == 0) list[i] = NONE;
            else if (kind == 1) list[i] = roll(0, 1) == 0 ? top : -top;
            else if (kind < 4) list[i] = int256(entropy) % (top + 1);
            else if (kind == 4) list[i] = int256(roll(0, 2)) - 1;
            else list[i] = 1_000_000 + int256(roll(0, 20_000));
        }
    }

    function compare(Plan memory p) internal view {
        for (uint8 feed = 0; feed < p.feeds; ++feed) {
            (bool found, int256 value, uint256 round, uint256 time) = plain.latest(feed);
            checkState(GROUP, feed, found ? value : int256(0), round, time);
            uint256 last = plain.round();
            for (uint256 r = last > 5 ? last - 5 : 0; r <= last + 1; ++r) {
                (found, value, time) = plain.at(feed, r);
                checkPast(GROUP, feed, r, found ? value : int256(0), time);
            }
        }
        vm.assertEq(oracle.getGroup(GROUP).round, plain.round(), "round");
        vm.assertEq(oracle.getGroup(GROUP).timestamp, plain.signedTime(), "signed time");
    }

    // ---------------------------------------------------------------------------------- lanes against plain compares

    function testFuzz_lanesAreOrderedAsTheirAnswersAre(uint256[3] memory words, bool wide, uint256 edges) public pure {
        Header header = HeaderLib.create(wide, 0);
        // Make lanes alike now and then, or *no answer*, or the extremes: random words hardly ever are.
        words[0] = edged(words[0], Lanes.signsOf(header), edges);
        words[1] =
            edged(edges & 64 == 0 ? words[1] : words[0] ^ (1 << (edges % 256)), Lanes.signsOf(header), edges >> 8);
        words[2] = edged(edges & 128 == 0 ? words[2] : words[1], Lanes.signsOf(header), edges >> 16);
        for (uint256 lane = 0; lane < Lanes.lanesOf(header); ++lane) {
            checkLane(words, header, lane);
        }
    }

    function checkLane(uint256[3] memory words, Header header, uint256 lane) internal pure {
        uint256 signs = Lanes.signsOf(header);
        uint256 bits = Lanes.bitsOf(header);
        int256 x = Lanes.answerAt(words[0], lane, bits);
        int256 y = Lanes.answerAt(words[1], lane, bits);
        int256 z = Lanes.answerAt(words[2], lane, bits);
        uint256 missing = Lanes.missingOf(words[0], Lanes.ALL, signs);
        int256 none = header.wide() ? int256(type(int112).min) : int256(type(int56).min);
        vm.assertTrue((missing << (lane * bits)) >> 255 == (x == none ? 1 : 0), "missing");

        (uint256 low, uint256 high) = Lanes.order(words[0], words[1], signs, bits);
        (x, y) = x < y ? (x, y) : (y, x);
        vm.assertEq(Lanes.answerAt(low, lane, bits), x, "smaller");
        vm.assertEq(Lanes.answerAt(high, lane, bits), y, "larger");
        (low, high) = Lanes.middle(words[0], words[1], words[2], signs, bits);
        vm.assertEq(Lanes.answerAt(low, lane, bits), z < x ? z : x, "smallest of three");
        vm.assertEq(Lanes.answerAt(high, lane, bits), z < x ? x : z > y ? y : z, "middle of three");
    }

    function edged(uint256 word, uint256 signs, uint256 edge) internal pure returns (uint256) {
        uint256 kind = edge % 6;
        if (kind == 0) word = signs;
        if (kind == 1) word = ~signs;
        if (kind == 2) word = signs | (word & (Lanes.ALL >> (edge % 200)));
        if (kind == 3) word = 0;
        return word & Lanes.ALL;
    }
}
