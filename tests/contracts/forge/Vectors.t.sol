// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Draw} from "../../../contracts/libraries/Draw.sol";
import {Slots} from "../../../contracts/libraries/Slots.sol";
import {isTrue, same, sameBytes, vm} from "./Vm.sol";

/// @dev The same vectors hold Python (edgebounty/protocol) and Solidity to one meaning.
contract VectorsTest {
    function at(uint256 index, string memory field) private pure returns (string memory) {
        return string.concat("$[", vm.toString(index), "].", field);
    }

    function test_Draw_AgreesWithPython() public view {
        string memory json = vm.readFile("tests/vectors/draw.json");
        uint256 count = 0;
        for (; vm.keyExistsJson(json, at(count, "seed")); ++count) {
            bool drawn = Draw.isDrawn(
                vm.parseJsonBytes32(json, at(count, "seed")),
                vm.parseJsonUint(json, at(count, "jobId")),
                uint32(vm.parseJsonUint(json, at(count, "taskIndex"))),
                vm.parseJsonAddress(json, at(count, "worker")),
                vm.parseJsonUint(json, at(count, "stake")),
                vm.parseJsonUint(json, at(count, "totalStake")),
                vm.parseJsonUint(json, at(count, "slots")),
                vm.parseJsonUint(json, at(count, "reopens")) + Draw.LAST_TURN
            );
            isTrue(drawn == vm.parseJsonBool(json, at(count, "drawn")), "drawn");
        }
        isTrue(count >= 20, "vectors were read");
    }

    function test_Commitment_AgreesWithPython() public view {
        string memory json = vm.readFile("tests/vectors/commitment.json");
        uint256 count = 0;
        for (; vm.keyExistsJson(json, at(count, "commitment")); ++count) {
            bytes32 commitment = keccak256(
                abi.encode(
                    vm.parseJsonUint(json, at(count, "chainId")),
                    vm.parseJsonAddress(json, at(count, "lane")),
                    vm.parseJsonUint(json, at(count, "jobId")),
                    uint32(vm.parseJsonUint(json, at(count, "taskIndex"))),
                    vm.parseJsonAddress(json, at(count, "worker")),
                    vm.parseJsonBytes32(json, at(count, "resultDigest")),
                    vm.parseJsonBytes32(json, at(count, "salt"))
                )
            );
            sameBytes(commitment, vm.parseJsonBytes32(json, at(count, "commitment")), "commitment");
        }
        isTrue(count >= 2, "vectors were read");
    }
}

/// @dev Small pure parts, beside a slow and simple twin of each.
contract LibrariesTest {
    function testFuzz_Slots_LargestGroup(uint64 groups, uint16 revealed) public pure {
        (uint8 leader, uint8 votes) = Slots.largestGroup(groups, revealed);
        uint8 most = 0;
        uint8 by = 0;
        for (uint8 candidate = 0; candidate < 16; ++candidate) {
            uint8 count = 0;
            for (uint8 slot = 0; slot < 16; ++slot) {
                if ((revealed >> slot) & 1 == 1 && (groups >> (slot * 4)) & 15 == candidate) ++count;
            }
            if (count > most) (most, by) = (count, candidate);
        }
        same(votes, most, "votes");
        if (votes != 0) same(leader, by, "leader");
        uint16 mask = Slots.followers(groups, revealed, leader);
        same(Slots.size(mask), votes, "as many followers as votes");
        same(mask & ~revealed, 0, "only who revealed");
    }

    function testFuzz_Slots_Masks(uint16 mask, uint8 slot) public pure {
        uint256 count = 0;
        for (uint256 i = 0; i < 16; ++i) if (Slots.has(mask, i)) ++count;
        same(Slots.size(mask), count, "size");
        uint8 free = Slots.lowestFree(mask);
        isTrue(free == 16 || !Slots.has(mask, free), "free");
        same(Slots.below(free) & mask, Slots.below(free), "and all below are taken");
        slot %= 16;
        same(Slots.leaderOf(Slots.withLeader(0, slot, slot), slot), slot, "leader");
    }

    /// @dev More stake, more slots or more turns never make a draw worse.
    function testFuzz_Draw_IsMonotonic(
        bytes32 seed,
        address who,
        uint96 stake,
        uint96 others,
        uint8 slots
    ) public pure {
        uint256 total = uint256(stake) + others;
        uint256 n = 1 + (slots % 15);
        if (stake == 0 || seed == 0) {
            isTrue(!Draw.isDrawn(seed, 1, 2, who, stake, total, n, 3), "never without stake or seed");
            return;
        }
        for (uint256 doublings = 0; doublings < 20; ++doublings) {
            if (!Draw.isDrawn(seed, 1, 2, who, stake, total, n, doublings)) continue;
            isTrue(Draw.isDrawn(seed, 1, 2, who, stake, total, n, doublings + 1), "a turn later");
            isTrue(Draw.isDrawn(seed, 1, 2, who, stake, total, n + 1, doublings), "a slot more");
        }
        isTrue(Draw.isDrawn(seed, 1, 2, who, total, total, n, 0), "who has all is always drawn");
    }
}
