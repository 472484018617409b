// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {BountyEscrow} from "../../../contracts/BountyEscrow.sol";
import {DirectLane} from "../../../contracts/DirectLane.sol";
import {EdgeToken} from "../../../contracts/EdgeToken.sol";
import {StakeVault} from "../../../contracts/StakeVault.sol";
import {IBountyEscrow} from "../../../contracts/interfaces/IBountyEscrow.sol";
import {IDirectLane} from "../../../contracts/interfaces/IDirectLane.sol";
import {BlacklistToken, OpenToken, ReentrantToken} from "../../../contracts/mocks/HostileTokens.sol";
import {OpenLane} from "../../../contracts/mocks/OpenLane.sol";
import {JobTerms} from "../../../contracts/types/Market.sol";
import {MarketBase} from "./MarketBase.sol";
import {expectError, isTrue, same, sameBytes, vm} from "./Vm.sol";

/// @dev A token that refuses some accounts: whoever is refused keeps the credit and blocks nobody (I11).
contract BlacklistTest is MarketBase {
    function makeToken() internal override returns (OpenToken) {
        return new BlacklistToken();
    }

    function refuse(address account) private {
        BlacklistToken(address(token)).refuse(account);
    }

    function test_Blacklisted_WinnerKeepsItsCredit_OthersArePaid() public {
        uint256 id = post(terms());
        refuse(worker(0));
        finish(id, 0);
        expectError(BlacklistToken.Blacklisted.selector);
        escrow.withdrawFor(worker(0));
        same(escrow.creditOf(worker(0)), PRICE, "kept");
        escrow.withdrawFor(worker(1));
        vm.prank(worker(0));
        escrow.withdraw(anyone);
        same(token.balanceOf(anyone), PRICE, "elsewhere is fine");
        checkSolvent();
    }

    function test_Blacklisted_RequesterBlocksNoRefund() public {
        uint256 id = post(terms());
        refuse(requester);
        vm.warp(block.timestamp + 10_000);
        escrow.refund(id);
        same(escrow.creditOf(requester), escrow.bountyFor(terms()), "as credit");
    }

    function test_Blacklisted_BurnAddressStopsNoSettlement() public {
        uint256 id = post(terms());
        refuse(BURN);
        fillAndReveal(id, 0, 0, both(RIGHT, WRONG));
        lane.settle(id, 0);
        know(id, 0);
        fillAndReveal(id, 0, 2, one(RIGHT));
        lane.settle(id, 0);
        same(escrow.creditOf(worker(0)), PRICE, "paid");
        same(vault.slashPool(), CLAIM_STAKE, "waits");
        expectError(BlacklistToken.Blacklisted.selector);
        vault.burnSlashed();
    }
}

