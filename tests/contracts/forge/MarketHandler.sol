// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {JobTerms, TaskStatus, TaskView} from "../../../contracts/types/Market.sol";
import {MarketBase} from "./MarketBase.sol";
import {isTrue, same, vm} from "./Vm.sol";

/// @dev A random walk through a market of honest and hostile people. Beside the contracts it keeps its own simple model
///      (who claimed, committed, revealed; what each job paid) and compares after every step. Nothing here may revert.
contract MarketHandler is MarketBase {
    uint256 internal constant WORKERS = 6;
    uint256 internal constant MOST_JOBS = 4;

    enum Part {
        None,
        Claimed,
        Committed,
        Revealed,
        Expired
    }

    struct Ghost {
        Part part;
        bytes32 digest;
        uint256 wave;
    }

    struct Books {
        uint256 escrowed;
        uint256 paid;
        uint256 fees;
        uint256 refunded;
    }

    uint256[] public jobs;
    mapping(uint256 job => Books) internal books;
    mapping(uint256 job => mapping(uint32 task => address[])) internal seated;
    mapping(uint256 job => mapping(uint32 task => uint256)) internal waves;
    mapping(uint256 job => mapping(uint32 task => mapping(address => Ghost))) internal ghosts;
    mapping(uint256 job => mapping(uint32 task => TaskStatus)) internal finals;
    mapping(uint256 job => mapping(uint32 task => bytes32)) internal results;
    uint256 public deposited;
    uint256 public withdrawn;
    uint256 public donated;
    uint256 public slashed;
    mapping(string act => uint256) public counts;

    function setUp() public override {
        super.setUp();
        deposited = 16 * STAKE;
    }

    // --- choosing ---

    function who(uint256 pick) internal pure returns (address) {
        return worker(pick % WORKERS);
    }

    function someTask(uint256 pick) internal view returns (uint256 job, uint32 task) {
        if (jobs.length == 0) return (0, 0);
        job = jobs[pick % jobs.length];
        JobTerms memory t = escrow.terms(job);
        uint256 total = uint256(t.rounds) * (t.mapTasks + t.reduceTasks);
        task = uint32((pick >> 8) % total);
    }

    /// @dev A task that somebody can still do something with, if there is one.
    function liveTask(uint256 pick) internal view returns (uint256 job, uint32 task) {
        for (uint256 i = 0; i < jobs.length; ++i) {
            job = jobs[(pick % jobs.length + i) % jobs.length];
            JobTerms memory t = escrow.terms(job);
            uint32 total = uint32(uint256(t.rounds) * (t.mapTasks + t.reduceTasks));
            bool starts = !escrow.isStopped(job) && block.timestamp < t.deadline;
            for (uint32 k = 0; k < total; ++k) {
                task = uint32(((pick >> 8) % total + k) % total);
                TaskStatus status = lane.taskOf(job, task).status;
                if (status == TaskStatus.Claiming || status == TaskStatus.Revealing) return (job, task);
                if (status == TaskStatus.Idle && starts && lane.stageOpen(job, task)) return (job, task);
            }
        }
    }

    function wealth(address account) internal view returns (uint256) {
        (uint256 bonded, , uint256 unbonding, ) = vault.accountOf(account);
        return token.balanceOf(account) + escrow.creditOf(account) + bonded + unbonding;
    }

    function everyone() internal view returns (uint256[] memory list) {
        list = new uint256[](WORKERS);
        for (uint256 i = 0; i < WORKERS; ++i) list[i] = wealth(worker(i));
    }

    /// @dev I11: an act of somebody else took nothing from anybody.
    function nobodyLost(uint256[] memory before) internal view {
        for (uint256 i = 0; i < WORKERS; ++i) isTrue(wealth(worker(i)) >= before[i], "I11 somebody lost");
    }

    // --- time ---

    function pass(uint256 pick) external {
        vm.warp(block.timestamp + (pick % 12));
        vm.roll(block.number + (pick % 3));
    }

    /// @dev Straight to a deadline, or one second to either side of it.
    function passToDeadline(uint256 pick, uint256 side) external {
        (uint256 job, uint32 task) = someTask(pick);
        if (job == 0) return;
        if (pick % 2 == 0) (job, task) = liveTask(pick);
        if (job == 0) return;
        uint256 edge = side % 24 == 0 ? escrow.terms(job).deadline : lane.taskOf(job, task).phaseDeadline;
        uint256 time = edge + (side % 3) - 1;
        if (time > block.timestamp && time < block.timestamp + 5_000) vm.warp(time);
    }

    function seedBecomesKnown(uint256 pick) external {
        (uint256 job, uint32 task) = liveTask(pick);
        if (job == 0) return;
        uint32 epoch = lane.drawEpochOf(job, task);
        if (block.number <= epoch * 4) vm.roll(epoch * 4 + 1);
        if (seeds.seedOf(epoch) == 0) seeds.set(epoch, keccak256(abi.encode(epoch, pick)));
    }

    // --- requesters ---

    function postJob(uint256 pick) external {
        if (jobs.length == MOST_JOBS) return;
        JobTerms memory t = terms();
        t.deadline = uint40(block.timestamp + 1_000 + (pick % 4_000));
        t.mapTasks = uint32(1 + (pick % 2));
        t.reduceTasks = uint32((pick >> 4) % 2);
        t.rounds = uint16(1 + ((pick >> 8) % 2));
        t.quorum = uint8(1 + ((pick >> 12) % 3));
        t.workSlots = t.quorum + uint8((pick >> 16) % 4);
        t.auditSlots = uint8((pick >> 20) % 2);
        t.feeBps = uint16((pick >> 24) % 1000);
        t.slotPrice = uint128(PRICE + ((pick >> 40) % 1000));
        t.stakePerClaim = t.slotPrice + uint128((pick >> 60) % 1 ether);
        vm.prank(requester);
        uint256 job = escrow.postJob(t);
        jobs.push(job);
        books[job].escrowed = escrow.bountyFor(t);
        deposited += books[job].escrowed;
        counts["posted"]++;
    }

    function stop(uint256 pick) external {
        (uint256 job, ) = someTask(pick);
        if (job == 0 || (pick >> 32) % 8 != 0) return;
        vm.prank(requester);
        try escrow.stop(job) {
            isTrue(escrow.isStopped(job), "stopped");
        } catch {}
    }

    function refund(uint256 pick) external {
        (uint256 job, ) = someTask(pick);
        if (job == 0) return;
        uint256[] memory before = everyone();
        try escrow.refund(job) returns (uint256 amount) {
            books[job].refunded += amount;
            counts["refunded"]++;
        } catch {}
        nobodyLost(before);
    }

    // --- workers ---

    /// @dev What the task needs next, by whoever can do it: so that walks get far. The rest of this file tries the rest.
    function work(uint256 pick, uint256 by, uint256 mood) external {
        (uint256 job, uint32 task) = liveTask(pick);
        if (job == 0) return;
        TaskStatus status = lane.taskOf(job, task).status;
        Part wanted = status == TaskStatus.Revealing ? Part.Committed : Part.Claimed;
        address[] storage list = seated[job][task];
        for (uint256 i = 0; i < list.length; ++i) {
            address next = list[(by % list.length + i) % list.length];
            Ghost storage ghost = ghosts[job][task][next];
            if (ghost.part != wanted || ghost.wave != waves[job][task]) continue;
            if (wanted == Part.Committed && ghost.digest == 0) continue;
            if (wanted == Part.Committed) _reveal(job, task, next);
            else _commit(job, task, next, mood);
            return;
        }
        if (status == TaskStatus.Revealing) return _settle(job, task);
        for (uint256 i = 0; i < WORKERS; ++i) {
            address next = who(by % WORKERS + i);
            if (ghosts[job][task][next].part != Part.None || !lane.isDrawn(job, task, next)) continue;
            return _claim(job, task, next);
        }
    }

    function claim(uint256 pick, uint256 by) external {
        (uint256 job, uint32 task) = someTask(pick);
        if (job != 0) _claim(job, task, who(by));
    }

    function commit(uint256 pick, uint256 by, uint256 mood) external {
        (uint256 job, uint32 task) = someTask(pick);
        if (job != 0) _commit(job, task, who(by), mood);
    }

    function reveal(uint256 pick, uint256 by) external {
        (uint256 job, uint32 task) = someTask(pick);
        if (job != 0) _reveal(job, task, who(by));
    }

    function _claim(uint256 job, uint32 task, address me) private {
        bool drawn = lane.isDrawn(job, task, me);
        bool open = lane.stageOpen(job, task);
        Ghost storage ghost = ghosts[job][task][me];
        vm.prank(me);
        try lane.claim(job, task) {
            isTrue(drawn && open, "I9 claimed without being drawn, or too early");
            isTrue(ghost.part == Part.None, "I10 a second claim");
            isTrue(block.timestamp < escrow.terms(job).deadline, "I12 claimed after the deadline");
            ghost.part = Part.Claimed;
            ghost.wave = waves[job][task];
            seated[job][task].push(me);
            counts["claimed"]++;
        } catch {}
    }

    /// @dev Honest three times of four; else a wrong result, or a neighbour's commitment.
    function _commit(uint256 job, uint32 task, address me, uint256 mood) private {
        Ghost storage ghost = ghosts[job][task][me];
        bytes32 digest = mood % 4 == 3 ? keccak256(abi.encode("lie", mood % 3)) : keccak256(abi.encode(job, task));
        bool copies = mood % 16 == 15;
        bytes32 sealed_ = sealedFor(job, task, copies ? anyone : me, digest);
        uint256 due = lane.taskOf(job, task).phaseDeadline;
        vm.prank(me);
        try lane.commit(job, task, sealed_) {
            isTrue(ghost.part == Part.Claimed, "I10 committed twice, or without a claim");
            isTrue(block.timestamp < due, "I12 committed too late");
            ghost.part = Part.Committed;
            ghost.digest = copies ? bytes32(0) : digest;
            counts["committed"]++;
        } catch {}
    }

    function _reveal(uint256 job, uint32 task, address me) private {
        Ghost storage ghost = ghosts[job][task][me];
        TaskView memory task_ = lane.taskOf(job, task);
        bytes32 digest = ghost.digest == 0 ? keccak256(abi.encode(job, task)) : ghost.digest;
        vm.prank(me);
        try lane.reveal(job, task, digest, SALT) {
            isTrue(ghost.part == Part.Committed && ghost.digest != 0, "I10 revealed twice, or a copy");
            isTrue(ghost.wave == waves[job][task], "I10 revealed in a later wave");
            isTrue(block.timestamp < task_.phaseDeadline, "I12 revealed too late");
            isTrue(task_.committed == task_.slotsOpen, "I10 revealed before all had committed");
            ghost.part = Part.Revealed;
            counts["revealed"]++;
        } catch {}
    }

    // --- outcomes ---

    function settle(uint256 pick) external {
        (uint256 job, uint32 task) = someTask(pick);
        if (job != 0) _settle(job, task);
    }

    function _settle(uint256 job, uint32 task) private {
        (bytes32 winner, uint256 votes, bool waiting) = tally(job, task);
        uint256 due = lane.taskOf(job, task).phaseDeadline;
        uint256[] memory before = everyone();
        try lane.settle(job, task) {
            isTrue(!waiting || block.timestamp >= due, "I12 settled before all had their time");
            afterOutcome(job, task, winner, votes, before);
            counts["settled"]++;
        } catch {}
    }

    function expireTask(uint256 pick) external {
        (uint256 job, uint32 task) = someTask(pick);
        if (job == 0) return;
        uint256[] memory before = everyone();
        try lane.expireTask(job, task) {
            isTrue(block.timestamp >= escrow.terms(job).deadline, "I12 expired before the deadline");
            afterOutcome(job, task, 0, 0, before);
            counts["expired tasks"]++;
        } catch {}
    }

    function expireClaim(uint256 pick, uint256 by) external {
        (uint256 job, uint32 task) = liveTask(pick);
        if (job == 0) return;
        address them = who(by);
        address[] storage list = seated[job][task];
        for (uint256 i = 0; i < list.length; ++i) {
            if (ghosts[job][task][list[i]].part == Part.Claimed) them = list[i];
        }
        Ghost storage ghost = ghosts[job][task][them];
        uint256 stake = escrow.terms(job).stakePerClaim;
        uint256 due = lane.taskOf(job, task).phaseDeadline;
        uint256[] memory before = everyone();
        try lane.expireClaim(job, task, them) {
            isTrue(ghost.part == Part.Claimed && block.timestamp >= due, "I12 expired in time");
            ghost.part = Part.Expired;
            unseat(job, task, them);
            uint256 fee = (stake * NO_SHOW_BPS + 9_999) / 10_000;
            before[uint160(them) - uint160(worker(0))] -= fee;
            slashed += fee;
            for (uint256 i = 0; i < WORKERS; ++i) same(wealth(worker(i)), before[i], "I7 the fee and no more");
            counts["expired claims"]++;
        } catch {}
    }

    function reopen(uint256 pick) external {
        (uint256 job, uint32 task) = someTask(pick);
        if (job == 0) return;
        uint256[] memory before = everyone();
        try lane.reopen(job, task) {
            counts["reopened"]++;
        } catch {}
        nobodyLost(before);
    }

    /// @dev The model's own count: the digest most revealed, how often, and whether someone of this wave is still due.
    function tally(uint256 job, uint32 task) private view returns (bytes32 winner, uint256 votes, bool waiting) {
        address[] storage list = seated[job][task];
        for (uint256 i = 0; i < list.length; ++i) {
            Ghost storage a = ghosts[job][task][list[i]];
            if (a.part != Part.Revealed && a.wave == waves[job][task]) waiting = true;
            if (a.part != Part.Revealed) continue;
            uint256 count = 0;
            for (uint256 j = 0; j < list.length; ++j) {
                Ghost storage b = ghosts[job][task][list[j]];
                if (b.part == Part.Revealed && b.digest == a.digest) ++count;
            }
            if (count > votes) (winner, votes) = (a.digest, count);
        }
    }

    /// @dev I3, I4, I7, I9: what everybody has now is what the model says, to the unit.
    function afterOutcome(
        uint256 job,
        uint32 task,
        bytes32 winner,
        uint256 votes,
        uint256[] memory wealthBefore
    ) private {
        JobTerms memory t = escrow.terms(job);
        TaskStatus status = lane.taskOf(job, task).status;
        isTrue(finals[job][task] == TaskStatus.Idle, "I4 two outcomes");
        isTrue((status == TaskStatus.Settled) == (votes >= t.quorum), "I9 settled with a quorum and only then");
        if (status == TaskStatus.Claiming) {
            isTrue(block.timestamp < t.deadline, "I12 more replicas after the deadline");
            counts["more replicas"]++;
            ++waves[job][task];
            for (uint256 i = 0; i < WORKERS; ++i) same(wealth(worker(i)), wealthBefore[i], "a further wave costs nobody");
            return;
        }
        finals[job][task] = status;
        if (status == TaskStatus.Refunded) counts["no quorum"]++;
        for (uint256 i = 0; i < WORKERS; ++i) closeGhost(job, task, winner, worker(i), wealthBefore[i]);
        if (status == TaskStatus.Settled) {
            results[job][task] = winner;
            books[job].fees += (votes * t.slotPrice * t.feeBps) / 10_000;
        }
        delete seated[job][task];
    }

    /// @dev What one worker must have after the outcome: paid, slashed, or as before.
    function closeGhost(uint256 job, uint32 task, bytes32 winner, address account, uint256 expected) private {
        Ghost storage ghost = ghosts[job][task][account];
        JobTerms memory t = escrow.terms(job);
        bool settled = finals[job][task] == TaskStatus.Settled;
        bool silent = ghost.part == Part.Committed && (settled || wasSilent(job, task, ghost));
        if (settled && ghost.part == Part.Revealed && ghost.digest == winner) {
            expected += t.slotPrice;
            books[job].paid += t.slotPrice;
            counts["paid"]++;
        } else if (silent || (settled && ghost.part == Part.Revealed)) {
            expected -= t.stakePerClaim;
            slashed += t.stakePerClaim;
            counts[silent ? "slashed for silence" : "slashed for a lie"]++;
        }
        same(wealth(account), expected, "I9 paid or slashed rightly");
    }

    /// @dev When a task is refunded: silent is who could have revealed. A wave that never filled could not.
    function wasSilent(uint256 job, uint32 task, Ghost storage ghost) private view returns (bool) {
        return ghost.wave < waves[job][task] || lane.taskOf(job, task).committed == lane.taskOf(job, task).slotsOpen;
    }

    function unseat(uint256 job, uint32 task, address them) private {
        address[] storage list = seated[job][task];
        for (uint256 i = 0; i < list.length; ++i) {
            if (list[i] != them) continue;
            list[i] = list[list.length - 1];
            list.pop();
            return;
        }
    }

    // --- money ---

    function stake(uint256 by, uint256 amount) external {
        stakeAs(who(by), 1 + (amount % 10 ether));
        deposited += 1 + (amount % 10 ether);
    }

    function unbond(uint256 by, uint256 amount) external {
        uint256[] memory before = everyone();
        uint256 locked = lockedOf(who(by));
        vm.prank(who(by));
        try vault.unbond(amount % (2 * STAKE)) {
            isTrue(bondedOf(who(by)) >= locked, "I8 locked stake left");
        } catch {}
        nobodyLost(before);
    }

    function withdrawStake(uint256 by) external {
        uint256[] memory before = everyone();
        vm.prank(who(by));
        try vault.withdrawStake() returns (uint256 amount) {
            withdrawn += amount;
        } catch {}
        nobodyLost(before);
    }

    function withdraw(uint256 by, uint256 mood) external {
        uint256[] memory before = everyone();
        address account = by % 5 == 0 ? requester : by % 5 == 1 ? orchestrator : who(by);
        if (escrow.creditOf(account) == 0) return;
        if (mood % 2 == 0) {
            withdrawn += escrow.withdrawFor(account);
        } else {
            vm.prank(account);
            withdrawn += escrow.withdraw(account);
        }
        nobodyLost(before);
    }

    function burn() external {
        try vault.burnSlashed() returns (uint256 amount) {
            withdrawn += amount;
        } catch {}
    }

    function donate(uint256 amount, uint256 mood) external {
        token.mint(mood % 2 == 0 ? address(vault) : address(escrow), amount % 1 ether);
        donated += amount % 1 ether;
    }

    /// @dev A stranger tries what only lanes, the escrow or a requester may.
    function intrude(uint256 pick) external {
        (uint256 job, uint32 task) = someTask(pick);
        if (job == 0) return;
        address[] memory list = new address[](1);
        list[0] = anyone;
        bytes[] memory tries = new bytes[](8);
        tries[0] = abi.encodeCall(vault.lock, (who(pick), 1, block.number - 1));
        tries[1] = abi.encodeCall(vault.slash, (who(pick), 1, 1));
        tries[2] = abi.encodeCall(vault.unlock, (list, 1));
        tries[3] = abi.encodeCall(escrow.settleTask, (job, list, 1, 0));
        tries[4] = abi.encodeCall(escrow.stop, (job));
        tries[5] = abi.encodeCall(lane.stopJob, (job));
        tries[6] = abi.encodeCall(lane.openJob, (job, terms()));
        tries[7] = abi.encodeCall(lane.reveal, (job, task, RIGHT, SALT));
        uint256 choice = (pick >> 16) % 8;
        address target = choice < 3 ? address(vault) : choice < 5 ? address(escrow) : address(lane);
        vm.prank(anyone);
        (bool succeeded, ) = target.call(tries[choice]);
        isTrue(!succeeded, "an intruder succeeded");
    }
}
