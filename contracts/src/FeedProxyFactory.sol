// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IOracleAggregator} from "./interfaces/IOracleAggregator.sol";
import {FeedProxy} from "./FeedProxy.sol";

/// @title Feed proxies of one aggregator, at addresses known beforehand
/// @notice Anyone may deploy a feed's proxy: there is one per feed, and its address depends on this factory, the group
/// and the feed only.
contract FeedProxyFactory {
    /// @notice The contract whose feeds the proxies read.
    IOracleAggregator public immutable aggregator;

    /// @notice A feed's proxy was deployed.
    event FeedProxyDeployed(uint8 indexed group, uint8 indexed feed, address proxy);

    /// @param aggregator_ The contract whose feeds the proxies read.
    constructor(IOracleAggregator aggregator_) {
        aggregator = aggregator_;
    }

    /// @notice Deploys a feed's proxy, or finds the one that is there. Reverts `FeedUnknown`.
    /// @param group The feed's group.
    /// @param feed The feed's index in its group.
    /// @return proxy The proxy's address, the one that `proxyAddress` gives.
    function deploy(uint8 group, uint8 feed) external returns (address proxy) {
        proxy = proxyAddress(group, feed);
        if (proxy.code.length == 0) {
            new FeedProxy{salt: bytes32(0)}(aggregator, group, feed);
            emit FeedProxyDeployed(group, feed, proxy);
        }
    }

    /// @notice Where a feed's proxy is, or will be.
    /// @param group The feed's group.
    /// @param feed The feed's index in its group.
    function proxyAddress(uint8 group, uint8 feed) public view returns (address) {
        bytes32 initCodeHash =
            keccak256(abi.encodePacked(type(FeedProxy).creationCode, abi.encode(aggregator, group, feed)));
        // EIP-1014: low 160 bits of keccak256(0xff, deployer, salt, keccak256(init code)).
        return
            address(
                uint160(uint256(keccak256(abi.encodePacked(bytes1(0xff), address(this), bytes32(0), initCodeHash))))
            );
    }
}