/// @dev A token with hooks: whatever is called from within a transfer, the books still add up.
contract ReentrancyTest is MarketBase {
    bytes4 internal constant GUARD = ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector;
    ReentrantToken internal hooked;
    uint256 internal id;

    function makeToken() internal override returns (OpenToken) {
        hooked = new ReentrantToken();
        return hooked;
    }

    function setUp() public override {
        super.setUp();
        id = post(terms());
        finish(id, 0);
        vm.prank(worker(5));
        vault.unbond(10 ether);
        vm.warp(block.timestamp + UNBONDING);
    }

    /// @dev Every state-changing function, called by the token in the midst of a transfer.
    function calls() private view returns (address[] memory targets, bytes[] memory payloads) {
        targets = new address[](13);
        payloads = new bytes[](13);
        address[] memory list = new address[](1);
        list[0] = address(hooked);
        for (uint256 i = 0; i < 6; ++i) targets[i] = address(escrow);
        payloads[0] = abi.encodeCall(escrow.postJob, (terms()));
        payloads[1] = abi.encodeCall(escrow.withdraw, (anyone));
        payloads[2] = abi.encodeCall(escrow.withdrawFor, (worker(0)));
        payloads[3] = abi.encodeCall(escrow.refund, (id));
        payloads[4] = abi.encodeCall(escrow.stop, (id));
        payloads[5] = abi.encodeCall(escrow.settleTask, (id, list, 1, 0));
        for (uint256 i = 6; i < 11; ++i) targets[i] = address(vault);
        payloads[6] = abi.encodeCall(vault.stake, (1 ether));
        payloads[7] = abi.encodeCall(vault.withdrawStake, ());
        payloads[8] = abi.encodeCall(vault.unbond, (1 ether));
        payloads[9] = abi.encodeCall(vault.burnSlashed, ());
        payloads[10] = abi.encodeCall(vault.slash, (worker(0), 1, 0));
        for (uint256 i = 11; i < 13; ++i) targets[i] = address(lane);
        payloads[11] = abi.encodeCall(lane.settle, (id, 0));
        payloads[12] = abi.encodeCall(lane.claim, (id, 0));
    }

    function test_Reentrancy_BooksAddUpWhateverIsCalled() public {
        (address[] memory targets, bytes[] memory payloads) = calls();
        for (uint256 i = 0; i < targets.length; ++i) {
            hooked.arm(worker(0), targets[i], payloads[i]);
            if (escrow.creditOf(worker(0)) == 0) {
                uint256 more = post(terms());
                finish(more, 0);
            }
            uint256 before = hooked.balanceOf(worker(0));
            vm.prank(worker(0));
            escrow.withdraw(worker(0));
            same(hooked.balanceOf(worker(0)) - before, PRICE, "paid once");
            checkSolvent();
            hooked.arm(requester, targets[i], payloads[i]);
            post(terms());
            checkSolvent();
            fund(worker(6), 1 ether, address(vault));
            hooked.arm(worker(6), targets[i], payloads[i]);
            vm.prank(worker(6));
            vault.stake(1 ether);
            checkSolvent();
        }
    }

    function test_Reentrancy_WithdrawTwiceIsRefused() public {
        hooked.arm(worker(0), address(escrow), abi.encodeCall(escrow.withdrawFor, (worker(0))));
        vm.prank(worker(0));
        escrow.withdraw(worker(0));
        isTrue(hooked.called() && !hooked.succeeded(), "the inner call failed");
        same(hooked.balanceOf(worker(0)), PRICE, "paid once");
    }

    /// @dev The token calls as itself, so it has to be the worker too.
    function test_Reentrancy_WithdrawStakeTwiceIsRefused() public {
        stakeAs(address(hooked), 20 ether);
        vm.prank(address(hooked));
        vault.unbond(10 ether);
        vm.warp(block.timestamp + UNBONDING);
        hooked.arm(address(hooked), address(vault), abi.encodeCall(vault.withdrawStake, ()));
        vm.prank(address(hooked));
        vault.withdrawStake();
        isTrue(hooked.called() && !hooked.succeeded(), "the inner call failed");
        same(hooked.balanceOf(address(hooked)), 10 ether, "paid once");
        checkSolvent();
    }

    /// @dev Else the outer deposit would take what the inner one brought for its own.
    function test_Reentrancy_StakeWithinAStakeIsRefused() public {
        fund(worker(6), 1 ether, address(vault));
        hooked.arm(worker(6), address(vault), abi.encodeCall(vault.stake, (1 ether)));
        vm.prank(worker(6));
        vault.stake(1 ether);
        isTrue(hooked.called() && !hooked.succeeded(), "the inner call failed");
        sameBytes(bytes4(hooked.answer()), GUARD, "at the guard");
        checkSolvent();
    }

    /// @dev Only the batch lane may call it, so here the token is that lane too.
    function test_Reentrancy_PayReservedWithinItselfIsRefused() public {
        BountyEscrow other = new BountyEscrow(hooked, address(lane), address(hooked), 1000, 1);
        bytes memory again = abi.encodeCall(other.payReserved, (orchestrator, anyone, 0));
        hooked.arm(anyone, address(other), again);
        vm.prank(address(hooked));
        other.payReserved(orchestrator, anyone, 0);
        isTrue(hooked.called() && !hooked.succeeded(), "the inner call failed");
        sameBytes(bytes4(hooked.answer()), GUARD, "at the guard");
    }

    /// @dev Each function that moves tokens refuses to be entered from within another of its contract.
    function test_Reentrancy_EveryMoveOfTokensIsGuarded() public {
        (address[] memory targets, bytes[] memory payloads) = calls();
        payloads[8] = abi.encodeCall(vault.sponsor, (worker(1), 1));
        payloads[10] = abi.encodeCall(vault.stakeWithPermit, (1, 1, 27, bytes32(0), bytes32(0)));
        payloads[3] = abi.encodeCall(escrow.postJobWithPermit, (terms(), 1, 27, bytes32(0), bytes32(0)));
        for (uint256 i = 0; i < 11; ++i) {
            if (i == 4 || i == 5) continue;
            bool ofEscrow = targets[i] == address(escrow);
            fund(worker(6), 1 ether, address(vault)); // a mint would call back too, so before arming
            hooked.arm(ofEscrow ? requester : worker(6), targets[i], payloads[i]);
            vm.prank(ofEscrow ? requester : worker(6));
            if (ofEscrow) escrow.postJob(terms());
            else vault.stake(1 ether);
            isTrue(hooked.called() && !hooked.succeeded(), "the inner call failed");
            sameBytes(bytes4(hooked.answer()), GUARD, "at the guard");
        }
    }
}

