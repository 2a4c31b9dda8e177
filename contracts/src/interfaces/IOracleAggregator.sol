// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title Groups of price feeds, published by m-of-n signed reports
/// @notice A group is 1 to 32 feeds that share a round, a signer set and a threshold. Times are unix seconds, answers
/// are signed integers scaled by their feed's decimals. Groups are numbered 1 to 255, feeds from 0 within their group.
///
/// What a signer signs (EIP-712, domain name `OracleAggregator`, version `1`, chain id, this contract):
/// `Report(uint8 group,uint32 round,uint32 timestamp,bytes answers)`, where `answers` holds one big-endian two's
/// complement lane per feed, 7 bytes each in a narrow group and 14 in a wide one, in feed order. The smallest value of a
/// lane (`0x80…00`) means: no answer in this round.
interface IOracleAggregator {
    // ------------------------------------------------------------------------------------------------- structures

    /// @notice What a consumer needs to know about a feed; it never changes.
    /// @param decimals Number of decimals of an answer, at most 36.
    /// @param description What is quoted, such as `ETH / USD`: 1 to 31 bytes, none of them zero.
    struct FeedInfo {
        uint8 decimals;
        string description;
    }

    /// @notice A group's header.
    /// @param round Number of the last accepted round; 0 before the first.
    /// @param timestamp Signed time of that round. A report must be newer. May lie ahead of the block by `maxAhead`.
    /// @param threshold How many signers a round needs, and how many present answers a feed needs.
    /// @param signers Size of the signer set, 1 to 16.
    /// @param feeds Number of feeds, 1 to 32.
    /// @param wide False: 56-bit answers, four a word. True: 112-bit answers, two a word.
    /// @param paused Whether reports are refused. Reads go on.
    /// @param breaker Whether the breaker is set.
    /// @param ringBits The group keeps its last 2^ringBits rounds.
    /// @param signersHash Low 160 bits of keccak256 over the sorted signers, 20 bytes each.
    struct Group {
        uint32 round;
        uint32 timestamp;
        uint8 threshold;
        uint8 signers;
        uint8 feeds;
        bool wide;
        bool paused;
        bool breaker;
        uint8 ringBits;
        bytes20 signersHash;
    }

    /// @notice One answer of a feed.
    /// @param answer Scaled by the feed's decimals.
    /// @param round The round that brought it; 0: there is none, and the other fields are 0 as well.
    /// @param updatedAt Its time: the signed one, or the block's where the signed one lay ahead of it.
    struct FeedState {
        int256 answer;
        uint32 round;
        uint32 updatedAt;
    }

    /// @notice Largest change that a feed may make in one round, against its last present answer. The change allowed is
    /// `floor`, or `|last| × (changeBps + growthBpsPerHour × age ÷ 3600) ÷ 10,000` where that is more.
    /// @param changeBps Change allowed at age zero, in basis points. 0 switches the breaker off.
    /// @param growthBpsPerHour What is added for every hour since the last present answer, in basis points.
    /// @param floor A change up to this is always allowed, in the answers' own unit (rates near zero).
    /// @param released Feeds (bit i = feed i) whose next present answer is taken unchecked.
    struct Breaker {
        uint32 changeBps;
        uint32 growthBpsPerHour;
        uint112 floor;
        uint32 released;
    }

    // ----------------------------------------------------------------------------------------------------- events

    /// @notice A round was accepted: one event per group and round.
    /// @param group The group.
    /// @param head The report's fixed part as it was transmitted: group 1, round 4, timestamp 4, bitmap 2 and the
    /// sender's place 1, big-endian. It says which round it is, the signed time, and who signed. (As words of their own
    /// round and time would cost every update 260 gas more.)
    /// @param sender Who transmitted it.
    /// @param answers What was stored, in the encoding of a report: median or *no answer*, per feed. Their `updatedAt` is
    /// the signed time, or the block's if that is smaller.
    event RoundStored(uint8 indexed group, bytes12 head, address sender, bytes answers);

