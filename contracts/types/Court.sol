// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice What a deployment's court is given once and for all. Times in seconds, amounts in token base units.
struct CourtSettings {
    uint256 juryTime; // in which jurors may claim
    uint256 taskTime; // of a juror to commit, and again to reveal. Tasks that need more are not tried
    uint256 reply; // after a jury: to show the challenger's salt or to appeal, and again to slash
    uint256 leastPrice; // of a juror; one of a job that pays more for a receipt gets as much
    uint256 stakeFactor; // what a juror risks, in its prices
    uint256 quorum; // of the first jury, out of 2 x quorum - 1 jurors. An appeal has three times as many of both
}

enum CourtVerdict {
    None, // not yet
    Stands, // the jury found the receipt's digest, or could not agree
    Wrong, // it found another one: who signed this one loses its lock
    Void // the program is not deterministic or its inputs are not to be had: nobody is to blame but the requester
}

/// @notice A challenge of all receipts of one task that carry one digest.
struct CourtCase {
    // slot 0: 20 + 5 + 1 + 1 + 1
    address challenger;
    uint40 until; // Unix seconds: the present jury is over by then, and the time to reply to it
    CourtVerdict verdict;
    bool appealed;
    bool knew; // the challenger's commitment was to the digest that the jury found
    // slot 1: 20 + 12
    address accused; // who signed the receipt that was shown; others may have signed the same
    uint96 lock; // token base units that each signer risks: the job's stakePerClaim
    // slot 2: 20 + 12
    address payer; // put up the present jury's price
    uint96 price; // token base units for a juror
    // slot 3: 20 + 4
    address orchestrator;
    uint32 task;
    uint216 digest; // what receipts keep of it
    uint256 job;
    uint256 jury; // the direct lane's job whose task 0 is the present jury
    bytes32 headerHash; // of the batch when it was challenged
    bytes32 commitment;
}
