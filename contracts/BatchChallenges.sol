// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BatchDemands} from "./batch/BatchDemands.sol";
import {BatchFaults} from "./batch/BatchFaults.sol";
import {IBatchChallenges} from "./interfaces/IBatchChallenges.sol";
import {IBatchLane} from "./interfaces/IBatchLane.sol";
import {BatchHeader, BundleOpening, PayoutFault, PayoutOpening} from "./types/Batch.sol";
import {ReceiptOpening, SetOpening, Verdict} from "./types/Batch.sol";

/// @title BatchChallenges
/// @dev Apart from BatchLane because both together are larger than a contract may be. It holds nothing and moves nothing:
///      it looks at proofs, and tells the lane what they show.
contract BatchChallenges is BatchDemands {
    using BatchFaults for BatchFaults.Case;

    // solhint-disable-next-line no-empty-blocks
    constructor(IBatchLane lane) BatchDemands(lane) {}

    /// @inheritdoc IBatchChallenges
    function strikeSignature(BatchHeader calldata header, BundleOpening calldata opening) external {
        _case(header).strikeSignature(header, opening);
        _strike(header, opening);
    }

    /// @inheritdoc IBatchChallenges
    function strikeReceipt(
        BatchHeader calldata header,
        BundleOpening calldata opening,
        ReceiptOpening calldata shown
    ) external {
        _case(header).strikeReceipt(header, opening, shown);
        _strike(header, opening);
    }

    /// @inheritdoc IBatchChallenges
    function strikePair(
        BatchHeader calldata header,
        BundleOpening calldata first,
        ReceiptOpening calldata ofFirst,
        BundleOpening calldata second,
        ReceiptOpening calldata ofSecond
    ) external {
        _case(header).strikePair(header, first, ofFirst, second, ofSecond);
        _strike(header, second);
    }

    /// @inheritdoc IBatchChallenges
    function strikeSets(
        BatchHeader calldata header,
        BundleOpening calldata first,
        ReceiptOpening calldata ofFirst,
        SetOpening calldata firstSet,
        BundleOpening calldata second,
        ReceiptOpening calldata ofSecond,
        SetOpening calldata secondSet
    ) external {
        _case(header).strikeSets(header, first, ofFirst, firstSet, second, ofSecond, secondSet);
        _strike(header, second);
    }

    /// @inheritdoc IBatchChallenges
    function strikeOwner(
        BatchHeader calldata header,
        BatchHeader calldata previous,
        BundleOpening calldata opening,
        PayoutOpening calldata owned
    ) external {
        _case(header).strikeOwner(header, previous, opening, owned);
        _strike(header, opening);
    }

    /// @inheritdoc IBatchChallenges
    function voidOrder(
        BatchHeader calldata header,
        BundleOpening calldata first,
        BundleOpening calldata second
    ) external {
        _case(header).voidOrder(header, first, second);
        LANE.punish(header, msg.sender, Verdict.Void, 0, 0);
    }

    /// @inheritdoc IBatchChallenges
    function voidEdge(BatchHeader calldata header, BundleOpening calldata opening) external {
        _case(header).voidEdge(header, opening);
        LANE.punish(header, msg.sender, Verdict.Void, 0, 0);
    }

    /// @inheritdoc IBatchChallenges
    function rewindPayout(
        BatchHeader calldata header,
        BatchHeader calldata previous,
        PayoutFault calldata fault
    ) external {
        _case(header).rewindPayout(header, previous, fault);
        LANE.punish(header, msg.sender, Verdict.Rewind, 0, 0);
    }

    /// @inheritdoc IBatchChallenges
    function rewindCount(
        BatchHeader calldata header,
        BatchHeader calldata previous,
        BundleOpening calldata last
    ) external {
        _case(header).rewindCount(header, previous, last);
        LANE.punish(header, msg.sender, Verdict.Rewind, 0, 0);
    }

    function _strike(BatchHeader calldata header, BundleOpening calldata opening) private {
        LANE.punish(header, msg.sender, Verdict.Strike, opening.position, opening.bundle.count);
    }

    /// @dev Reverts for a header that is not stored.
    function _case(BatchHeader calldata header) private view returns (BatchFaults.Case memory) {
        return BatchFaults.Case({lane: LANE, job: LANE.jobOf(header.job), state: LANE.stateOf(header)});
    }
}