    /// @notice The breaker refused a feed's answer in a round; the round has *no answer* for it.
    event BreakerTripped(uint8 indexed group, uint32 indexed round, uint8 indexed feed, int256 last, int256 refused);

    /// @notice A group was created. Its feeds and signers follow in events of their own.
    event GroupCreated(uint8 indexed group, bool wide, uint8 ringBits);

    /// @notice Feeds were added to a group; the first of them has the index `first`.
    event FeedsAdded(uint8 indexed group, uint8 first, FeedInfo[] feeds);

    /// @notice A group's signer set and threshold were set. The full list: the contract keeps its hash only, and
    /// whoever transmits needs the addresses of those who did not sign.
    event SignersSet(uint8 indexed group, uint8 threshold, address[] signers, bytes20 signersHash);

    /// @notice A group's breaker was set, or switched off with `changeBps` 0.
    event BreakerSet(uint8 indexed group, uint32 changeBps, uint32 growthBpsPerHour, uint112 floor);

    /// @notice A feed's next present answer will be taken without the breaker's check.
    event BreakerReleased(uint8 indexed group, uint8 indexed feed, address by);

    /// @notice A group was paused.
    event GroupPaused(uint8 indexed group, address by);

    /// @notice A group was unpaused.
    event GroupUnpaused(uint8 indexed group, address by);

    /// @notice `words` slots of a group's ring that were zero were pre-warmed.
    event RingGrown(uint8 indexed group, uint32 from, uint32 count, uint256 words);

    // ----------------------------------------------------------------------------------- errors of transmit

    /// @notice `reports` is empty, ends before its last report does, or carries bytes behind it.
    /// @param given Bytes left where the last report begins.
    /// @param needed Bytes that this report needs.
    error ReportsTruncated(uint256 given, uint256 needed);

    /// @notice The group does not exist.
    error GroupUnknown(uint8 group);

    /// @notice The group is paused.
    error GroupIsPaused(uint8 group);

    /// @notice The report's round is not the next one: someone was faster, or it is a replay.
    error RoundNotNext(uint8 group, uint32 given, uint32 next);

    /// @notice The report's time is not newer than the signed one held.
    error TimestampNotNewer(uint8 group, uint32 given, uint32 held);

    /// @notice The report is older than `maxReportAge`.
    error ReportTooOld(uint8 group, uint32 given, uint256 oldest);

    /// @notice The report lies ahead of the block by more than `maxAhead`.
    error ReportAhead(uint8 group, uint32 given, uint256 latest);

    /// @notice The bitmap has a bit beyond the signer set.
    error BitmapBeyondSigners(uint8 group, uint16 bitmap, uint8 signers);

    /// @notice The place given for the sender is not marked in the bitmap (0xff: the sender is no signer).
    error SenderNotInBitmap(uint8 group, uint8 place, uint16 bitmap);

    /// @notice Fewer signers than the threshold.
    error ThresholdNotMet(uint8 group, uint256 given, uint8 threshold);

    /// @notice A signature has a high `s`, or no address can be recovered from it.
    error SignatureMalformed(uint8 group, uint8 place, bytes32 r, bytes32 vs);

    /// @notice The addresses recovered and given are not the group's signer set: a signature is not of its place's
    /// signer, or not over this report, or the set has been rotated.
    error SignersMismatch(uint8 group, bytes20 given, bytes20 held);

    // ------------------------------------------------------------------------ errors of configuration and reads

    /// @notice Group ids are 1 to 255.
    error GroupIdZero();

    /// @notice The group exists: its width, ring and id never change.
    error GroupExists(uint8 group);

    /// @notice A ring has at most 2^`max` rounds.
    error RingTooLarge(uint8 ringBits, uint8 max);

    /// @notice A group has 1 to `max` feeds, and at least one is added at a time.
    error FeedCountInvalid(uint8 group, uint256 given, uint256 max);

