// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BatchMessages} from "./batch/BatchMessages.sol";
import {Openings} from "./batch/Openings.sol";
import {IBatchLane} from "./interfaces/IBatchLane.sol";
import {IBatchPayouts} from "./interfaces/IBatchPayouts.sol";
import {Acceptance, BatchHeader, BatchJob, BundleOpening, PayoutOpening} from "./types/Batch.sol";
import {Withdrawal, WithdrawalProblem} from "./types/Batch.sol";

/// @title BatchPayouts
/// @dev Holds no token: it tells the lane whom to pay what, and answers for nobody being paid twice.
contract BatchPayouts is IBatchPayouts {
    using BatchMessages for *;
    using Openings for *;

    struct Claim {
        // 20 + 5 + 4
        address by;
        uint40 deadline; // Unix seconds
        uint32 firstTask;
        // 20 + 4
        address worker;
        uint32 count;
        uint256 job;
    }

    IBatchLane public immutable LANE;

    /// @inheritdoc IBatchPayouts
    mapping(address orchestrator => mapping(uint256 index => uint256)) public withdrawnOf;
    // Bits by bundle position
    mapping(address orchestrator => mapping(uint256 number => mapping(uint256 word => uint256))) private _paidApart;
    Claim[] private _claims;
    mapping(bytes32 key => bool) private _claimed;

    /// @param lane predicted address: the lane is deployed after this contract and checks it
    constructor(IBatchLane lane) {
        LANE = lane;
    }

    // --- payees ---

    /// @inheritdoc IBatchPayouts
    function withdraw(BatchHeader calldata header, Withdrawal calldata asked) external returns (uint256 amount) {
        LANE.requireUsable(header);
        WithdrawalProblem problem;
        (amount, problem) = _withdraw(header, asked);
        if (problem != WithdrawalProblem.None) revert WithdrawalRefused(asked.index, problem);
    }

    /// @inheritdoc IBatchPayouts
    function withdrawMany(BatchHeader calldata header, Withdrawal[] calldata asked) external returns (uint256 paid) {
        LANE.requireUsable(header);
        for (uint256 i = 0; i < asked.length; ++i) {
            (, WithdrawalProblem problem) = _withdraw(header, asked[i]);
            if (problem == WithdrawalProblem.None) ++paid;
            else emit WithdrawalSkipped(header.orchestrator, asked[i].index, problem);
        }
    }

    // --- bundles of void batches, and in the wrong place ---

    /// @inheritdoc IBatchPayouts
    function claimVoided(
        BatchHeader calldata header,
        BundleOpening calldata opening
    ) external returns (uint256 amount) {
        if (!LANE.stateOf(header).voided) revert IBatchLane.BatchNotVoid(header.orchestrator, header.number);
        return _payApart(header, opening);
    }

    /// @inheritdoc IBatchPayouts
    function claimMisplaced(
        BatchHeader calldata header,
        BundleOpening calldata opening,
        PayoutOpening calldata owned
    ) external returns (uint256 amount) {
        if (LANE.stateOf(header).voided) revert IBatchLane.BatchVoid(header.orchestrator, header.number);
        uint256 index = opening.bundle.payoutIndex;
        if (!owned.isIn(header, index)) revert NotInTree(index);
        if (owned.account == opening.bundle.account) revert NotMisplaced(opening.position);
        return _payApart(header, opening);
    }

    // --- workers who were left out ---

    /// @inheritdoc IBatchPayouts
    function claimBundle(
        Acceptance calldata acceptance,
        bytes32 r,
        bytes32 vs,
        BatchHeader calldata header
    ) external returns (uint256 claimId) {
        BatchJob memory job = LANE.jobOf(acceptance.job);
        bool signed =
            acceptance.orchestrator == job.orchestrator && acceptance.signedBy(r, vs, address(LANE).separator());
        if (!signed) revert SignatureWrong(job.orchestrator);
        uint256 answerTime = LANE.ANSWER_TIME();
        uint256 latest = _claimableUntil(acceptance, header, job) - answerTime;
        if (block.timestamp > latest) revert ClaimTooLate(latest, block.timestamp);
        bytes32 key = keccak256(abi.encode(acceptance.job, acceptance.worker, acceptance.firstTask));
        if (_claimed[key]) revert ClaimRepeated(key);
        _claimed[key] = true;

        claimId = _claims.length;
        uint40 deadline = uint40(block.timestamp + answerTime);
        _claims.push(
            Claim({
                by: msg.sender,
                deadline: deadline,
                firstTask: acceptance.firstTask,
                worker: acceptance.worker,
                count: acceptance.count,
                job: acceptance.job
            })
        );
        emit BundleClaimed(claimId, acceptance, msg.sender, deadline);

        LANE.holdDeposit(msg.sender);
    }

    /// @inheritdoc IBatchPayouts
    function showBundle(uint256 claimId, BatchHeader calldata header, BundleOpening calldata opening) external {
        Claim memory claim = _claimAt(claimId);
        if (block.timestamp >= claim.deadline) revert AnswerTooLate(claim.deadline, block.timestamp);
        LANE.stateOf(header);
        bool meant = header.job == claim.job && header.firstTask == claim.firstTask;
        bool theirs = opening.bundle.account == claim.worker && opening.bundle.count >= claim.count;
        if (!meant || !theirs || !opening.isIn(header)) revert NotIncluded(claimId);

        _claims[claimId].by = address(0);
        emit ClaimAnswered(claimId, msg.sender);

        LANE.settleDeposit(claim.by, msg.sender);
    }

    /// @inheritdoc IBatchPayouts
    function payClaim(uint256 claimId) external returns (uint256 amount) {
        Claim memory claim = _claimAt(claimId);
        if (block.timestamp < claim.deadline) revert TooEarly(claim.deadline, block.timestamp);
        BatchJob memory job = LANE.jobOf(claim.job);
        _claims[claimId].by = address(0);

        LANE.settleDeposit(claim.by, address(0));
        amount = LANE.payFromBond(job.orchestrator, claim.worker, claim.job, uint256(claim.count) * job.price);
        emit ClaimPaid(claimId, claim.worker, amount);
    }

    // --- views ---

    /// @inheritdoc IBatchPayouts
    function isClaimed(address orchestrator, uint256 number, uint256 position) public view returns (bool) {
        return (_paidApart[orchestrator][number][position >> 8] >> (position & 255)) & 1 == 1;
    }

    /// @inheritdoc IBatchPayouts
    function claimCount() external view returns (uint256) {
        return _claims.length;
    }

    /// @inheritdoc IBatchPayouts
    function claimOf(uint256 claimId) external view returns (address by, uint40 deadline) {
        if (claimId >= _claims.length) revert ClaimUnknown(claimId);
        return (_claims[claimId].by, _claims[claimId].deadline);
    }

    // --- internals ---

    /// @dev Says what is wrong instead of reverting, so that one payee cannot stop the others.
    function _withdraw(
        BatchHeader calldata header,
        Withdrawal calldata asked
    ) private returns (uint256 amount, WithdrawalProblem problem) {
        if (!asked.payout.isIn(header, asked.index)) return (0, WithdrawalProblem.NotInTree);
        address orchestrator = header.orchestrator;
        uint256 before = withdrawnOf[orchestrator][asked.index];
        uint256 earned = asked.payout.cumulative;
        if (earned <= before) return (0, WithdrawalProblem.NothingToWithdraw);
        amount = earned - before;
        address receiver = asked.receiver;
        if (receiver == address(0)) {
            receiver = asked.payout.account;
        } else {
            if (block.timestamp >= asked.until) return (0, WithdrawalProblem.RequestExpired);
            bool signed = asked.signedBy(orchestrator, address(LANE).separator());
            if (!signed) return (0, WithdrawalProblem.SignatureWrong);
        }

        withdrawnOf[orchestrator][asked.index] = earned;
        try LANE.payReserved(orchestrator, receiver, amount) {
            emit PayoutWithdrawn(orchestrator, asked.index, receiver, amount);
        } catch {
            // Whatever happened in there is undone, so nobody can have withdrawn meanwhile.
            // slither-disable-next-line reentrancy-no-eth
            withdrawnOf[orchestrator][asked.index] = before;
            return (0, WithdrawalProblem.PaymentFailed);
        }
    }

    /// @dev Only for what its worker has signed: else an orchestrator could pay whom it likes for nothing.
    function _payApart(BatchHeader calldata header, BundleOpening calldata opening) private returns (uint256 amount) {
        if (!opening.isIn(header)) revert NotInBatch(opening.position);
        address account = opening.bundle.account;
        bool signed = opening.bundle.signedBy(header, address(LANE).separator());
        if (!signed) revert SignatureWrong(account);
        (address orchestrator, uint256 number, uint256 position) = (
            header.orchestrator,
            header.number,
            opening.position
        );
        bool gone = isClaimed(orchestrator, number, position) || LANE.isStruck(orchestrator, number, position);
        if (gone) revert AlreadyClaimed(orchestrator, number, position);

        _paidApart[orchestrator][number][position >> 8] |= 1 << (position & 255);
        amount = LANE.payApart(header, opening.bundle.count, account);
        emit BundlePaid(orchestrator, number, account, opening.position, amount);
    }

    function _claimAt(uint256 claimId) private view returns (Claim memory claim) {
        if (claimId >= _claims.length || _claims[claimId].by == address(0)) revert ClaimUnknown(claimId);
        return _claims[claimId];
    }

    /// @dev How long the header is sure to be there that could show an inclusion, or the claim of a job that got none.
    function _claimableUntil(
        Acceptance calldata acceptance,
        BatchHeader calldata header,
        BatchJob memory job
    ) private view returns (uint256) {
        uint256 liability = LANE.LIABILITY();
        if (header.orchestrator == address(0)) {
            uint256 closedAt = job.deadline + LANE.GRACE();
            bool closed = block.timestamp >= closedAt && job.nextTask <= acceptance.firstTask;
            if (!closed) revert ClaimNotOpenYet(acceptance.job, acceptance.firstTask);
            return closedAt + liability;
        }
        bool covers = header.firstTask <= acceptance.firstTask && acceptance.firstTask < header.endTask;
        if (header.job != acceptance.job || !covers) revert ClaimNotOpenYet(acceptance.job, acceptance.firstTask);
        return LANE.stateOf(header).postedAt + liability;
    }
}
