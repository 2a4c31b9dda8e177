// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC5267} from "@openzeppelin/contracts/interfaces/IERC5267.sol";

/// @title The EIP-712 domain of reports
/// @notice Name, version, chain id and contract: a signature is good on one chain and in one contract only. The chain
/// id is the present one, so that after a fork of the chain the two sides do not take each other's reports.
/// @dev OpenZeppelin's EIP712 of this release pulls in code that needs opcodes later than Paris, which private networks
/// often lack; this is the same construction without its helper for strings.
abstract contract ReportDomain is IERC5267 {
    bytes32 private constant DOMAIN_TYPEHASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    string private constant NAME = "OracleAggregator";
    string private constant VERSION = "1";

    uint256 private immutable _deployedChainId;
    bytes32 private immutable _deployedSeparator;

    constructor() {
        _deployedChainId = block.chainid;
        _deployedSeparator = _buildSeparator();
    }

    /// @notice The domain, as ERC-5267 has wallets and tools read it.
    /// @return fields 0x0f: name, version, chain id and contract are used, salt is not.
    /// @return name `OracleAggregator`.
    /// @return version `1`.
    /// @return chainId The present chain's id.
    /// @return verifyingContract This contract.
    /// @return salt Zero, unused.
    /// @return extensions Empty, unused.
    function eip712Domain()
        external
        view
        override
        returns (
            bytes1 fields,
            string memory name,
            string memory version,
            uint256 chainId,
            address verifyingContract,
            bytes32 salt,
            uint256[] memory extensions
        )
    {
        return (hex"0f", NAME, VERSION, block.chainid, address(this), bytes32(0), new uint256[](0));
    }

    /// @dev The separator: the one made at deployment, or a fresh one when the chain id has changed since.
    function _domainSeparator() internal view returns (bytes32) {
        return block.chainid == _deployedChainId ? _deployedSeparator : _buildSeparator();
    }

    function _buildSeparator() private view returns (bytes32) {
        return keccak256(
            abi.encode(DOMAIN_TYPEHASH, keccak256(bytes(NAME)), keccak256(bytes(VERSION)), block.chainid, address(this))
        );
    }
}