    /// @notice A feed has at most `max` decimals.
    error DecimalsTooLarge(uint8 given, uint8 max);

    /// @notice A description has 1 to 31 bytes, none of them zero.
    error DescriptionInvalid(string description);

    /// @notice A signer set has 1 to `max` members.
    error SignerCountInvalid(uint8 group, uint256 given, uint256 max);

    /// @notice Signers are strictly ascending and not zero: no duplicates.
    error SignersNotAscending(uint8 group, uint256 place, address signer, address before);

    /// @notice The threshold is 1 to the number of signers.
    error ThresholdInvalid(uint8 group, uint8 threshold, uint256 signers);

    /// @notice The group has no such feed.
    error FeedUnknown(uint8 group, uint256 feed, uint8 feeds);

    /// @notice The group has no breaker.
    error BreakerNotSet(uint8 group);

    /// @notice The ring has `size` rounds.
    error RingRangeInvalid(uint8 group, uint256 end, uint256 size);

    /// @notice The group is paused already.
    error AlreadyPaused(uint8 group);

    /// @notice The group is not paused.
    error NotPaused(uint8 group);

    /// @notice With a `maxReportAge` of zero nearly every report would be refused.
    error MaxReportAgeZero();

    // ------------------------------------------------------------------------------------------------- publishing

    /// @notice Stores one round per report. Anyone may call it: what counts is who signed.
    /// @dev Reports are packed one after another, big-endian, without padding:
    ///
    /// ```
    /// group 1 | round 4 | timestamp 4 | bitmap 2 | sender's place 1 | one part per place of the sorted signer set:
    ///     bit set, not the sender   r 32 | vs 32 (EIP-2098) | answers
    ///     bit set, the sender       answers                       (msg.sender takes the place, no signature)
    ///     bit not set               address 20
    /// ```
    ///
    /// `round` is the next one. Bit i of `bitmap` says that place i has answers here. `sender's place` is 0xff when the
    /// sender is not a signer. Per feed the lower median of the answers present is stored when at least the threshold
    /// are, else *no answer*. The whole call reverts if one report is refused.
    ///
    /// Reverts: `ReportsTruncated`, `GroupUnknown`, `GroupIsPaused`, `RoundNotNext`, `TimestampNotNewer`,
    /// `ReportTooOld`, `ReportAhead`, `BitmapBeyondSigners`, `SenderNotInBitmap`, `ThresholdNotMet`,
    /// `SignatureMalformed`, `SignersMismatch`.
    /// @param reports The reports, packed as above.
    function transmit(bytes calldata reports) external;

    // ------------------------------------------------------------------------------------------------------ reads

    /// @notice Oldest report accepted, in seconds before the block.
    function maxReportAge() external view returns (uint256);

    /// @notice How far ahead of the block a report may be dated, in seconds: the longest tick.
    function maxAhead() external view returns (uint256);

    /// @notice A group's header. Reverts `GroupUnknown`.
    function getGroup(uint8 group) external view returns (Group memory);

    /// @notice A group's header and the last present answer of each of its feeds, at one block. Reverts `GroupUnknown`.
    function snapshot(uint8 group) external view returns (Group memory header, FeedState[] memory feeds);

    /// @notice The last present answer of a feed. Does not revert when there never was one (round 0): consumers read
    /// through `FeedProxy`, which does. Reverts `FeedUnknown`.
    /// @return answer Scaled by the feed's decimals; 0 when there never was one.
    /// @return round The round that brought it; 0 when there never was one.
    /// @return updatedAt Its time, unix seconds; 0 when there never was one.
    function answerForFeed(uint8 group, uint8 feed)
        external
        view
        returns (int256 answer, uint256 round, uint256 updatedAt);