/// @dev Contracts that do not belong together refuse to be born.
contract WiringTest is MarketBase {
    function test_RevertGiven_WrongWiring() public {
        expectError(IDirectLane.WrongWiring.selector);
        new DirectLane(escrow, vault, seeds, NO_SHOW_BPS, DRAW_TIME, RAMP_TIME);
    }

    function predict(uint256 ahead) private view returns (address) {
        return vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + ahead);
    }

    function wire(bool vaultKnowsLane, bool vaultKnowsEscrow, bool sameToken, bool sameBatch) private {
        address escrowAt = predict(2);
        address laneAt = predict(3);
        OpenToken other = new OpenToken();
        StakeVault v = new StakeVault(
            sameToken ? token : other,
            vaultKnowsEscrow ? escrowAt : anyone,
            vaultKnowsLane ? laneAt : anyone,
            sameBatch ? address(0) : anyone,
            60,
            1
        );
        BountyEscrow e = new BountyEscrow(token, laneAt, address(0), 1000, 1);
        if (!(vaultKnowsLane && vaultKnowsEscrow && sameToken && sameBatch)) {
            expectError(IDirectLane.WrongWiring.selector);
        }
        new DirectLane(e, v, seeds, NO_SHOW_BPS, DRAW_TIME, RAMP_TIME);
    }

    function test_RevertGiven_AnyWireWrong() public {
        wire(true, true, true, true);
        wire(false, true, true, true);
        wire(true, false, true, true);
        wire(true, true, false, true);
        wire(true, true, true, false);
    }

    /// @dev An account instead of a lane could slash whatever is locked, by its key.
    function test_RevertGiven_BatchLaneWithoutCode() public {
        uint64 nonce = vm.getNonce(address(this));
        address escrowAt = vm.computeCreateAddress(address(this), nonce + 1);
        address laneAt = vm.computeCreateAddress(address(this), nonce + 2);
        StakeVault v = new StakeVault(token, escrowAt, laneAt, anyone, 60, 1);
        BountyEscrow e = new BountyEscrow(token, laneAt, anyone, 1000, 1);
        vm.expectRevert(abi.encodeWithSelector(IDirectLane.LaneWithoutCode.selector, anyone));
        new DirectLane(e, v, seeds, NO_SHOW_BPS, DRAW_TIME, RAMP_TIME);
    }

    function test_RevertGiven_TaskTimeFloorOutOfRange() public {
        expectError(IBountyEscrow.TaskTimeOutOfRange.selector);
        new BountyEscrow(token, address(lane), address(0), 1000, 0);
        expectError(IBountyEscrow.TaskTimeOutOfRange.selector);
        new BountyEscrow(token, address(lane), address(0), 1000, 7 days + 1);
    }

    function test_Settings_LongestDrawTime() public {
        uint64 nonce = vm.getNonce(address(this));
        address escrowAt = vm.computeCreateAddress(address(this), nonce + 1);
        address laneAt = vm.computeCreateAddress(address(this), nonce + 2);
        StakeVault v = new StakeVault(token, escrowAt, laneAt, address(0), 60, 1);
        BountyEscrow e = new BountyEscrow(token, laneAt, address(0), 1000, 1);
        same(new DirectLane(e, v, seeds, NO_SHOW_BPS, 1 days, 1 days).DRAW_TIME(), 1 days, "a day is allowed");
    }

    function test_RevertGiven_SettingsOutOfRange() public {
        expectError(IDirectLane.NoShowFeeOutOfRange.selector);
        new DirectLane(escrow, vault, seeds, 0, DRAW_TIME, RAMP_TIME);
        expectError(IDirectLane.NoShowFeeOutOfRange.selector);
        new DirectLane(escrow, vault, seeds, 10_001, DRAW_TIME, RAMP_TIME);
        expectError(IDirectLane.DrawTimeOutOfRange.selector);
        new DirectLane(escrow, vault, seeds, NO_SHOW_BPS, RAMP_TIME - 1, RAMP_TIME);
        expectError(IDirectLane.DrawTimeOutOfRange.selector);
        new DirectLane(escrow, vault, seeds, NO_SHOW_BPS, 1 days + 1, RAMP_TIME);
        expectError(IDirectLane.DrawTimeOutOfRange.selector);
        new DirectLane(escrow, vault, seeds, NO_SHOW_BPS, 1 days, 1 days + 1);
        expectError(IDirectLane.DrawTimeOutOfRange.selector);
        new DirectLane(escrow, vault, seeds, NO_SHOW_BPS, DRAW_TIME, 0);
    }

    function test_RevertGiven_Ethereum_WhenDeployingTheTestToken() public {
        vm.chainId(1);
        expectError(EdgeToken.NotATestNetwork.selector);
        new EdgeToken();
    }

    function test_Faucet() public {
        EdgeToken edge = new EdgeToken();
        edge.faucet();
        same(edge.balanceOf(address(this)), 10_000 ether, "minted");
    }
}

