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
            uint256 lot = Draw.lotOf(
                vm.parseJsonBytes32(json, at(count, "seed")),
                vm.parseJsonUint(json, at(count, "jobId")),
                uint32(vm.parseJsonUint(json, at(count, "taskIndex"))),
                vm.parseJsonAddress(json, at(count, "worker"))
            );
            sameBytes(bytes32(lot), vm.parseJsonBytes32(json, at(count, "lot")), "lot");
            uint256 wait = Draw.waitOf(
                lot,
                vm.parseJsonUint(json, at(count, "stake")),
                vm.parseJsonUint(json, at(count, "totalStake")),
                vm.parseJsonUint(json, at(count, "slots")),
                vm.parseJsonUint(json, at(count, "reopens")),
                vm.parseJsonUint(json, at(count, "rampTime"))
            );
            bool drawn = vm.parseJsonBool(json, at(count, "drawn"));
            same(wait, drawn ? vm.parseJsonUint(json, at(count, "wait")) : Draw.NEVER, "wait");
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

    /// @dev More stake, more slots, another reopen or a shorter ramp never make anybody wait longer.
    function testFuzz_Draw_IsMonotonic(
        uint256 lot,
        uint96 stake,
        uint96 others,
        uint8 slots,
        uint8 reopens,
        uint24 ramp
    ) public pure {
        uint256 mine = stake / 2;
        uint256 total = mine + others / 2;
        uint256 n = 1 + (slots % 15);
        uint256 k = reopens % 16;
        uint256 r = uint256(ramp) + 1;
        uint256 wait = Draw.waitOf(lot, mine, total, n, k, r);
        if (mine == 0) {
            same(wait, Draw.NEVER, "never without stake");
            return;
        }
        isTrue(wait == Draw.NEVER || (wait >= 1 && wait <= r), "within the ramp");
        isTrue(Draw.waitOf(lot, mine, total, n + 1, k, r) <= wait, "a slot more");
        isTrue(Draw.waitOf(lot, mine, total, n, k + 1, r) <= wait, "another reopen");
        isTrue(Draw.waitOf(lot, mine * 2, total + mine, n, k, r) <= wait, "more stake");
        if (r > 1) isTrue(Draw.waitOf(lot, mine, total, n, k, r / 2) <= wait, "a shorter ramp");
        isTrue(Draw.waitOf(lot, mine, mine, n, k, r) <= r / 8 + 1, "who has all waits an eighth at most");
    }

    /// @dev The closed form beside the rule that it solves, second by second, for lots of 128 bits.
    function testFuzz_Draw_IsTheFirstSecondUnderTheThreshold(
        uint128 lot,
        uint64 stake,
        uint64 others,
        uint8 slots,
        uint8 ramp
    ) public pure {
        if (stake == 0) return;
        uint256 n = 1 + (slots % 16);
        uint256 r = uint256(ramp) + 1;
        uint256 total = uint256(stake) + others;
        uint256 wait = Draw.waitOf(uint256(lot) << 128, stake, total, n, 1, r);
        for (uint256 second = 0; second <= r; ++second) {
            bool under = lot * total * r < (2 * 8 * n * uint256(stake) * second) << 128;
            isTrue(under == (wait <= second), "the first second under the threshold");
        }
    }
}
