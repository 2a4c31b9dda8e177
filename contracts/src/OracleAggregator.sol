// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {GroupAdmin} from "./GroupAdmin.sol";
import {ReportDomain} from "./ReportDomain.sol";
import {RoundStore} from "./RoundStore.sol";
import {IOracleAggregator} from "./interfaces/IOracleAggregator.sol";
import {Answers, AnswersLib} from "./libraries/Answers.sol";
import {Header} from "./libraries/Header.sol";
import {Lanes} from "./libraries/Lanes.sol";
import {Raw} from "./libraries/Raw.sol";
import {ReportHead, ReportHeadLib} from "./libraries/ReportHead.sol";
import {SignerSet} from "./libraries/SignerSet.sol";

/// @title Groups of price feeds, published by m-of-n signed reports
/// @notice See `IOracleAggregator` for the report, `contracts/README.md` for layout, trust model and limits.
/// @dev Reentrancy: the contract calls nobody but the precompile that recovers a signature.
contract OracleAggregator is RoundStore, GroupAdmin, ReportDomain {
    bytes32 private constant REPORT_TYPEHASH =
        keccak256("Report(uint8 group,uint32 round,uint32 timestamp,bytes answers)");

    /// @dev Half the order of secp256k1.
    uint256 private constant HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0;

    /// @inheritdoc IOracleAggregator
    uint32 public immutable override maxReportAge;
    /// @inheritdoc IOracleAggregator
    uint32 public immutable override maxAhead;

    /// @notice Reverts `MaxReportAgeZero`, and as OpenZeppelin's roles do when the admin is zero.
    /// @param admin Configures groups; meant to be a timelock or a multisig.
    /// @param guardian May pause groups. Zero: none yet.
    /// @param adminTransferDelay Seconds between the two steps of a handover of the admin role.
    /// @param maxReportAge_ Oldest report accepted, in seconds before the block.
    /// @param maxAhead_ How far ahead of the block a report may be dated, in seconds: the longest tick.
    constructor(
        address admin,
        address guardian,
        uint48 adminTransferDelay,
        uint32 maxReportAge_,
        uint32 maxAhead_
    ) GroupAdmin(admin, guardian, adminTransferDelay) {
        if (maxReportAge_ == 0) revert MaxReportAgeZero();
        maxReportAge = maxReportAge_;
        maxAhead = maxAhead_;
    }

    /// @inheritdoc IOracleAggregator
    function transmit(bytes calldata reports) external override {
        unchecked {
            uint256 end = Raw.offsetOf(reports) + reports.length;
            uint256 position = _transmitOne(Raw.offsetOf(reports), end);
            while (position != end) {
                position = _transmitOne(position, end);
            }
        }
    }

    /// @dev Stores one report.
    /// @param position Where it begins in calldata.
    /// @param end Where `reports` ends.
    /// @return next Where it ends: at most `end`.
    function _transmitOne(uint256 position, uint256 end) private returns (uint256 next) {
        unchecked {
            // Let `head` be the report's fixed part. Revert if it is cut off.
            ReportHead head = ReportHeadLib.fromWord(Raw.load(position));
            _checkSize(position, position + ReportHeadLib.SIZE, end);
            (GroupData storage data, Header header) = _group(head.group());
            _checkHead(head, header);

            // Revert unless the group's signers made it. Let `answers` be where their answers lie.
            Answers answers;
            (answers, next) = _checkSigners(head, header, position, end);

            _storeWords(data, header, head, answers);
            data.header = header.withRound(head.roundAndTimestamp());
        }
    }

    /// @dev Reverts unless the report's fixed part fits the group's state.
    function _checkHead(ReportHead head, Header header) private view {
        unchecked {
            uint8 group = head.group();
            // Revert if the group is paused.
            if (header.paused()) revert GroupIsPaused(group);
            // Revert unless it is the next round: a report is good once.
            uint256 next = uint256(header.round()) + 1;
            if (head.round() != next) revert RoundNotNext(group, head.round(), uint32(next));
            // Revert unless it is newer than the last one, by the signed time.
            uint256 timestamp = head.timestamp();
            if (timestamp <= header.timestamp()) {
                revert TimestampNotNewer(group, head.timestamp(), header.timestamp());
            }
            // Revert if it is too old, or ahead of the block.
            if (timestamp + maxReportAge < block.timestamp) {
                revert ReportTooOld(group, head.timestamp(), block.timestamp - maxReportAge);
            }
            if (timestamp > block.timestamp + maxAhead) {
                revert ReportAhead(group, head.timestamp(), block.timestamp + maxAhead);
            }
            // Revert if a place beyond the set is marked.
            uint256 bitmap = head.bitmap();
            if (bitmap >> header.signers() != 0) {
                revert BitmapBeyondSigners(group, head.bitmap(), header.signers());
            }
            // Revert if the sender names a place that is not marked. Bit 255 stands for the sender who is no signer.
            if (((bitmap | (1 << ReportHeadLib.SENDER_IS_NO_SIGNER)) >> head.place()) & 1 == 0) {
                revert SenderNotInBitmap(group, head.place(), head.bitmap());
            }
        }
    }

    /// @dev Walks the places of the signer set. Reverts unless their addresses are the group's set, enough of them have
    /// signed, and the report ends before `end`.
    /// @param start Where the report begins in calldata.
    /// @return answers Where the signers' answers lie.
    /// @return position Where the report ends.
    function _checkSigners(ReportHead head, Header header, uint256 start, uint256 end)
        private
        view
        returns (Answers answers, uint256 position)
    {
        unchecked {
            answers = AnswersLib.create(start);
            position = start + ReportHeadLib.SIZE;
            uint256 size = Lanes.bytesOf(header);
            bytes memory set = SignerSet.create();
            for (uint256 place = 0; place < header.signers(); ++place) {
                // Let `signer` be the address in this place, and `position` move behind its part.
                uint256 signer;
                if ((head.bitmap() >> place) & 1 == 0) {
                    // Did not sign: its address is given.
                    signer = Raw.load(position) >> 96;
                    position += ReportHeadLib.ADDRESS_SIZE;
                } else {
                    if (place == head.place()) {
                        // Sends the transaction: needs no other signature.
                        signer = uint160(msg.sender);
                    } else {
                        _checkSize(start, position + ReportHeadLib.SIGNATURE_SIZE + size, end);
                        signer = _recover(head, place, position, size);
                        position += ReportHeadLib.SIGNATURE_SIZE;
                    }
                    answers = answers.add(position - start);
                    position += size;
                }
                SignerSet.put(set, place, signer);
            }
            // Revert if the report is cut off. Until here, bytes behind it have been read at worst.
            _checkSize(start, position, end);
            // Revert unless enough have signed.
            if (answers.count() < header.threshold()) {
                revert ThresholdNotMet(head.group(), answers.count(), header.threshold());
            }
            // Revert unless the addresses are the group's signers.
            uint160 hash = SignerSet.hash(set, header.signers());
            if (hash == header.signersHash()) return (answers, position);
            revert SignersMismatch(head.group(), bytes20(hash), bytes20(header.signersHash()));
        }
    }

    /// @dev Reverts if a report that begins at `start` needs more than `end`.
    function _checkSize(uint256 start, uint256 position, uint256 end) private pure {
        unchecked {
            if (position > end) revert ReportsTruncated(end - start, position - start);
        }
    }

    /// @dev Who signed the answers behind the signature at `position`. Reverts `SignatureMalformed`.
    function _recover(ReportHead head, uint256 place, uint256 position, uint256 size) private view returns (uint256) {
        unchecked {
        bytes32 answersHash = Raw.hashCalldata(position + ReportHeadLib.SIGNATURE_SIZE, size);
        bytes32 digest = Raw.digest(
            _domainSeparator(), REPORT_TYPEHASH, head.group(), head.round(), head.timestamp(), answersHash
        );
        bytes32 r = bytes32(Raw.load(position));
        bytes32 vs = bytes32(Raw.load(position + 32));
        // Revert if s is high: of two signatures that are each other's mirror, one is refused.
        uint256 s = uint256(vs) & ~(uint256(1) << 255);
        if (s > HALF_ORDER) revert SignatureMalformed(head.group(), uint8(place), r, vs);
        // Revert if no address can be recovered.
        address signer = ecrecover(digest, uint8(27 + (uint256(vs) >> 255)), r, bytes32(s));
        if (signer != address(0)) return uint160(signer);
        revert SignatureMalformed(head.group(), uint8(place), r, vs);
        }
    }
}
