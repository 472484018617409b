// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title Where workers' stake lies.
/// @notice Stake is free, locked (by a claim or an allotment) or unbonding. Only the two lanes named at deployment may
///         lock, unlock or slash; a slash never exceeds what is locked. There is no owner.
/// @dev Amounts are token base units. Tokens that take a fee on transfer or change balances by themselves are refused
///      on receipt.
interface IStakeVault {
    error AmountZero();
    error NotALane(address caller);
    error StakeNotFree(address worker, uint256 wanted, uint256 free);
    error StakeNotLocked(address worker, uint256 wanted, uint256 locked);
    error SlashFundTooLarge(uint256 fundAmount, uint256 slashed);
    error NothingUnbonding(address account);
    error StillUnbonding(address account, uint256 availableAt, uint256 nowTime);
    error BlockNotPast(uint256 blockNumber, uint256 currentBlock);
    error SponsorNotAccepted(address worker, address sponsor, address accepted);
    error SponsorStillBacking(address worker, address sponsor, uint256 amount);
    error SponsorLeaving(address worker, address sponsor);
    error SponsorCapExceeded(address worker, uint256 wanted, uint256 cap);
    error AllotmentTooSmall(address worker, address orchestrator, uint256 wanted, uint256 allotted);
    error SponsorCapOutOfRange(uint256 cap, uint256 largest);
    error UnbondingTimeOutOfRange(uint256 unbondingTime, uint256 shortest, uint256 longest);

    event Staked(address indexed worker, address indexed from, uint256 amount);
    event SponsorAccepted(address indexed worker, address indexed sponsor);
    event SponsorLeft(address indexed worker, address indexed sponsor, uint256 amount);
    event StakeSlashed(address indexed worker, address indexed lane, uint256 amount, uint256 funded);
    event StakeUnbonded(address indexed account, uint256 amount, uint256 availableAt);
    event StakeWithdrawn(address indexed account, uint256 amount);
    event StakeAllotted(address indexed worker, address indexed orchestrator, uint256 amount);
    event StakeUnallotted(address indexed worker, address indexed orchestrator, uint256 amount, uint256 availableAt);
    /// @notice Beside StakeSlashed: whose allotment it was taken from.
    event AllotmentSlashed(address indexed worker, address indexed orchestrator, uint256 amount);
    event AllotmentReleased(address indexed worker, address indexed orchestrator, uint256 amount);
    event SlashedBurned(uint256 amount);

    // --- workers and sponsors, in the order of a stake's life ---

    /// @notice Stakes `amount` of the caller's tokens. Needs an allowance.
    function stake(uint256 amount) external;

    /// @notice `stake` with an EIP-2612 permit for exactly `amount`. A permit that somebody else has already used is no
    ///         obstacle as long as the allowance is there.
    function stakeWithPermit(uint256 amount, uint256 permitDeadline, uint8 v, bytes32 r, bytes32 s) external;

    /// @notice Lets `sponsor` stake for the caller; zero lets nobody. Reverts while an earlier sponsor backs it with
    ///         SPONSOR_LEAST or more, or with stake that is locked; less than that begins to unbond for that sponsor.
    function acceptSponsor(address sponsor) external;

    /// @notice Stakes the caller's tokens for `worker`, at most SPONSOR_CAP in all. They stay the sponsor's: they come
    ///         back by `unsponsor`. A slash takes the worker's own stake first.
    function sponsor(address worker, uint256 amount) external;

    /// @notice The sponsor's way out: what is free starts to unbond for the sponsor at once, the rest can no longer be
    ///         locked anew and follows by calling again when locks have ended.
    /// @return amount that began to unbond now
    function unsponsor(address worker) external returns (uint256 amount);

    /// @notice Starts to unbond the caller's own stake, apart from what is locked: locks rest on own stake first. A second
    ///         call adds to it and restarts the delay.
    function unbond(uint256 amount) external;

    /// @notice Pays out to the caller what has unbonded.
    function withdrawStake() external returns (uint256 amount);

    /// @notice Sets free stake aside for the batches of one orchestrator; it counts as locked.
    function allot(address orchestrator, uint256 amount) external;

    /// @notice Ends (part of) an allotment: it stays locked and can be slashed until UNBONDING_TIME has passed. The
    ///         worker may call, or its leaving sponsor. A second call adds to it and restarts the delay.
    /// @param amount of the worker's choice. For a sponsor it does not count: as much ends as it still backs, less what is
    ///        free or ending already, also for other orchestrators, and it reverts if that is nothing
    function unallot(address worker, address orchestrator, uint256 amount) external;

