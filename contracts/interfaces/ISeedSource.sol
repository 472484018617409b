// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Public randomness, one seed per epoch of blocks, fixed before anybody knows it.
interface ISeedSource {
    /// @param prevrandao what this chain gave as randomness at deployment
    error RandomnessNotTrustworthy(uint256 prevrandao);
    error EpochLengthOutOfRange(uint256 epochBlocks, uint256 shortest, uint256 longest);
    error MarginOutOfRange(uint256 marginBlocks, uint256 shortest, uint256 longest);
    /// @notice The chain no longer (or not yet) knows the hash of that block.
    error SeedBlockOutOfReach(uint32 epoch, uint256 seedBlock, uint256 blockNumber);
    error HeaderMismatch(uint32 epoch, bytes32 expectedHash, bytes32 actualHash);
    error SeedAlreadyRecorded(uint32 epoch, bytes32 seed);

    event SeedRecorded(uint32 indexed epoch, bytes32 seed);

    /// @notice Records the seed of `epoch`: the RANDAO in the header of the epoch's first block, its last five bytes
    ///         zeroed (the time of recording is stored there). Anyone may call.
    /// @dev The header proves itself: its keccak must be the block's hash, known for 256 blocks (8,191 where EIP-2935
    ///      is live). Later than that the epoch has no seed for ever, and draws that waited for it must be redrawn.
    /// @param headerRlp the RLP encoding of the header of block `seedBlockOf(epoch)`
    function recordSeed(uint32 epoch, bytes calldata headerRlp) external returns (bytes32 seed);

    /// @notice The recorded seed, zero if there is none: never draw with zero.
    function seedOf(uint32 epoch) external view returns (bytes32 seed);

    /// @notice What a draw needs, in one call: `seedOf`, `stakeBlockOf`, and since when the seed is recorded.
    function drawOf(uint32 epoch) external view returns (bytes32 seed, uint256 stakeBlock, uint256 recordedAt);

    /// @notice Blocks per epoch.
    function EPOCH_BLOCKS() external view returns (uint256);

    /// @notice Blocks that lie at least between a draw's opening and the block of its seed.
    function MARGIN_BLOCKS() external view returns (uint256);

    /// @notice The epoch of the present block.
    function currentEpoch() external view returns (uint32);

    /// @notice The first epoch whose seed nobody knows yet, to draw with: more than MARGIN_BLOCKS blocks begin before it.
    /// @dev The next epoch alone is not enough: the proposer of the block before a seed's block knows that seed, and could
    ///      open a draw in the block that it proposes. It takes a proposer of MARGIN_BLOCKS + 1 blocks in a row to do so.
    function unknownEpoch() external view returns (uint32);

    /// @notice The block whose header carries the epoch's seed: its first.
    function seedBlockOf(uint32 epoch) external view returns (uint256);

    /// @notice The block as at which stake counts in the epoch's draw: the first one of the epoch before.
    /// @dev A whole epoch earlier than the seed, because the proposer of the last blocks before the seed can know it
    ///      and could stake from addresses that were searched to suit it.
    function stakeBlockOf(uint32 epoch) external view returns (uint256);
}
