// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title All of the aggregator's assembly
/// @notice Unaligned access to calldata and memory, which Solidity offers only with a copy and a check per byte. None of
/// these checks a bound: each caller says why it is inside.
library Raw {
    /// @dev The 32 bytes of calldata at `position`. Past the end of calldata they read as zero.
    function load(uint256 position) internal pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := calldataload(position)
        }
    }

    /// @dev Where `data` begins in calldata.
    function offsetOf(bytes calldata data) internal pure returns (uint256 position) {
        assembly ("memory-safe") {
            position := data.offset
        }
    }

    /// @dev keccak256 of `length` bytes of calldata. Copies them behind the allocated memory, where the next allocation
    /// overwrites them.
    function hashCalldata(uint256 position, uint256 length) internal pure returns (bytes32 result) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            calldatacopy(free, position, length)
            result := keccak256(free, length)
        }
    }

    /// @dev Writes 32 bytes into `buffer` from its byte `index` on. The buffer must be at least `index + 32` long.
    function put(bytes memory buffer, uint256 index, uint256 word) internal pure {
        assembly ("memory-safe") {
            mstore(add(add(buffer, 0x20), index), word)
        }
    }

    /// @dev A buffer of `capacity` bytes, a multiple of 32, of which nothing is known: it is written before it is read.
    function allocate(uint256 capacity) internal pure returns (bytes memory buffer) {
        assembly ("memory-safe") {
            buffer := mload(0x40)
            mstore(buffer, capacity)
            mstore(0x40, add(add(buffer, 0x20), capacity))
        }
    }

    /// @dev keccak256 of the first `length` bytes of `buffer`, which must have as many.
    function hash(bytes memory buffer, uint256 length) internal pure returns (bytes32 result) {
        assembly ("memory-safe") {
            result := keccak256(add(buffer, 0x20), length)
        }
    }

    /// @dev The EIP-712 digest of a structure of five words: keccak256(0x1901 ‖ domain ‖ keccak256(structure)). Built
    /// behind the allocated memory, where the next allocation overwrites it.
    function digest(bytes32 domain, bytes32 typeHash, uint256 a, uint256 b, uint256 c, bytes32 d)
        internal
        pure
        returns (bytes32 result)
    {
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, typeHash)
            mstore(add(free, 0x20), a)
            mstore(add(free, 0x40), b)
            mstore(add(free, 0x60), c)
            mstore(add(free, 0x80), d)
            let structHash := keccak256(free, 0xa0)
            mstore(free, hex"1901")
            mstore(add(free, 0x02), domain)
            mstore(add(free, 0x22), structHash)
            result := keccak256(free, 0x42)
        }
    }

    /// @dev Writes a slot. The compiler's own way checks an array's bound for every word of a round.
    function store(uint256 slot, uint256 word) internal {
        assembly ("memory-safe") {
            sstore(slot, word)
        }
    }

    /// @dev Emits the first `length` bytes of `data` as an event with one indexed parameter.
    function emitEvent(bytes memory data, uint256 length, bytes32 selector, uint256 indexedParameter) internal {
        assembly ("memory-safe") {
            log2(add(data, 0x20), length, selector, indexedParameter)
        }
    }
}
