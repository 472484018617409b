// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {StakeVault} from "../../../contracts/StakeVault.sol";
import {Slots} from "../../../contracts/libraries/Slots.sol";
import {Terms} from "../../../contracts/libraries/Terms.sol";
import {OpenToken} from "../../../contracts/mocks/HostileTokens.sol";
import {vm} from "./Vm.sol";

/// @dev For halmos (`make deep`): not for many inputs but for all. Rounding, which a solver can only do when it may think
///      of whole numbers instead of bits.
contract SymbolicMoneyTest {
    /// @dev The no-show fee is never more than the stake, and never nothing.
    function check_NoShowFeeIsWithinTheStake(uint96 stake, uint16 bps) public pure {
        if (stake == 0 || bps == 0 || bps > Terms.ALL_BPS) return;
        uint256 product = uint256(stake) * bps;
        uint256 feeUp = product / Terms.ALL_BPS + (product % Terms.ALL_BPS == 0 ? 0 : 1);
        assert(feeUp <= stake && feeUp != 0);
    }
}

/// @dev Sets of slots and groups of equal digests.
contract SymbolicSlotsTest {
    function check_LeaderIsReadAsWritten(uint64 groups, uint8 slot, uint8 other, uint8 leader) public pure {
        if (slot > 15 || other > 15 || slot == other || leader > 15) return;
        if (Slots.leaderOf(groups, slot) != 0) return; // each slot is written once
        uint64 written = Slots.withLeader(groups, slot, leader);
        assert(Slots.leaderOf(written, slot) == leader);
        assert(Slots.leaderOf(written, other) == Slots.leaderOf(groups, other));
    }

    function check_SetsOfSlots(uint16 mask, uint8 slot) public pure {
        if (slot > 15) return;
        assert(Slots.has(mask | Slots.bit(slot), slot));
        assert(!Slots.has(mask & ~Slots.bit(slot), slot));
        assert(Slots.has(Slots.below(slot + 1), slot) && !Slots.has(Slots.below(slot), slot));
    }
}

/// @dev Conservation in the vault itself: whatever is locked, slashed, funded and unbonded, nothing appears or disappears.
contract SymbolicVaultTest {
    uint96 private constant STAKE = 1_000 ether;
    address private constant WORKER = address(0x2000);
    address private constant ESCROW = address(0x3000);

    OpenToken private _token;
    StakeVault private _vault;

    /// @dev This contract is the lane.
    function setUp() public {
        _token = new OpenToken();
        _vault = new StakeVault(_token, ESCROW, address(this), address(0), 60, 0);
        _token.mint(WORKER, STAKE);
        vm.prank(WORKER);
        _token.approve(address(_vault), STAKE);
        vm.prank(WORKER);
        _vault.stake(STAKE);
    }

    function check_SlashMovesWhatItTakesAndNoMore(uint96 locked, uint96 amount, uint96 funded) public {
        if (locked > STAKE || amount > locked || funded > amount) return;
        vm.roll(block.number + 1);
        _vault.lock(WORKER, locked, block.number - 1);
        _vault.slash(WORKER, amount, funded);
        (uint256 bonded, uint256 stillLocked, , ) = _vault.accountOf(WORKER);
        assert(bonded == STAKE - amount && stillLocked == locked - amount);
        assert(_vault.slashPool() == amount - funded && _token.balanceOf(ESCROW) == funded);
        assert(_token.balanceOf(address(_vault)) == _vault.totalOwed());
    }

    /// @dev I8: of a stake with a lock exactly the rest can leave.
    function check_LockedStakeCannotLeave(uint96 locked, uint96 leaving) public {
        if (locked > STAKE || leaving == 0) return;
        vm.roll(block.number + 1);
        _vault.lock(WORKER, locked, block.number - 1);
        vm.prank(WORKER);
        try _vault.unbond(leaving) {
            assert(leaving <= STAKE - locked);
        } catch {
            assert(leaving > STAKE - locked);
        }
        assert(_token.balanceOf(address(_vault)) == _vault.totalOwed());
    }
}
