// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBountyEscrow} from "../interfaces/IBountyEscrow.sol";
import {ILane} from "../interfaces/ILane.sol";
import {IStakeVault} from "../interfaces/IStakeVault.sol";
import {JobTerms} from "../types/Market.sol";

/// @title A lane that does as it is told, to test vault and escrow the way another lane will use them.
contract OpenLane is ILane {
    IBountyEscrow public escrow;
    IStakeVault public vault;
    uint256 public finished;
    uint256 public active;
    bool public failed;
    uint256 public opened;
    uint256 public stopped;

    function connect(IBountyEscrow escrow_, IStakeVault vault_) external {
        (escrow, vault) = (escrow_, vault_);
    }

    function setProgress(uint256 finished_, uint256 active_, bool failed_) external {
        (finished, active, failed) = (finished_, active_, failed_);
    }

    function openJob(uint256 jobId, JobTerms calldata) external {
        opened = jobId;
    }

    function stopJob(uint256 jobId) external {
        stopped = jobId;
    }

    function progress(uint256) external view returns (uint256, uint256, bool) {
        return (finished, active, failed);
    }

    function lock(address worker, uint256 amount) external {
        vault.lock(worker, amount, block.number - 1);
    }

    function unlock(address[] calldata workers, uint256 amountEach) external {
        vault.unlock(workers, amountEach);
    }

    function slash(address worker, uint256 amount, uint256 fundAmount) external {
        vault.slash(worker, amount, fundAmount);
    }

    function slashAllotted(address worker, address orchestrator, uint256 amount, uint256 fundAmount) external {
        vault.slashAllotted(worker, orchestrator, amount, fundAmount);
    }

    function settleTask(uint256 jobId, address[] calldata payees, uint256 amountEach, uint256 fromSlash) external {
        escrow.settleTask(jobId, payees, amountEach, fromSlash);
    }
}
