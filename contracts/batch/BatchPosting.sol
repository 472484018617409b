// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IBatchLane} from "../interfaces/IBatchLane.sol";
import {BatchHeader} from "../types/Batch.sol";
import {BatchBooks} from "./BatchBooks.sol";
import {BatchData} from "./BatchData.sol";
import {Openings} from "./Openings.sol";

/// @title How a batch comes to be: its header enters the ring, its bond is held, its total leaves the job.
abstract contract BatchPosting is BatchBooks {
    using Openings for BatchHeader;
    using SafeCast for uint256;

    /// @inheritdoc IBatchLane
    function post(BatchHeader calldata header) external {
        if (header.dataDigest == 0) revert DataDigestWrong(0);
        _post(header);
    }

    /// @inheritdoc IBatchLane
    function postWithData(BatchHeader calldata header, bytes calldata bundles) external {
        if (header.dataDigest != 0) revert DataDigestWrong(header.dataDigest);
        (bytes32 root, uint256 bundleCount, uint256 receiptCount) = BatchData.digest(bundles);
        bool same = header.bundleCount == bundleCount && header.receiptCount == receiptCount;
        if (!same || header.bundlesRoot != root) revert DataMismatch(root, bundleCount, receiptCount);
        _post(header);
    }

    function _post(BatchHeader calldata header) private {
        uint256 cost = _takeTasks(header);
        Book memory book = _books[msg.sender];
        uint256 number = book.next;
        bool due = header.orchestrator == msg.sender && header.number == number;
        if (!due) revert HeaderWrong(msg.sender, number, header.firstTask);
        if (book.stated != number) revert RestateFirst(msg.sender, book.stated);
        bytes32 before = _hashBefore(msg.sender, number);
        if (header.previous != before) revert PreviousWrong(before, header.previous);
        _requireFrom(_freeAt(msg.sender, number));

        uint256 total = header.receiptCount * cost;
        uint256 bond = bondFor(total, header.dataDigest != 0);
        uint256 bonded = book.bonded + bond - _reuse(header, bond);
        _books[msg.sender] = Book({next: book.next + 1, stated: book.next + 1, bonded: bonded.toUint96()});
        emit BatchPosted(msg.sender, header.job, header, bond);

        _requireCovered(msg.sender, bonded);
        ESCROW.reserve(header.job, msg.sender, total);
    }

    /// @dev Moves the job on, if the batch fits it.
    /// @return cost of one receipt
    function _takeTasks(BatchHeader calldata header) private returns (uint256 cost) {
        Job storage stored = _jobs[msg.sender][header.job];
        Job memory job = stored;
        if (job.deadline == 0) revert NotTheOrchestrator(header.job, msg.sender);
        _requireBefore(job.deadline + GRACE);
        uint256 first = job.nextTask;
        if (header.firstTask != first) revert HeaderWrong(msg.sender, header.number, first);
        uint256 end = header.endTask;
        if (end <= first || end > job.tasks) revert RangeWrong(header.job, first, end, job.tasks);
        uint256 most = Math.min((end - first) * job.slots, MOST_RECEIPTS);
        uint256 receipts = header.receiptCount;
        if (header.bundleCount == 0 || header.bundleCount > receipts || receipts > most) {
            revert CountsWrong(header.bundleCount, receipts, most);
        }
        stored.nextTask = uint24(end);
        cost = job.price + _feeDown(job);
    }

    /// @dev Puts the header into its place in the ring.
    /// @return freed bond that the orchestrator's batch before in that place still held
    function _reuse(BatchHeader calldata header, uint256 bond) private returns (uint256 freed) {
        Posted storage place = _place(msg.sender, header.number);
        freed = place.bond;
        if (place.touched) {
            // Never the orchestrator's own book while `_post` holds a copy of it: what it restated, it frees here.
            if (place.restater == msg.sender) freed += place.restatedBond;
            else if (place.restatedBond != 0) _books[place.restater].bonded -= place.restatedBond;
            (place.restater, place.restatedBond, place.aside, place.struckReceipts) = (address(0), 0, 0, 0);
        }
        place.headerHash = header.hashOf();
        place.postedAt = uint40(block.timestamp);
        place.statedAt = uint40(block.timestamp);
        place.bond = bond.toUint96();
        place.voided = false;
        place.touched = false;
    }
}
