// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

// The batch lane's words. Twin of edgebounty/protocol/batch: tests/vectors/batch_replays holds both to one meaning.

/// @notice Everything about a batch that the chain keeps as one hash: keccak256(abi.encode(header)).
struct BatchHeader {
    address orchestrator;
    uint32 number; // of this orchestrator's batches, from 0
    uint256 job;
    uint32 firstTask; // the batch covers tasks [firstTask, endTask)
    uint32 endTask;
    uint32 bundleCount;
    uint32 receiptCount;
    uint32 payoutCount; // leaves of the payout tree after this batch
    bytes32 bundlesRoot;
    bytes32 payoutsRoot;
    bytes32 dataDigest; // sha2-256 inside the CID of the data; zero: the data was calldata
    bytes32 previous; // hash of the header before, on whose payouts these build; zero for the first
}

/// @notice One worker's part of a batch: a leaf of its tree, keccak256(abi.encode(bundle)).
struct Bundle {
    uint32 payoutIndex; // not 0, which is the fee's
    address account;
    uint32 start; // receipts of all bundles before this one
    uint32 count;
    bytes32 receiptsRoot;
    bytes32 setsRoot; // beside each receipt the hash of the commit set that it answers
    bytes32 r; // the worker's signature over `Receipts`, as in EIP-2098
    bytes32 vs;
}

/// @notice A bundle, shown with its place in the batch.
struct BundleOpening {
    uint32 position;
    Bundle bundle;
    bytes32[] proof;
}

/// @notice A receipt, shown with its place in a bundle. The word: task (4 bytes), slot (1), truncated digest (27).
struct ReceiptOpening {
    uint32 position;
    bytes32 word;
    bytes32[] proof;
}

/// @notice The commit set's hash beside the receipt at the same position.
struct SetOpening {
    bytes32 commitSet;
    bytes32[] proof;
}

/// @notice A leaf of the payout tree, keccak256(abi.encodePacked(account, cumulative)). All zero: nobody's yet.
struct PayoutOpening {
    address account;
    uint96 cumulative; // token base units earned so far
    bytes32[] proof;
}

/// @notice A payout that is said to be wrong, and what shows what it should be.
struct PayoutFault {
    uint32 index;
    PayoutOpening shown; // after the batch
    PayoutOpening[] old; // before it: none or one, none only if the tree had no such index
    BundleOpening[] near; // the bundle of that index, or the two around it, or the one at the end. Not read for index 0, nor if the batch is void
}

/// @notice One payee's withdrawal. Without a receiver the account itself is paid, and anyone may ask for that.
struct Withdrawal {
    uint32 index;
    PayoutOpening payout;
    address receiver; // zero: the account. Else the account has signed `Withdrawal` for it
    uint64 until; // Unix seconds from which on that signature is no good
    bytes32 r;
    bytes32 vs;
}

/// @notice Why a withdrawal does not take place.
enum WithdrawalProblem {
    None,
    NotInTree,
    NothingToWithdraw,
    RequestExpired,
    SignatureWrong,
    PaymentFailed // the token refused, or the pool is too small
}

/// @notice The orchestrator's signed word that it has stored these receipts and owes them.
struct Acceptance {
    address orchestrator;
    address worker;
    uint256 job;
    uint32 firstTask; // where the batch begins that they were meant for
    uint32 count;
    bytes32 receipts;
    bytes32 commitSets;
}

/// @notice What a proven fault does.
enum Verdict {
    Strike, // one bundle is not paid
    Void, // nothing of the batch is paid
    Rewind // only its payouts are wrong
}

/// @notice Which of a batch's trees a demand is about.
enum Tree {
    Bundles,
    Payouts,
    Receipts, // of one bundle
    CommitSets // of one bundle
}

/// @notice A node of one of a batch's trees. Level 0 are the leaves; the root is the node 0 of the highest level.
struct NodeOpening {
    Tree tree;
    uint8 level;
    uint32 position;
    bytes32 node;
    bytes32[] proof; // from the node up to the root
}

/// @notice A batch as the lane knows it beside its header's hash.
struct BatchState {
    bytes32 headerHash;
    uint40 postedAt; // Unix seconds: when its bundles became open to challenge
    uint40 statedAt; // when its present payouts did: later than postedAt if they were restated
    uint96 bond; // of the orchestrator, held by this batch; zero once lost or released
    bool voided;
    address restater; // who stated the present payouts after a fault; zero: the orchestrator, at posting
    uint96 restatedBond; // held by the restater for it
    uint32 struckReceipts;
    uint96 aside; // token base units kept back for workers of struck or void bundles
}

/// @notice A job as the lane knows it.
struct BatchJob {
    address orchestrator;
    uint40 deadline; // Unix seconds; earlier than the escrow's once the job was stopped
    uint24 nextTask; // the next batch begins here
    uint24 tasks;
    uint8 slots; // receipts that one task may have: work and audit slots
    uint96 price; // token base units that a worker gets for a receipt
    uint96 fee; // that the orchestrator gets for it, rounded down
}

/// @notice What a deployment's batch lane is given once and for all. Times in seconds, amounts in token base units.
struct BatchSettings {
    uint256 window; // in which a fault can be proven
    uint256 answer; // to answer a demand or a claim
    uint256 claim; // after the window: workers of void and misplaced bundles come for their pay
    uint256 liability; // that a header stays at least
    uint256 notice; // from `stop` to the end of assignments
    uint256 grace; // after the deadline, in which batches may follow
    uint256 ring; // headers kept of one orchestrator
    uint256 leastBond;
    uint256 bondBps; // of a batch's total, on top of leastBond
    uint256 deposit; // of who demands or claims
}

/// @notice Why openings prove nothing.
enum Flaw {
    RuleKept, // they are good, and show that nothing is wrong
    NotInTree, // something does not stand where it is said to
    HeaderBeforeWrong, // the header given as `previous` is not the one that the batch builds on
    BatchVoid, // already
    BundleStruck, // already
    OrderWrong, // the receipt or bundle to punish comes second
    TasksDiffer, // the two receipts are of two tasks
    OpeningMissing, // one more opening is needed
    NotAround, // the bundles are not around the index
    Restated // the orchestrator did not build on these payouts
}
