// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @dev What the aggregator should hold, written plainly: one struct per round and feed, for ever, and a sort in memory.
/// It shares no code with the contract and knows nothing of words, lanes and rings.
contract Reference {
    struct Answer {
        bool present;
        int256 value;
        uint256 time;
    }

    struct BreakerSettings {
        uint256 changeBps;
        uint256 growthBpsPerHour;
        uint256 floor;
    }

    uint256 public round;
    uint256 public signedTime;
    uint256 public threshold;
    uint256 public ringSize;
    BreakerSettings public breaker;
    /// By round, then by feed.
    mapping(uint256 => mapping(uint256 => Answer)) internal answers;
    mapping(uint256 => bool) public released;

    constructor(uint256 threshold_, uint256 ringSize_) {
        (threshold, ringSize) = (threshold_, ringSize_);
    }

    function setThreshold(uint256 threshold_) external {
        threshold = threshold_;
    }

    function setBreaker(uint256 changeBps, uint256 growth, uint256 floor, uint256 feeds) external {
        breaker = BreakerSettings(changeBps, growth, floor);
        for (uint256 feed = 0; feed < feeds; ++feed) {
            released[feed] = false;
        }
    }

    function release(uint256 feed) external {
        released[feed] = true;
    }

    /// @param given given[signer][feed]; `none` where a signer has no answer.
    function store(uint256 time, int256[][] calldata given, uint256 feeds, int256 none) external {
        ++round;
        signedTime = time;
        if (time > block.timestamp) time = block.timestamp;
        for (uint256 feed = 0; feed < feeds; ++feed) {
            (bool present, int256 value) = median(given, feed, none);
            if (present && trips(feed, value, time)) present = false;
            if (present) answers[round][feed] = Answer(true, value, time);
        }
    }

    function median(int256[][] calldata given, uint256 feed, int256 none) internal view returns (bool, int256) {
        int256[] memory list = new int256[](given.length);
        uint256 count = 0;
        for (uint256 i = 0; i < given.length; ++i) {
            if (given[i][feed] != none) list[count++] = given[i][feed];
        }
        if (count < threshold) return (false, 0);
        for (uint256 i = 0; i < count; ++i) {
            for (uint256 j = i + 1; j < count; ++j) {
                if (list[j] < list[i]) (list[i], list[j]) = (list[j], list[i]);
            }
        }
        return (true, list[(count - 1) / 2]);
    }

    function trips(uint256 feed, int256 value, uint256 time) internal returns (bool) {
        if (breaker.changeBps == 0) return false;
        if (released[feed]) {
            released[feed] = false;
            return false;
        }
        (bool found, int256 last,, uint256 lastTime) = latestBefore(feed, round);
        if (!found) return false;
        uint256 change = uint256(value > last ? value - last : last - value);
        if (change <= breaker.floor) return false;
        uint256 size = uint256(last < 0 ? -last : last);
        uint256 rate = breaker.changeBps * 3600 + breaker.growthBpsPerHour * (time - lastTime);
        return change * 36_000_000 > size * rate;
    }

    function latest(uint256 feed) external view returns (bool, int256, uint256, uint256) {
        return latestBefore(feed, round + 1);
    }

    /// @dev Walks back through all rounds.
    function latestBefore(uint256 feed, uint256 end) internal view returns (bool, int256, uint256, uint256) {
        for (uint256 r = end; r > 1; --r) {
            Answer memory a = answers[r - 1][feed];
            if (a.present) return (true, a.value, r - 1, a.time);
        }
        return (false, 0, 0, 0);
    }

    function at(uint256 feed, uint256 r) external view returns (bool, int256, uint256) {
        Answer memory a = answers[r][feed];
        if (r == 0 || r > round || r + ringSize <= round || !a.present) return (false, 0, 0);
        return (true, a.value, a.time);
    }
}
