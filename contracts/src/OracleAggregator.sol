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
    /// @dev Working memory of a report: what the larger of its two uses needs, rounded up.
    uint256 private constant ROOM = 640;
    /// @dev Half the order of secp256k1.
    uint256 private constant HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0;

    /// @inheritdoc IOracleAggregator
    uint256 public immutable override maxReportAge;
    /// @inheritdoc IOracleAggregator
    uint256 public immutable override maxAhead;

    /// @notice Reverts `MaxReportAgeZero`, and as OpenZeppelin's roles do when the admin is zero.
    /// @param admin Configures groups; meant to be a timelock or a multisig.
    /// @param guardian May pause groups. Zero: none yet.
    /// @param adminTransferDelay Seconds between the two steps of a handover of the admin role.
    /// @param maxReportAge_ Oldest report accepted, in seconds before the block.
    /// @param maxAhead_ How far ahead of the block a report may be dated, in seconds: the longest tick.
    constructor(address admin, address guardian, uint48 adminTransferDelay, uint32 maxReportAge_, uint32 maxAhead_)
        GroupAdmin(admin, guardian, adminTransferDelay)
    {
        if (maxReportAge_ == 0) revert MaxReportAgeZero();
        maxReportAge = maxReportAge_;
        maxAhead = maxAhead_;
    }

    /// @inheritdoc IOracleAggregator
    function transmit(bytes calldata reports) external override {
        unchecked {
            // Let `room` be the working memory of one report after another: first its signers, then its event.
            bytes memory room = Raw.allocate(ROOM);
            uint256 end = Raw.offsetOf(reports) + reports.length;
            uint256 position = _transmitOne(Raw.offsetOf(reports), end, room);
            while (position != end) {
                position = _transmitOne(position, end, room);
            }
        }
    }

    /// @dev Stores one report.
    /// @param position Where it begins in calldata.
    /// @param end Where `reports` ends.
    /// @param room Working memory.
    /// @return next Where it ends: at most `end`.
    function _transmitOne(uint256 position, uint256 end, bytes memory room) private returns (uint256 next) {
        unchecked {
            // Let `head` be the report's fixed part. Revert if it is cut off.
            ReportHead head = ReportHeadLib.fromWord(Raw.load(position));
            if (end - position < ReportHeadLib.SIZE) revert ReportsTruncated(end - position, ReportHeadLib.SIZE);
            (GroupData storage data, Header header) = _group(head.group());
            _checkHead(head, header);

            // Revert unless the group's signers made it. Let `answers` be where their answers lie.
            Answers answers;
            (answers, next) = _checkSigners(head, header, position, end, room);

            _storeWords(data, header, head, answers, room);
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
            // Revert if the sender names a place that is not marked. Bit 255 stands for the sender who is no signer.
            if (((head.bitmap() | (1 << ReportHeadLib.SENDER_IS_NO_SIGNER)) >> head.place()) & 1 == 0) {
                revert SenderNotInBitmap(group, head.place(), head.bitmap());
            }
        }
    }

    /// @dev Walks the places of the signer set. Reverts unless their addresses are the group's set, enough of them have
    /// signed, and the report ends before `end`.
    /// @param start Where the report begins in calldata.
    /// @return answers Where the signers' answers lie.
    /// @return position Where the report ends.
    function _checkSigners(ReportHead head, Header header, uint256 start, uint256 end, bytes memory room)
        private
        view
        returns (Answers answers, uint256 position)
    {
        unchecked {
            answers = AnswersLib.create(start);
            position = start + ReportHeadLib.SIZE;
            uint256 size = Lanes.bytesOf(header);
            uint256 places = header.signers();
            uint256 marks = head.bitmap();
            for (uint256 place = 0; place < places; ++place) {
                // Let `signer` be the address in this place, and `position` move behind its part.
                uint256 signer;
                if (marks & 1 != 0) {
                    if (place != head.place()) {
                        position += ReportHeadLib.SIGNATURE_SIZE;
                        // Revert if it is cut off: its signature could not be told from a bad one.
                        if (position + size > end) revert ReportsTruncated(end - start, position + size - start);
                        signer = _recover(head, place, position, size);
                    } else {
                        // Sends the transaction: needs no other signature.
                        signer = uint160(msg.sender);
                    }
                    answers = answers.add(position - start);
                    position += size;
                } else {
                    // Did not sign: its address is given.
                    signer = Raw.load(position) >> 96;
                    position += ReportHeadLib.ADDRESS_SIZE;
                }
                SignerSet.put(room, place, signer);
                marks >>= 1;
            }
            // Revert if a place beyond the set is marked.
            if (marks != 0) revert BitmapBeyondSigners(head.group(), head.bitmap(), header.signers());
            // Revert if the report is cut off. Until here, bytes behind it have been read at worst.
            if (position > end) revert ReportsTruncated(end - start, position - start);
            // Revert unless enough have signed.
            if (answers.count() < header.threshold()) {
                revert ThresholdNotMet(head.group(), answers.count(), header.threshold());
            }
            // Revert unless the addresses are the group's signers.
            uint160 hash = SignerSet.hash(room, places);
            if (hash == header.signersHash()) return (answers, position);
            revert SignersMismatch(head.group(), bytes20(hash), bytes20(header.signersHash()));
        }
    }

    /// @dev Who signed the `size` bytes of answers at `position`; the signature lies before them. Reverts
    /// `SignatureMalformed`.
    function _recover(ReportHead head, uint256 place, uint256 position, uint256 size) private view returns (uint256) {
        unchecked {
            bytes32 digest = Raw.digest(
                _domainSeparator(),
                REPORT_TYPEHASH,
                head.group(),
                head.round(),
                head.timestamp(),
                Raw.hashCalldata(position, size)
            );
            bytes32 r = bytes32(Raw.load(position - 64));
            bytes32 vs = bytes32(Raw.load(position - 32));
            // Let `s` be without the highest bit, which tells the two points of one `r` apart.
            uint256 s = uint256(vs) & ~(uint256(1) << 255);
            // Revert if s is high: of two signatures that are each other's mirror, one is refused.
            if (s <= HALF_ORDER) {
                // Revert if no address can be recovered.
                address signer = ecrecover(digest, uint8(27 + (uint256(vs) >> 255)), r, bytes32(s));
                if (signer != address(0)) return uint160(signer);
            }
            revert SignatureMalformed(head.group(), uint8(place), r, vs);
        }
    }
}