/// @dev EIP-2612: one transaction instead of two, and a permit that somebody else used first hinders nobody.
contract PermitTest is MarketBase {
    EdgeToken internal edge;
    BountyEscrow internal edgeEscrow;
    StakeVault internal edgeVault;
    uint256 internal constant KEY = 0xA11CE;
    address internal alice;

    function setUp() public override {
        super.setUp();
        edge = new EdgeToken();
        OpenLane plain = new OpenLane();
        edgeEscrow = new BountyEscrow(edge, address(plain), address(0), 1000, 1);
        edgeVault = new StakeVault(edge, address(edgeEscrow), address(plain), address(0), 60, 1);
        alice = vm.addr(KEY);
        vm.prank(alice);
        edge.faucet();
    }

    function edgeTerms() private view returns (JobTerms memory wanted) {
        wanted = terms();
        wanted.lane = edgeEscrow.DIRECT_LANE();
    }

    function permit(address spender, uint256 value) private view returns (uint8 v, bytes32 r, bytes32 s) {
        bytes32 kind = keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
        bytes32 data = keccak256(abi.encode(kind, alice, spender, value, edge.nonces(alice), block.timestamp));
        return vm.sign(KEY, keccak256(abi.encodePacked(hex"1901", edge.DOMAIN_SEPARATOR(), data)));
    }

    function test_Permit_PostsAJob() public {
        JobTerms memory wanted = edgeTerms();
        (uint8 v, bytes32 r, bytes32 s) = permit(address(edgeEscrow), edgeEscrow.bountyFor(wanted));
        vm.prank(alice);
        edgeEscrow.postJobWithPermit(wanted, block.timestamp, v, r, s);
        same(edgeEscrow.jobCount(), 1, "posted");
        vm.expectRevert();
        vm.prank(alice);
        edgeEscrow.postJobWithPermit(wanted, block.timestamp, v, r, s);
    }

    function test_Permit_Stakes() public {
        (uint8 v, bytes32 r, bytes32 s) = permit(address(edgeVault), 5 ether);
        vm.prank(alice);
        edgeVault.stakeWithPermit(5 ether, block.timestamp, v, r, s);
        same(edgeVault.totalStaked(), 5 ether, "staked");
    }

    function test_Permit_UsedFirstBySomebodyElse() public {
        JobTerms memory wanted = edgeTerms();
        uint256 bounty = edgeEscrow.bountyFor(wanted);
        (uint8 v, bytes32 r, bytes32 s) = permit(address(edgeEscrow), bounty);
        vm.prank(anyone);
        edge.permit(alice, address(edgeEscrow), bounty, block.timestamp, v, r, s);
        vm.prank(alice);
        edgeEscrow.postJobWithPermit(wanted, block.timestamp, v, r, s);
        same(edgeEscrow.jobCount(), 1, "posted all the same");

        (v, r, s) = permit(address(edgeVault), 5 ether);
        vm.prank(anyone);
        edge.permit(alice, address(edgeVault), 5 ether, block.timestamp, v, r, s);
        vm.prank(alice);
        edgeVault.stakeWithPermit(5 ether, block.timestamp, v, r, s);
        same(edgeVault.totalStaked(), 5 ether, "staked all the same");
    }

    function test_RevertWhen_PermitIsReplayed() public {
        (uint8 v, bytes32 r, bytes32 s) = permit(address(edgeVault), 5 ether);
        vm.prank(alice);
        edgeVault.stakeWithPermit(5 ether, block.timestamp, v, r, s);
        refused(v, r, s);
    }

    /// @dev After a split of the chain both halves know the same accounts and numbers, but not the same chain id.
    function test_RevertWhen_PermitIsOfAFork() public {
        (uint8 v, bytes32 r, bytes32 s) = permit(address(edgeVault), 5 ether);
        vm.chainId(31338);
        refused(v, r, s);
    }

    /// @dev To every signature (v, r, s) belongs another that verifies as well: (v', r, order - s).
    function test_RevertWhen_PermitHasTheOtherS() public {
        (uint8 v, bytes32 r, bytes32 s) = permit(address(edgeVault), 5 ether);
        uint256 order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;
        refused(v == 27 ? 28 : 27, r, bytes32(order - uint256(s)));
        vm.prank(alice);
        edgeVault.stakeWithPermit(5 ether, block.timestamp, v, r, s);
    }

    function test_RevertWhen_PermitIsForAnotherContract() public {
        (uint8 v, bytes32 r, bytes32 s) = permit(address(edgeEscrow), 5 ether);
        refused(v, r, s);
    }

    function refused(uint8 v, bytes32 r, bytes32 s) private {
        uint256 before = edgeVault.totalStaked();
        vm.expectRevert();
        vm.prank(alice);
        edgeVault.stakeWithPermit(5 ether, block.timestamp, v, r, s);
        same(edgeVault.totalStaked(), before, "nothing was staked");
    }

    function test_RevertWhen_PermitIsOfSomebodyElse() public {
        (uint8 v, bytes32 r, bytes32 s) = permit(address(edgeVault), 5 ether);
        vm.expectRevert();
        vm.prank(anyone);
        edgeVault.stakeWithPermit(5 ether, block.timestamp, v, r, s);
    }
}
