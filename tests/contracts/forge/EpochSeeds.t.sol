// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";
import {EpochSeeds} from "../../../contracts/EpochSeeds.sol";
import {ISeedSource} from "../../../contracts/interfaces/ISeedSource.sol";
import {expectError, isTrue, same, sameBytes, vm} from "./Vm.sol";

/// @dev The leaves of EpochSeeds.tree. Headers are made up, and forge is told their hashes.
contract EpochSeedsTest {
    using RLP for RLP.Encoder;

    EpochSeeds internal seeds;
    bytes32 internal constant RANDAO = keccak256("randao");

    function setUp() public {
        vm.roll(1000);
        vm.prevrandao(RANDAO);
        seeds = new EpochSeeds(32, 4);
    }

    /// @dev The fifteen first fields of a header; later forks only append.
    function header(uint256 number, bytes32 randao) private pure returns (bytes memory) {
        RLP.Encoder memory fields = RLP.encoder();
        for (uint256 i = 0; i < 2; ++i) fields.push(keccak256("hash"));
        fields.push(address(0x55));
        for (uint256 i = 0; i < 3; ++i) fields.push(keccak256("root"));
        fields.push(new bytes(256)).push(uint256(0)).push(number).push(uint256(30e6)).push(uint256(21000));
        fields.push(uint256(1_700_000_000)).push(bytes("extra")).push(randao).push(new bytes(8)).push(uint256(7));
        return fields.encode();
    }

    function test_RecordSeed_TakesTheRandaoOfTheEpochsFirstBlock() public {
        bytes memory rlp = header(960, RANDAO);
        vm.setBlockhash(960, keccak256(rlp));
        vm.warp(1_700_000_123);
        bytes32 expected = bytes32(uint256(RANDAO) & ~uint256(type(uint40).max));
        vm.expectEmit();
        emit ISeedSource.SeedRecorded(30, expected);
        sameBytes(seeds.recordSeed(30, rlp), expected, "seed");
        sameBytes(seeds.seedOf(30), expected, "stored");
        (bytes32 seed, uint256 stakeBlock, uint256 recordedAt) = seeds.drawOf(30);
        sameBytes(seed, expected, "drawn with");
        same(stakeBlock, 928, "stake as of the epoch before");
        same(recordedAt, 1_700_000_123, "known since");
        expectError(ISeedSource.SeedAlreadyRecorded.selector);
        seeds.recordSeed(30, rlp);
    }

    function test_RevertWhen_HeaderIsOfAnotherBlock() public {
        bytes memory rlp = header(961, RANDAO);
        vm.setBlockhash(960, keccak256(header(960, RANDAO)));
        expectError(ISeedSource.HeaderMismatch.selector);
        seeds.recordSeed(30, rlp);
    }

    function test_RevertWhen_EpochIsNotReached() public {
        expectError(ISeedSource.SeedBlockOutOfReach.selector);
        seeds.recordSeed(32, header(1024, RANDAO));
        vm.roll(1024);
        // A block does not know its own hash.
        expectError(ISeedSource.SeedBlockOutOfReach.selector);
        seeds.recordSeed(32, header(1024, RANDAO));
    }

    function test_RecordSeed_WindowOf256Blocks() public {
        bytes memory rlp = header(960, RANDAO);
        vm.roll(960 + 256);
        vm.setBlockhash(960, keccak256(rlp));
        seeds.recordSeed(30, rlp);
        vm.roll(992 + 257);
        expectError(ISeedSource.SeedBlockOutOfReach.selector);
        seeds.recordSeed(31, header(992, RANDAO));
        sameBytes(seeds.seedOf(31), 0, "no seed for ever: draws that waited for it are made anew");
    }

    function test_RevertWhen_RandaoIsNone() public {
        bytes memory rlp = header(960, bytes32(uint256(1)));
        vm.setBlockhash(960, keccak256(rlp));
        expectError(ISeedSource.RandomnessNotTrustworthy.selector);
        seeds.recordSeed(30, rlp);
    }

    function test_RevertGiven_ChainWithoutRandao_WhenDeployed() public {
        vm.prevrandao(bytes32(uint256(1)));
        expectError(ISeedSource.RandomnessNotTrustworthy.selector);
        new EpochSeeds(32, 4);
        vm.prevrandao(bytes32(uint256(17_000_000_000_000_000))); // a proof-of-work difficulty
        expectError(ISeedSource.RandomnessNotTrustworthy.selector);
        new EpochSeeds(32, 4);
    }

    function test_RevertWhen_EpochLengthIsOutOfRange() public {
        expectError(ISeedSource.EpochLengthOutOfRange.selector);
        new EpochSeeds(1, 1);
        expectError(ISeedSource.EpochLengthOutOfRange.selector);
        new EpochSeeds(129, 1);
    }

    function test_Epochs_Numbers() public {
        same(seeds.currentEpoch(), 31, "1000 / 32");
        same(seeds.seedBlockOf(31), 992, "first block");
        same(seeds.stakeBlockOf(31), 960, "first block of the one before");
        same(seeds.stakeBlockOf(0), 0, "nothing before the first");
    }

    function test_RevertWhen_MarginIsOutOfRange() public {
        expectError(ISeedSource.MarginOutOfRange.selector);
        new EpochSeeds(32, 0);
        expectError(ISeedSource.MarginOutOfRange.selector);
        new EpochSeeds(32, 32);
        new EpochSeeds(32, 31);
    }

    /// @dev Whoever proposes a block, or four in a row, before a seed's block opens no draw with that seed.
    function test_UnknownEpoch_BeginsMoreThanTheMarginLater() public {
        vm.roll(1024 - 5);
        same(seeds.unknownEpoch(), 32, "four blocks between 1019 and 1024");
        vm.roll(1024 - 4);
        same(seeds.unknownEpoch(), 33, "only three");
        vm.roll(1024 - 1);
        same(seeds.unknownEpoch(), 33, "the block before the seed's");
        vm.roll(1024);
        same(seeds.unknownEpoch(), 33, "the seed's own");
    }

    function testFuzz_UnknownEpoch_IsTheFirstThatIsFarEnough(uint32 blockNumber, uint8 length, uint8 margin) public {
        vm.roll(1000);
        uint256 epochBlocks = 2 + (uint256(length) % 127);
        uint256 marginBlocks = 1 + (uint256(margin) % (epochBlocks - 1));
        EpochSeeds made = new EpochSeeds(epochBlocks, marginBlocks);
        vm.roll(blockNumber);
        uint32 epoch = made.unknownEpoch();
        isTrue(made.seedBlockOf(epoch) > uint256(blockNumber) + marginBlocks, "far enough");
        isTrue(made.seedBlockOf(epoch - 1) <= uint256(blockNumber) + marginBlocks, "and no epoch before is");
    }
}
