// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBatchChallenges} from "../interfaces/IBatchChallenges.sol";
import {IBatchLane} from "../interfaces/IBatchLane.sol";
import {BatchHeader, BatchJob, BatchState, Bundle, BundleOpening, Flaw} from "../types/Batch.sol";
import {PayoutFault, PayoutOpening, ReceiptOpening, SetOpening} from "../types/Batch.sol";
import {BatchMessages} from "./BatchMessages.sol";
import {Openings} from "./Openings.sol";

/// @title The rules of a batch, each as a proof that it was broken.
/// @notice Every check reverts with NotProven unless the openings show the fault.
/// @dev Twin, function by function, of edgebounty/protocol/batch/rules.py.
library BatchFaults {
    using BatchMessages for Bundle;
    using Openings for *;

    /// @notice A posted batch as the chain knows it, beside its header.
    struct Case {
        IBatchLane lane;
        BatchJob job;
        BatchState state;
    }

    /// @dev A leaf of the payout tree. `cumulative` is wide, so that no claim of a hostile bundle overflows it.
    struct Payout {
        address account;
        uint256 cumulative;
    }

    // --- faults of a bundle: its pay is struck ---

    function strikeSignature(
        Case memory case_,
        BatchHeader calldata header,
        BundleOpening calldata opening
    ) internal view {
        _requireUnstruck(case_, header, opening);
        if (opening.bundle.signedBy(header, case_.lane.DOMAIN_SEPARATOR())) _fail(Flaw.RuleKept);
    }

    function strikeReceipt(
        Case memory case_,
        BatchHeader calldata header,
        BundleOpening calldata opening,
        ReceiptOpening calldata shown
    ) internal view {
        _requireUnstruck(case_, header, opening);
        if (!shown.isIn(opening.bundle)) _fail(Flaw.NotInTree);
        uint256 task = shown.word.taskOf();
        bool inRange = header.firstTask <= task && task < header.endTask;
        if (inRange && shown.word.slotOf() < case_.job.slots) _fail(Flaw.RuleKept);
    }

    function strikePair(
        Case memory case_,
        BatchHeader calldata header,
        BundleOpening calldata first,
        ReceiptOpening calldata ofFirst,
        BundleOpening calldata second,
        ReceiptOpening calldata ofSecond
    ) internal view {
        _requirePair(case_, header, first, ofFirst, second, ofSecond);
        bool slotsDiffer = ofFirst.word.slotOf() != ofSecond.word.slotOf();
        bool digestsAgree = ofFirst.word.digestOf() == ofSecond.word.digestOf();
        if (slotsDiffer && digestsAgree && first.bundle.account != second.bundle.account) _fail(Flaw.RuleKept);
    }

    function strikeSets(
        Case memory case_,
        BatchHeader calldata header,
        BundleOpening calldata first,
        ReceiptOpening calldata ofFirst,
        SetOpening calldata firstSet,
        BundleOpening calldata second,
        ReceiptOpening calldata ofSecond,
        SetOpening calldata secondSet
    ) internal view {
        _requirePair(case_, header, first, ofFirst, second, ofSecond);
        if (!firstSet.isIn(first.bundle, ofFirst.position)) _fail(Flaw.NotInTree);
        if (!secondSet.isIn(second.bundle, ofSecond.position)) _fail(Flaw.NotInTree);
        if (firstSet.commitSet == secondSet.commitSet) _fail(Flaw.RuleKept);
    }

    /// @dev Only by the payouts that the orchestrator itself built on: else a stranger could restate a false owner and have
    ///      the next, honest bundle struck for it.
    function strikeOwner(
        Case memory case_,
        BatchHeader calldata header,
        BatchHeader calldata previous,
        BundleOpening calldata opening,
        PayoutOpening calldata owned
    ) internal view {
        _requireUnstruck(case_, header, opening);
        if (case_.state.restater != address(0) || !_hasPrevious(header, previous)) _fail(Flaw.Restated);
        if (!owned.isIn(previous, opening.bundle.payoutIndex)) _fail(Flaw.NotInTree);
        if (owned.account == address(0) || owned.account == opening.bundle.account) _fail(Flaw.RuleKept);
    }

    // --- faults of a batch: all of it is void ---

    function voidOrder(
        Case memory case_,
        BatchHeader calldata header,
        BundleOpening calldata first,
        BundleOpening calldata second
    ) internal pure {
        _requireIn(first, header);
        _requireIn(second, header);
        _requireLive(case_);
        if (second.position != uint256(first.position) + 1) _fail(Flaw.NotAround);
        bool ascend = first.bundle.payoutIndex < second.bundle.payoutIndex;
        if (ascend && uint256(first.bundle.start) + first.bundle.count == second.bundle.start) _fail(Flaw.RuleKept);
    }

    function voidEdge(Case memory case_, BatchHeader calldata header, BundleOpening calldata opening) internal pure {
        _requireIn(opening, header);
        _requireLive(case_);
        Bundle calldata bundle = opening.bundle;
        if (bundle.count == 0) return;
        if (opening.position == 0 && (bundle.start != 0 || bundle.payoutIndex == 0)) return;
        bool isLast = opening.position == header.bundleCount - 1;
        if (isLast && uint256(bundle.start) + bundle.count != header.receiptCount) return;
        _fail(Flaw.RuleKept);
    }

    // --- faults of the payouts: they are rewound ---

    function rewindPayout(
        Case memory case_,
        BatchHeader calldata header,
        BatchHeader calldata previous,
        PayoutFault calldata fault
    ) internal view {
        if (!fault.shown.isIn(header, fault.index)) _fail(Flaw.NotInTree);
        Payout memory right = _payoutBefore(header, previous, fault);
        if (fault.index == 0) _addFee(case_, header, right);
        else if (!case_.state.voided) _addPay(case_, header, fault, right);
        bool same = fault.shown.account == right.account && fault.shown.cumulative == right.cumulative;
        if (same) _fail(Flaw.RuleKept);
    }

    function rewindCount(
        Case memory case_,
        BatchHeader calldata header,
        BatchHeader calldata previous,
        BundleOpening calldata last
    ) internal pure {
        _requireIn(last, header);
        if (_hasPrevious(header, previous) && header.payoutCount < previous.payoutCount) return;
        _requireLive(case_);
        if (last.position != header.bundleCount - 1) _fail(Flaw.NotAround);
        if (last.bundle.payoutIndex < header.payoutCount) _fail(Flaw.RuleKept);
    }

    // --- internals ---

    function _payoutBefore(
        BatchHeader calldata header,
        BatchHeader calldata previous,
        PayoutFault calldata fault
    ) private pure returns (Payout memory) {
        if (!_hasPrevious(header, previous) || fault.index >= previous.payoutCount) return Payout(address(0), 0);
        if (fault.old.length != 1) _fail(Flaw.OpeningMissing);
        if (!fault.old[0].isIn(previous, fault.index)) _fail(Flaw.NotInTree);
        return Payout(fault.old[0].account, fault.old[0].cumulative);
    }

    function _addFee(Case memory case_, BatchHeader calldata header, Payout memory fee) private pure {
        if (fee.account == address(0)) fee.account = header.orchestrator;
        uint256 struck = case_.state.struckReceipts;
        if (case_.state.voided || struck >= header.receiptCount) return;
        fee.cumulative += (header.receiptCount - struck) * case_.job.fee;
    }

    /// @dev A struck bundle takes no index either: once an earlier batch is void, it would keep the index from its owner.
    function _addPay(
        Case memory case_,
        BatchHeader calldata header,
        PayoutFault calldata fault,
        Payout memory payout
    ) private view {
        if (_showsNone(header, fault.index, fault.near)) return;
        if (case_.lane.isStruck(header.orchestrator, header.number, fault.near[0].position)) return;
        Bundle calldata bundle = fault.near[0].bundle;
        if (payout.account != address(0) && payout.account != bundle.account) return;
        payout.account = bundle.account;
        payout.cumulative += uint256(bundle.count) * case_.job.price;
    }

    /// @dev Whether no bundle has this index (true), or the first shown one has (false).
    function _showsNone(
        BatchHeader calldata header,
        uint256 index,
        BundleOpening[] calldata near
    ) private pure returns (bool) {
        if (near.length == 0 || near.length > 2) _fail(Flaw.OpeningMissing);
        for (uint256 i = 0; i < near.length; ++i) _requireIn(near[i], header);
        uint256 first = near[0].bundle.payoutIndex;
        if (first == index) return false;
        bool around;
        if (near.length == 2) {
            bool neighbours = near[1].position == uint256(near[0].position) + 1;
            around = neighbours && first < index && index < near[1].bundle.payoutIndex;
        } else {
            bool beforeAll = near[0].position == 0 && index < first;
            around = beforeAll || (near[0].position == header.bundleCount - 1 && index > first);
        }
        if (!around) _fail(Flaw.NotAround);
        return true;
    }

    function _requirePair(
        Case memory case_,
        BatchHeader calldata header,
        BundleOpening calldata first,
        ReceiptOpening calldata ofFirst,
        BundleOpening calldata second,
        ReceiptOpening calldata ofSecond
    ) private view {
        _requireUnstruck(case_, header, first);
        _requireUnstruck(case_, header, second);
        if (!ofFirst.isIn(first.bundle) || !ofSecond.isIn(second.bundle)) _fail(Flaw.NotInTree);
        bool later = second.position > first.position;
        if (second.position == first.position) later = ofSecond.position > ofFirst.position;
        if (!later) _fail(Flaw.OrderWrong);
        if (ofFirst.word.taskOf() != ofSecond.word.taskOf()) _fail(Flaw.TasksDiffer);
    }

    function _requireUnstruck(
        Case memory case_,
        BatchHeader calldata header,
        BundleOpening calldata opening
    ) private view {
        _requireIn(opening, header);
        _requireLive(case_);
        if (case_.lane.isStruck(header.orchestrator, header.number, opening.position)) _fail(Flaw.BundleStruck);
    }

    function _requireIn(BundleOpening calldata opening, BatchHeader calldata header) private pure {
        if (!opening.isIn(header)) _fail(Flaw.NotInTree);
    }

    function _requireLive(Case memory case_) private pure {
        if (case_.state.voided) _fail(Flaw.BatchVoid);
    }

    /// @dev Whether there is a batch before. Reverts if there is one and this is not its header.
    function _hasPrevious(BatchHeader calldata header, BatchHeader calldata previous) private pure returns (bool) {
        if (header.previous == 0) return false;
        if (previous.hashOf() != header.previous) _fail(Flaw.HeaderBeforeWrong);
        return true;
    }

    function _fail(Flaw flaw) private pure {
        revert IBatchChallenges.NotProven(flaw);
    }
}
