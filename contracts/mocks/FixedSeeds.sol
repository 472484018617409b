// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ISeedSource} from "../interfaces/ISeedSource.sol";

/// @title A seed source for tests: seeds are what the test says, epochs are four blocks long.
contract FixedSeeds is ISeedSource {
    uint256 public constant EPOCH_BLOCKS = 4;
    uint256 public constant MARGIN_BLOCKS = 1;
    mapping(uint32 epoch => bytes32 seed) public seedOf;
    mapping(uint32 epoch => uint256 time) private _recordedAt;

    function set(uint32 epoch, bytes32 seed) external {
        seedOf[epoch] = seed;
        _recordedAt[epoch] = block.timestamp;
    }

    function recordSeed(uint32 epoch, bytes calldata headerRlp) external returns (bytes32 seed) {
        seed = keccak256(headerRlp);
        seedOf[epoch] = seed;
        _recordedAt[epoch] = block.timestamp;
    }

    function drawOf(uint32 epoch) external view returns (bytes32 seed, uint256 stakeBlock, uint256 recordedAt) {
        return (seedOf[epoch], stakeBlockOf(epoch), _recordedAt[epoch]);
    }

    function currentEpoch() external view returns (uint32) {
        return uint32(block.number / EPOCH_BLOCKS);
    }

    function unknownEpoch() external view returns (uint32) {
        return uint32((block.number + MARGIN_BLOCKS) / EPOCH_BLOCKS + 1);
    }

    function seedBlockOf(uint32 epoch) external pure returns (uint256) {
        return epoch * EPOCH_BLOCKS;
    }

    function stakeBlockOf(uint32 epoch) public pure returns (uint256) {
        return epoch == 0 ? 0 : (epoch - 1) * EPOCH_BLOCKS;
    }
}
