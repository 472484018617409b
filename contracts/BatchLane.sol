// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {BatchBooks} from "./batch/BatchBooks.sol";
import {BatchPosting} from "./batch/BatchPosting.sol";
import {Openings} from "./batch/Openings.sol";
import {IBatchChallenges} from "./interfaces/IBatchChallenges.sol";
import {IBatchPayouts} from "./interfaces/IBatchPayouts.sol";
import {IBatchLane} from "./interfaces/IBatchLane.sol";
import {IBountyEscrow} from "./interfaces/IBountyEscrow.sol";
import {IStakeVault} from "./interfaces/IStakeVault.sol";
import {BatchHeader, BatchSettings, Verdict} from "./types/Batch.sol";

/// @title BatchLane
/// @dev Holds no token and moves none: the escrow keeps what batches may pay, the vault what orchestrators put up for them.
///      What is a fault is decided in BatchChallenges, and who is
///      paid in BatchPayouts; together they are larger than a contract may be.
contract BatchLane is BatchPosting {
    using Openings for *;
    using SafeCast for uint256;

    constructor(
        IBountyEscrow escrow,
        IStakeVault vault,
        IBatchChallenges challenges,
        IBatchPayouts payouts,
        address court,
        BatchSettings memory settings
    ) BatchBooks(escrow, vault, challenges, payouts, court, settings) {}

    /// @inheritdoc IBatchLane
    function releaseBond(BatchHeader calldata header) external returns (uint256 amount) {
        Posted storage posted = _stored(header);
        uint96 bond = posted.bond;
        if (bond != 0 && block.timestamp >= posted.postedAt + WINDOW) {
            posted.bond = 0;
            _release(header, header.orchestrator, bond);
            amount = bond;
        }
        uint96 restatedBond = posted.restatedBond;
        if (restatedBond != 0 && block.timestamp >= posted.statedAt + WINDOW) {
            posted.restatedBond = 0;
            _release(header, posted.restater, restatedBond);
            amount += restatedBond;
        }
        if (amount == 0) revert NothingToRelease(header.orchestrator, header.number);
    }

    /// @inheritdoc IBatchLane
    function giveBack(BatchHeader calldata header) external returns (uint256 amount) {
        Posted storage posted = _stored(header);
        amount = posted.aside;
        if (amount == 0) revert NothingAside(header.orchestrator, header.number);
        _requireFrom(posted.postedAt + WINDOW + CLAIM_TIME);

        posted.aside = 0;
        emit AsideReturned(header.orchestrator, header.number, header.job, amount);

        ESCROW.unreserve(header.job, header.orchestrator, amount);
    }

    // --- after a fault ---

    /// @inheritdoc IBatchLane
    function restate(BatchHeader calldata header, uint32 payoutCount, bytes32 payoutsRoot, bytes32 previous) external {
        Posted storage posted = _stored(header);
        (address orchestrator, uint256 number) = (header.orchestrator, header.number);
        Book storage book = _books[orchestrator];
        if (number != book.stated) revert NotNextToRestate(orchestrator, number, book.stated);
        bytes32 before = _hashBefore(orchestrator, number);
        if (previous != before) revert PreviousWrong(before, previous);
        uint256 bonded = _books[msg.sender].bonded + LEAST_BOND;
        _requireCovered(msg.sender, bonded);

        _books[msg.sender].bonded = bonded.toUint96();
        if (posted.restatedBond != 0) _release(header, posted.restater, posted.restatedBond);
        posted.headerHash = header.hashWith(payoutCount, payoutsRoot, previous);
        posted.statedAt = uint40(block.timestamp);
        posted.touched = true;
        (posted.restater, posted.restatedBond) = (msg.sender, LEAST_BOND.toUint96());
        book.stated = header.number + 1;
        emit PayoutsRestated(orchestrator, number, msg.sender, payoutCount, payoutsRoot, previous);
    }

    // --- for those that have seen the proof ---

    /// @inheritdoc IBatchLane
    function punish(
        BatchHeader calldata header,
        address challenger,
        Verdict verdict,
        uint32 position,
        uint32 count
    ) external onlyJudges {
        Posted storage posted = _stored(header);
        (address orchestrator, uint32 number) = (header.orchestrator, header.number);
        if (challenger == orchestrator) revert ChallengerIsOrchestrator(challenger);
        Book storage book = _books[orchestrator];
        bool payoutsOnly = verdict == Verdict.Rewind;
        if (payoutsOnly && number >= book.stated) revert AlreadyRewound(orchestrator, number);
        _requireBefore((payoutsOnly ? posted.statedAt : posted.postedAt) + WINDOW);

        if (verdict == Verdict.Strike) {
            _markStruck(header, position);
            // Saturates: bundles that claim more than any batch holds must not keep the next one from being struck.
            posted.struckReceipts = uint32(Math.min(uint256(posted.struckReceipts) + count, type(uint32).max));
            _setAside(header, posted, count);
            emit BundleStruck(orchestrator, number, challenger, position);
        } else if (verdict == Verdict.Void) {
            posted.voided = true;
            _setAside(header, posted, header.receiptCount);
            emit BatchVoided(orchestrator, number, challenger);
        }
        if (number < book.stated) {
            book.stated = number;
            emit PayoutsRewound(orchestrator, number, challenger);
        }
        // Whoever stated wrong payouts answers for them; for all else it is the orchestrator.
        if (payoutsOnly && posted.restater != address(0)) {
            uint256 restatedBond = posted.restatedBond;
            posted.restatedBond = 0;
            _slash(posted.restater, challenger, header.job, restatedBond);
        } else {
            uint256 bond = posted.bond;
            posted.bond = 0;
            _slash(orchestrator, challenger, header.job, bond);
        }
    }

    /// @inheritdoc IBatchLane
    function payReserved(address orchestrator, address to, uint256 amount) external onlyJudges {
        ESCROW.payReserved(orchestrator, to, amount);
    }

    /// @inheritdoc IBatchLane
    function payApart(
        BatchHeader calldata header,
        uint32 count,
        address account
    ) external onlyJudges returns (uint256 amount) {
        Posted storage posted = _stored(header);
        address orchestrator = header.orchestrator;
        amount = uint256(_jobs[orchestrator][header.job].price) * count;
        if (posted.voided) {
            _requireBefore(posted.postedAt + WINDOW + CLAIM_TIME);
            uint256 aside = posted.aside;
            amount = Math.min(amount, aside);
            if (amount == 0) revert NothingToClaim(orchestrator, header.number);
            posted.aside = (aside - amount).toUint96();
        } else {
            requireUsable(header);
        }

        ESCROW.creditReserved(orchestrator, account, header.job, amount);
    }

    /// @inheritdoc IBatchLane
    function holdDeposit(address account) external onlyJudges {
        VAULT.lock(account, DEPOSIT, block.number - 1);
    }

    /// @inheritdoc IBatchLane
    function settleDeposit(address account, address to) external onlyJudges {
        if (to == address(0)) {
            address[] memory accounts = new address[](1);
            accounts[0] = account;
            VAULT.unlock(accounts, DEPOSIT);
        } else {
            VAULT.slash(account, DEPOSIT, DEPOSIT);
            ESCROW.creditSlashed(to, 0, DEPOSIT);
        }
    }

    /// @inheritdoc IBatchLane
    function payFromBond(
        address orchestrator,
        address account,
        uint256 jobId,
        uint256 amount
    ) external onlyJudges returns (uint256 paid) {
        paid = Math.min(amount, _freeAllotted(orchestrator, orchestrator));
        if (paid == 0) return 0;

        VAULT.slashAllotted(orchestrator, orchestrator, paid, paid);
        ESCROW.creditSlashed(account, jobId, paid);
    }

    // --- the court ---

    /// @inheritdoc IBatchLane
    function slashSigner(
        address orchestrator,
        address worker,
        uint256 jobId,
        uint256 most,
        address rewarded,
        uint256 refund
    ) external onlyCourt returns (uint256 lost) {
        lost = Math.min(most, _freeAllotted(worker, orchestrator));
        if (lost == 0) return 0;
        uint256 rewardDown = rewarded == address(0) ? 0 : lost / 2;
        uint256 refunded = Math.min(refund, lost - lost / 2);

        VAULT.slashAllotted(worker, orchestrator, lost, rewardDown + refunded);
        if (rewardDown != 0) ESCROW.creditSlashed(rewarded, jobId, rewardDown);
        if (refunded != 0) ESCROW.creditSlashed(ESCROW.requesterOf(jobId), jobId, refunded);
    }

    /// @inheritdoc IBatchLane
    function payFromJob(uint256 jobId, address account, uint256 most) external onlyCourt returns (uint256 paid) {
        paid = Math.min(most, ESCROW.refundable(jobId));
        if (paid == 0) return 0;
        address orchestrator = _orchestratorOf[jobId];

        ESCROW.reserve(jobId, orchestrator, paid);
        ESCROW.creditReserved(orchestrator, account, jobId, paid);
    }

    // --- internals ---

    /// @dev What of an allotment no batch holds: only what an account allotted to itself answers for batches.
    function _freeAllotted(address worker, address orchestrator) private view returns (uint256) {
        (uint256 allotted, uint256 ending, ) = VAULT.allotmentOf(worker, orchestrator);
        uint256 bonded = worker == orchestrator ? _books[worker].bonded : 0;
        return Math.saturatingSub(allotted + ending, bonded);
    }

    function _release(BatchHeader calldata header, address account, uint96 amount) private {
        _books[account].bonded -= amount;
        emit BondReleased(account, header.orchestrator, header.number, amount);
    }

    /// @dev A bundle may claim more receipts than the whole batch was paid for; then the rest of it is set aside.
    function _setAside(BatchHeader calldata header, Posted storage posted, uint256 receipts) private {
        Job memory job = _jobs[header.orchestrator][header.job];
        uint256 cost = job.price + _feeDown(job);
        uint256 aside = posted.aside;
        uint256 left = header.receiptCount * cost - aside;
        posted.aside = (aside + Math.min(receipts * cost, left)).toUint96();
        posted.touched = true;
    }
}