    /// @notice Frees what was unallotted once its delay has passed. Anyone may call.
    function releaseAllotment(address worker, address orchestrator) external returns (uint256 amount);

    /// @notice Sends slashed stake to the burn address. Anyone may call. Apart from slashing, so that a token which
    ///         refuses the burn address cannot stop a task from settling.
    function burnSlashed() external returns (uint256 amount);

    // --- lanes ---

    /// @notice Locks free stake for one claim. Lanes only; their own events tell which claim took or freed stake.
    /// @param asOfBlock a past block, the one that the claim's draw is about
    /// @return workerStake the worker's stake at the end of that block
    /// @return totalStake everybody's
    function lock(
        address worker,
        uint256 amount,
        uint256 asOfBlock
    ) external returns (uint256 workerStake, uint256 totalStake);

    /// @notice Frees `amountEach` of each worker's locked stake. Lanes only; the lane bounds the number of workers.
    function unlock(address[] calldata workers, uint256 amountEach) external;

    /// @notice Takes `amount` of the worker's locked stake: `fundAmount` goes to the escrow, the rest will be burned.
    ///         Lanes only; the lane answers for slashing a lock at most once.
    function slash(address worker, uint256 amount, uint256 fundAmount) external;

    /// @notice `slash` of what the worker has allotted to one orchestrator, also while that is ending. Lanes only.
    function slashAllotted(address worker, address orchestrator, uint256 amount, uint256 fundAmount) external;

    // --- views ---

    /// @notice The one token.
    function TOKEN() external view returns (IERC20);
    /// @notice Receives the part of a slash that pays for something.
    function ESCROW() external view returns (address);
    function DIRECT_LANE() external view returns (address);
    /// @notice Zero if this deployment has no batch lane.
    function BATCH_LANE() external view returns (address);
    /// @notice Seconds.
    function UNBONDING_TIME() external view returns (uint256);
    function SPONSOR_CAP() external view returns (uint256);
    /// @notice A hundredth of SPONSOR_CAP: a sponsor that backs a worker with less can be replaced by it.
    function SPONSOR_LEAST() external view returns (uint256);

    /// @return bonded the worker's stake: its own and its sponsor's, free and locked
    /// @return locked the part of it that claims and allotments hold
    /// @return unbonding on its way out, no longer stake
    /// @return availableAt Unix seconds from which `unbonding` can be withdrawn
    function accountOf(
        address account
    ) external view returns (uint256 bonded, uint256 locked, uint256 unbonding, uint256 availableAt);

    /// @notice What a new claim can lock.
    function freeStakeOf(address worker) external view returns (uint256);

    /// @return sponsor who may stake for the worker
    /// @return amount the sponsor's part of the worker's stake
    /// @return leaving whether the sponsor has asked to go
    function sponsorshipOf(address worker) external view returns (address sponsor, uint256 amount, bool leaving);

    /// @return amount allotted and not ending
    /// @return ending still locked and liable
    /// @return availableAt Unix seconds from which `ending` can be released
    function allotmentOf(
        address worker,
        address orchestrator
    ) external view returns (uint256 amount, uint256 ending, uint256 availableAt);

    /// @notice The worker's stake at the end of a past block.
    function stakeAt(address worker, uint256 blockNumber) external view returns (uint256);

    /// @notice Everybody's stake at the end of a past block.
    function totalStakeAt(uint256 blockNumber) external view returns (uint256);

    /// @notice `stakeAt` and `totalStakeAt` in one call.
    function stakeShareAt(
        address worker,
        uint256 blockNumber
    ) external view returns (uint256 workerStake, uint256 totalStake);

    /// @notice Everybody's stake now.
    function totalStaked() external view returns (uint256);

    /// @notice Everybody's unbonding tokens.
    function totalUnbonding() external view returns (uint256);

    /// @notice Slashed stake that still waits here to be burned.
    function slashPool() external view returns (uint256);

    /// @notice Slashed stake sent to the burn address so far. All that was ever lost is totalBurned + slashPool.
    function totalBurned() external view returns (uint256);

    /// @notice What this contract owes: stake, unbonding and the slash pool. Its balance is never less.
    function totalOwed() external view returns (uint256);
}
