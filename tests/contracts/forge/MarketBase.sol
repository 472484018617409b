// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {BountyEscrow} from "../../../contracts/BountyEscrow.sol";
import {DirectLane} from "../../../contracts/DirectLane.sol";
import {StakeVault} from "../../../contracts/StakeVault.sol";
import {FixedSeeds} from "../../../contracts/mocks/FixedSeeds.sol";
import {OpenToken} from "../../../contracts/mocks/HostileTokens.sol";
import {OpenLane} from "../../../contracts/mocks/OpenLane.sol";
import {JobTerms, TaskStatus, TaskView} from "../../../contracts/types/Market.sol";
import {same, vm} from "./Vm.sol";

/// @dev A market with sixteen staked workers, and short words for what happens in it. Seeds are set by the test; the
///      default one draws everybody into a first wave, because with sixteen equal stakes 8 x slots x stake is the total.
abstract contract MarketBase {
    uint256 internal constant NO_SHOW_BPS = 500;
    uint256 internal constant DRAW_TIME = 40;
    uint256 internal constant RAMP_TIME = 30;
    uint256 internal constant UNBONDING = 60;
    uint256 internal constant STAKE = 1_000 ether;
    uint256 internal constant PRICE = 1 ether;
    uint256 internal constant CLAIM_STAKE = 2 ether;
    uint32 internal constant TASK_TIME = 100;
    uint16 internal constant FEE_BPS = 250;
    bytes32 internal constant SALT = keccak256("salt");
    bytes32 internal constant RIGHT = keccak256("right");
    bytes32 internal constant WRONG = keccak256("wrong");
    address internal constant BURN = 0x000000000000000000000000000000000000dEaD;

    OpenToken internal token;
    FixedSeeds internal seeds;
    StakeVault internal vault;
    BountyEscrow internal escrow;
    DirectLane internal lane;
    OpenLane internal otherLane;

    address internal requester = address(0x1001);
    address internal orchestrator = address(0x1002);
    address internal anyone = address(0x1003);

    function setUp() public virtual {
        vm.chainId(31337);
        vm.roll(100);
        vm.warp(1_000_000);
        token = makeToken();
        seeds = new FixedSeeds();
        otherLane = new OpenLane();
        uint64 nonce = vm.getNonce(address(this));
        address escrowAt = vm.computeCreateAddress(address(this), nonce + 1);
        address laneAt = vm.computeCreateAddress(address(this), nonce + 2);
        vault = new StakeVault(token, escrowAt, laneAt, address(otherLane), UNBONDING, 10_000 ether);
        escrow = new BountyEscrow(token, laneAt, address(otherLane), 1000, 1);
        lane = new DirectLane(escrow, vault, seeds, NO_SHOW_BPS, DRAW_TIME, RAMP_TIME);
        otherLane.connect(escrow, vault);

        for (uint256 i = 0; i < 16; ++i) stakeAs(worker(i), STAKE);
        fund(requester, 1_000_000 ether, address(escrow));
        vm.roll(120);
    }

    function makeToken() internal virtual returns (OpenToken) {
        return new OpenToken();
    }

    // --- people ---

    function worker(uint256 index) internal pure returns (address) {
        return address(uint160(0x2000 + index));
    }

    function fund(address account, uint256 amount, address spender) internal {
        token.mint(account, amount);
        vm.prank(account);
        token.approve(spender, type(uint256).max);
    }

    function stakeAs(address account, uint256 amount) internal {
        fund(account, amount, address(vault));
        vm.prank(account);
        vault.stake(amount);
    }

    function lockedOf(address account) internal view returns (uint256 locked) {
        (, locked, , ) = vault.accountOf(account);
    }

    function bondedOf(address account) internal view returns (uint256 bonded) {
        (bonded, , , ) = vault.accountOf(account);
    }

    // --- jobs ---

    /// @dev One map task, quorum of two out of four.
    function terms() internal view returns (JobTerms memory) {
        return
            JobTerms({
                lane: address(lane),
                orchestrator: orchestrator,
                deadline: uint40(block.timestamp + 10_000),
                taskTime: TASK_TIME,
                mapTasks: 1,
                reduceTasks: 0,
                rounds: 1,
                quorum: 2,
                workSlots: 4,
                auditSlots: 1,
                feeBps: FEE_BPS,
                slotPrice: uint128(PRICE),
                stakePerClaim: uint128(CLAIM_STAKE),
                manifestDigest: keccak256("manifest")
            });
    }

    function post(JobTerms memory wanted) internal returns (uint256 jobId) {
        vm.prank(requester);
        jobId = escrow.postJob(wanted);
        if (wanted.lane == address(lane)) know(jobId, 0);
    }

    /// @dev Lets the draw epoch of the task begin and its seed be known.
    function know(uint256 jobId, uint32 task) internal {
        uint32 epoch = lane.drawEpochOf(jobId, task);
        if (block.number <= epoch * 4) vm.roll(epoch * 4 + 1);
        bytes32 seed = keccak256(abi.encode("seed", epoch));
        if (lane.taskOf(jobId, task).firstSlot != 0) seed = seedForAFew(jobId, task, seed);
        seeds.set(epoch, seed);
        vm.warp(block.timestamp + RAMP_TIME);
    }

    /// @dev For one missing replica only eight of sixteen equal stakes are drawn: here workers 2 to 7 are among them.
    function seedForAFew(uint256 jobId, uint32 task, bytes32 seed) private pure returns (bytes32) {
        for (uint256 i = 2; i < 8; ++i) {
            bytes32 mark = keccak256(abi.encode(seed, jobId, task, worker(i)));
            if (uint256(mark) >> 252 < 7) continue;
            seed = keccak256(abi.encode(seed));
            i = 1;
        }
        return seed;
    }

    /// @dev Lets the draw epoch of the task pass.
    function passDraw(uint256 jobId, uint32 task) internal {
        uint256 next = (uint256(lane.drawEpochOf(jobId, task)) + 1) * 4;
        if (block.number < next) vm.roll(next);
    }

    // --- acts ---

    function claim(uint256 jobId, uint32 task, uint256 who) internal {
        vm.prank(worker(who));
        lane.claim(jobId, task);
    }

    function sealedFor(uint256 jobId, uint32 task, address who, bytes32 digest) internal view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, address(lane), jobId, task, who, digest, SALT));
    }

    function commit(uint256 jobId, uint32 task, uint256 who, bytes32 digest) internal {
        bytes32 commitment = sealedFor(jobId, task, worker(who), digest);
        vm.prank(worker(who));
        lane.commit(jobId, task, commitment);
    }

    function reveal(uint256 jobId, uint32 task, uint256 who, bytes32 digest) internal {
        vm.prank(worker(who));
        lane.reveal(jobId, task, digest, SALT);
    }

    /// @dev Workers `from` to `from + digests.length - 1` claim, then commit.
    function fill(uint256 jobId, uint32 task, uint256 from, bytes32[] memory digests) internal {
        for (uint256 i = 0; i < digests.length; ++i) claim(jobId, task, from + i);
        for (uint256 i = 0; i < digests.length; ++i) commit(jobId, task, from + i, digests[i]);
    }

    /// @dev ... and all of them reveal.
    function fillAndReveal(uint256 jobId, uint32 task, uint256 from, bytes32[] memory digests) internal {
        fill(jobId, task, from, digests);
        for (uint256 i = 0; i < digests.length; ++i) reveal(jobId, task, from + i, digests[i]);
    }

    /// @dev A task's whole life with two honest workers.
    function finish(uint256 jobId, uint32 task) internal {
        know(jobId, task);
        fillAndReveal(jobId, task, 0, both(RIGHT, RIGHT));
        lane.settle(jobId, task);
    }

    function both(bytes32 a, bytes32 b) internal pure returns (bytes32[] memory digests) {
        digests = new bytes32[](2);
        (digests[0], digests[1]) = (a, b);
    }

    function one(bytes32 a) internal pure returns (bytes32[] memory digests) {
        digests = new bytes32[](1);
        digests[0] = a;
    }

    // --- what holds always ---

    function checkStatus(uint256 jobId, uint32 task, TaskStatus expected) internal view {
        same(uint256(lane.taskOf(jobId, task).status), uint256(expected), "status");
    }

    /// @dev I1: both contracts hold what they owe; to the unit, because nobody donated.
    function checkSolvent() internal view {
        same(token.balanceOf(address(vault)), vault.totalOwed(), "vault holds what it owes");
        same(token.balanceOf(address(escrow)), escrow.totalOwed(), "escrow holds what it owes");
        same(token.balanceOf(address(lane)), 0, "the lane holds nothing");
    }
}