    /// @notice A feed's answer in one round. Round 0 when the ring no longer (or not yet) holds that round, or the feed
    /// had no answer in it. Reverts `FeedUnknown`.
    /// @return answer Scaled by the feed's decimals; 0 when there is none.
    /// @return answeredRound `round`; 0 when there is no answer.
    /// @return updatedAt Its time, unix seconds; 0 when there is no answer.
    function answerOfRound(uint8 group, uint8 feed, uint256 round)
        external
        view
        returns (int256 answer, uint256 answeredRound, uint256 updatedAt);

    /// @notice A feed's decimals and description. Reverts `FeedUnknown`.
    function feedInfo(uint8 group, uint8 feed) external view returns (FeedInfo memory);

    /// @notice A group's breaker, all zero when it has none. Reverts `GroupUnknown`.
    function getBreaker(uint8 group) external view returns (Breaker memory);

    /// @notice The hash that the contract keeps of a signer set: low 160 bits of keccak256 over the addresses, 20 bytes
    /// each. Pure; does not check the order.
    function hashSigners(address[] calldata signers) external pure returns (bytes20);

    // ---------------------------------------------------------------------------------------------- configuration

    /// @notice Creates a group. Only the admin. Its id, width and ring never change.
    /// Reverts: `GroupIdZero`, `GroupExists`, `RingTooLarge`, and as `addFeeds` and `setSigners` do.
    /// @param group Id, 1 to 255.
    /// @param wide 112-bit answers instead of 56-bit ones.
    /// @param ringBits The group keeps its last 2^ringBits rounds; at most 15.
    /// @param signers Strictly ascending, 1 to 16.
    /// @param threshold 1 to the number of signers.
    /// @param feeds 1 to 32.
    function createGroup(
        uint8 group,
        bool wide,
        uint8 ringBits,
        address[] calldata signers,
        uint8 threshold,
        FeedInfo[] calldata feeds
    ) external;

    /// @notice Adds feeds behind those that a group has. Only the admin. Reports already signed have the old number of
    /// answers and fail; running feeds' reads are untouched.
    /// Reverts: `GroupUnknown`, `FeedCountInvalid`, `DecimalsTooLarge`, `DescriptionInvalid`.
    function addFeeds(uint8 group, FeedInfo[] calldata feeds) external;

    /// @notice Sets a group's signers and threshold. Only the admin. Reports of the set before fail with
    /// `SignersMismatch`, or, when the sets differ in size, with `ReportsTruncated`; reads are untouched.
    /// Reverts: `GroupUnknown`, `SignerCountInvalid`, `SignersNotAscending`, `ThresholdInvalid`.
    function setSigners(uint8 group, address[] calldata signers, uint8 threshold) external;

    /// @notice Sets a group's breaker, or switches it off with `changeBps` 0. Only the admin. Releases not yet used
    /// are dropped. Reverts `GroupUnknown`.
    function setBreaker(uint8 group, uint32 changeBps, uint32 growthBpsPerHour, uint112 floor) external;

    /// @notice Lets a feed's next present answer pass the breaker. Only the admin.
    /// Reverts: `GroupUnknown`, `BreakerNotSet`, `FeedUnknown`.
    function releaseBreaker(uint8 group, uint8 feed) external;

    /// @notice Refuses a group's reports until the admin unpauses it; reads go on. Only a guardian or the admin.
    /// Reverts: `GroupUnknown`, `AlreadyPaused`.
    function pause(uint8 group) external;

    /// @notice Takes a group's reports again. Only the admin. Reverts: `GroupUnknown`, `NotPaused`.
    function unpause(uint8 group) external;

    /// @notice Pre-warms the ring positions `from` to `from + count - 1` of a group, so that its first pass through the
    /// ring costs no more than later ones. Writes only slots that are still zero; changes no read. Anyone may call it
    /// (the caller pays and gains nothing else). Reverts: `GroupUnknown`, `RingRangeInvalid`.
    function grow(uint8 group, uint32 from, uint32 count) external;
}
