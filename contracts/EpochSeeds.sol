// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BlockHeader} from "@openzeppelin/contracts/utils/BlockHeader.sol";
import {Blockhash} from "@openzeppelin/contracts/utils/Blockhash.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {ISeedSource} from "./interfaces/ISeedSource.sol";

/// @title One seed per epoch, from the beacon chain's RANDAO.
contract EpochSeeds is ISeedSource {
    /// @dev Half of the block hashes every chain knows, so that a seed can be recorded during a whole epoch and more.
    uint256 public constant LONGEST_EPOCH = 128;

    /// @dev Chains without a RANDAO answer with a constant, a counter or a small difficulty. A true one is smaller than
    ///      this once in 2^128 blocks.
    uint256 private constant LEAST_RANDOMNESS = 1 << 128;

    /// @inheritdoc ISeedSource
    uint256 public immutable EPOCH_BLOCKS;
    /// @inheritdoc ISeedSource
    uint256 public immutable MARGIN_BLOCKS;

    // one slot
    struct Seed {
        bytes27 randao; // its first 27 bytes: 216 bits leave nothing to guess
        uint40 recordedAt; // Unix seconds
    }

    mapping(uint32 epoch => Seed) private _seeds;

    constructor(uint256 epochBlocks, uint256 marginBlocks) {
        if (epochBlocks < 2 || epochBlocks > LONGEST_EPOCH) revert EpochLengthOutOfRange(epochBlocks, 2, LONGEST_EPOCH);
        if (marginBlocks == 0 || marginBlocks >= epochBlocks) revert MarginOutOfRange(marginBlocks, 1, epochBlocks - 1);
        if (block.prevrandao < LEAST_RANDOMNESS) revert RandomnessNotTrustworthy(block.prevrandao);
        EPOCH_BLOCKS = epochBlocks;
        MARGIN_BLOCKS = marginBlocks;
    }

    /// @inheritdoc ISeedSource
    function recordSeed(uint32 epoch, bytes calldata headerRlp) external returns (bytes32 seed) {
        if (_seeds[epoch].randao != 0) revert SeedAlreadyRecorded(epoch, _seeds[epoch].randao);

        uint256 seedBlock = seedBlockOf(epoch);
        bytes32 expected = Blockhash.blockHash(seedBlock);
        if (expected == 0) revert SeedBlockOutOfReach(epoch, seedBlock, block.number);
        bytes32 actual = keccak256(headerRlp);
        if (actual != expected) revert HeaderMismatch(epoch, expected, actual);

        bytes32 randao = BlockHeader.getPrevRandao(headerRlp);
        if (uint256(randao) < LEAST_RANDOMNESS) revert RandomnessNotTrustworthy(uint256(randao));
        _seeds[epoch] = Seed({randao: bytes27(randao), recordedAt: uint40(block.timestamp)});
        seed = bytes27(randao);
        emit SeedRecorded(epoch, seed);
    }

    /// @inheritdoc ISeedSource
    function seedOf(uint32 epoch) external view returns (bytes32) {
        return _seeds[epoch].randao;
    }

    /// @inheritdoc ISeedSource
    function drawOf(uint32 epoch) external view returns (bytes32 seed, uint256 stakeBlock, uint256 recordedAt) {
        Seed memory recorded = _seeds[epoch];
        return (recorded.randao, stakeBlockOf(epoch), recorded.recordedAt);
    }

    /// @inheritdoc ISeedSource
    function currentEpoch() external view returns (uint32) {
        return SafeCast.toUint32(block.number / EPOCH_BLOCKS);
    }

    /// @inheritdoc ISeedSource
    function unknownEpoch() external view returns (uint32) {
        return SafeCast.toUint32((block.number + MARGIN_BLOCKS) / EPOCH_BLOCKS + 1);
    }

    /// @inheritdoc ISeedSource
    function seedBlockOf(uint32 epoch) public view returns (uint256) {
        return epoch * EPOCH_BLOCKS;
    }

    /// @inheritdoc ISeedSource
    function stakeBlockOf(uint32 epoch) public view returns (uint256) {
        return epoch == 0 ? 0 : (epoch - 1) * EPOCH_BLOCKS;
    }
}
