// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BatchChallenges} from "../../../contracts/BatchChallenges.sol";
import {BatchLane} from "../../../contracts/BatchLane.sol";
import {BatchPayouts} from "../../../contracts/BatchPayouts.sol";
import {BountyEscrow} from "../../../contracts/BountyEscrow.sol";
import {StakeVault} from "../../../contracts/StakeVault.sol";
import {IBatchLane} from "../../../contracts/interfaces/IBatchLane.sol";
import {OpenToken} from "../../../contracts/mocks/HostileTokens.sol";
import {BatchSettings} from "../../../contracts/types/Batch.sol";
import {expectError, isTrue, same, sameBytes, vm} from "./Vm.sol";

error Diverged(string walk, uint256 step, string what);

/// @dev What the model of the batch lane did (tests/model), done with the contracts: they take what it took, refuse what it
///      refused, and leave everybody with the same after each step. tests/model/replays.py writes the runs.
abstract contract BatchReplay {
    uint256 private constant START = 1_000_000;
    bytes4 private constant TAKEN = 0x00000000;
    bytes4 private constant ANY = 0xffffffff;
    bytes4 private constant PANIC = 0x4e487b71;

    struct Walk {
        string name;
        address[] senders;
        uint256[] targets;
        bytes[] calls;
        uint256[] times;
        bytes32[] outcomes;
        bytes32[] states;
        bytes32[] answers;
    }

    OpenToken internal token;
    StakeVault internal vault;
    BountyEscrow internal escrow;
    BatchLane internal lane;
    address[5] internal targets;
    address[] internal people;

    function settings() internal pure returns (BatchSettings memory) {
        return
            BatchSettings({
                window: 1_000,
                answer: 100,
                claim: 500,
                liability: 2_000,
                notice: 300,
                grace: 600,
                ring: 4,
                leastBond: 1_000,
                bondBps: 2_000,
                deposit: 50
            });
    }

    function deploy() private {
        address escrowAt = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 2);
        address laneAt = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 5);
        token = new OpenToken();
        vault = new StakeVault(token, escrowAt, address(1), laneAt, 3_000, 1 ether);
        escrow = new BountyEscrow(token, address(1), laneAt, 1, 1);
        BatchChallenges challenges = new BatchChallenges(IBatchLane(laneAt));
        BatchPayouts payouts = new BatchPayouts(IBatchLane(laneAt));
        lane = new BatchLane(escrow, vault, challenges, payouts, address(0), settings());
        targets = [address(lane), address(challenges), address(payouts), address(escrow), address(vault)];
    }

    function setUp() public virtual {
        vm.chainId(31337);
        vm.warp(1_000_000);
        vm.roll(100);
        deploy();
        people = vm.parseJsonAddressArray(vm.readFile("tests/vectors/batch_replays/index.json"), "$.people");
        for (uint256 i = 0; i < people.length; ++i) {
            token.mint(people[i], START);
            vm.startPrank(people[i]);
            token.approve(address(vault), START);
            token.approve(address(escrow), START);
            vm.stopPrank();
        }
    }

    function read(uint256 number) internal view returns (Walk memory) {
        string memory json = vm.readFile(string.concat("tests/vectors/batch_replays/", vm.toString(number), ".json"));
        return
            Walk({
                name: vm.parseJsonString(json, "$.name"),
                senders: vm.parseJsonAddressArray(json, "$.senders"),
                targets: vm.parseJsonUintArray(json, "$.targets"),
                calls: vm.parseJsonBytesArray(json, "$.calls"),
                times: vm.parseJsonUintArray(json, "$.times"),
                outcomes: vm.parseJsonBytes32Array(json, "$.outcomes"),
                states: vm.parseJsonBytes32Array(json, "$.states"),
                answers: vm.parseJsonBytes32Array(json, "$.answers")
            });
    }

    function run(Walk memory walk, uint256 steps) internal {
        for (uint256 i = 0; i < steps; ++i) {
            vm.warp(walk.times[i]);
            vm.prank(walk.senders[i]);
            (bool taken, bytes memory answer) = targets[walk.targets[i]].call(walk.calls[i]);
            bytes4 expected = bytes4(walk.outcomes[i]);
            if (taken != (expected == TAKEN)) revert Diverged(walk.name, i, taken ? "taken" : string(answer));
            if (!taken && (bytes4(answer) == PANIC || (expected != ANY && bytes4(answer) != expected))) {
                revert Diverged(walk.name, i, string(answer));
            }
            if (walk.answers[i] != 0 && walk.answers[i] != keccak256(answer))
                revert Diverged(walk.name, i, "another answer");
            if (walk.states[i] != state()) revert Diverged(walk.name, i, "somebody has something else");
        }
    }

    /// @dev What everybody has: twin of `Recorder.state`.
    function state() internal view returns (bytes32) {
        bytes memory words;
        for (uint256 i = 0; i < people.length; ++i) words = abi.encodePacked(words, stateOf(people[i]));
        for (uint256 job = 1; job <= escrow.jobCount(); ++job) words = abi.encodePacked(words, escrow.escrowOf(job));
        return keccak256(abi.encodePacked(words, vault.slashPool()));
    }

    function stateOf(address who) private view returns (bytes memory) {
        (uint256 bonded, uint256 locked, , ) = vault.accountOf(who);
        (uint256 allotted, uint256 ending, ) = vault.allotmentOf(who, who);
        bytes memory staked = abi.encode(bonded, locked, allotted, ending);
        (uint256 next, uint256 stated, uint256 held) = lane.bookOf(who);
        bytes memory posted = abi.encode(held, escrow.reservedOf(who), next, stated);
        return abi.encodePacked(token.balanceOf(who), escrow.creditOf(who), staked, posted);
    }
}

contract BatchReplayTest is BatchReplay {
    function test_Replay_ContractsDoWhatTheModelDid() public {
        uint256 count = vm.parseJsonUint(vm.readFile("tests/vectors/batch_replays/index.json"), "$.count");
        isTrue(count > 25, "runs were read");
        uint256 clean = vm.snapshotState();
        for (uint256 i = 0; i < count; ++i) {
            this.replay(i); // a call of its own, so that its memory is free again
            vm.revertToState(clean);
        }
    }

    function replay(uint256 number) external {
        Walk memory walk = read(number);
        run(walk, walk.calls.length);
    }

    /// @dev In the run "twice" the first batch is withdrawn by with `withdrawMany`. Here the token refuses to pay at first.
    function test_Payment_RefusedByTheToken_IsStillOwed() public {
        uint256 number = 0;
        Walk memory walk = read(number);
        while (keccak256(bytes(walk.name)) != keccak256("twice")) walk = read(++number);
        uint256 at = 0;
        while (walk.answers[at] == 0) ++at;
        run(walk, at);
        vm.warp(walk.times[at]);
        bytes32 before = state();
        vm.mockCallRevert(address(token), abi.encodeWithSelector(token.transfer.selector), "");
        (bool taken, bytes memory answer) = targets[walk.targets[at]].call(walk.calls[at]);
        isTrue(taken, "one payee that cannot be paid stops no others");
        same(abi.decode(answer, (uint256)), 0, "paid");
        vm.clearMockedCalls();
        sameBytes(state(), before, "nothing moved");
        (taken, answer) = targets[walk.targets[at]].call(walk.calls[at]);
        same(abi.decode(answer, (uint256)), 1, "paid once it can be");
    }

    // --- the constructor ---

    function refuse(BatchSettings memory wanted, bytes4 error) private {
        BatchChallenges challenges = BatchChallenges(targets[1]);
        BatchPayouts payouts = BatchPayouts(targets[2]);
        expectError(error);
        new BatchLane(escrow, vault, challenges, payouts, address(0), wanted);
    }

    function test_RevertWhen_TimesAreOutOfRange() public {
        BatchSettings memory s = settings();
        s.answer = 0;
        refuse(s, IBatchLane.TimesOutOfRange.selector);
        s.answer = 101; // ten answers do not fit the window
        refuse(s, IBatchLane.TimesOutOfRange.selector);
        s = settings();
        s.claim = 0;
        refuse(s, IBatchLane.TimesOutOfRange.selector);
        s.claim = 1_001; // window and claim end after the liability
        refuse(s, IBatchLane.TimesOutOfRange.selector);
        s = settings();
        s.liability = 3_000; // stake unbonds in 3,000
        refuse(s, IBatchLane.TimesOutOfRange.selector);
        s = settings();
        s.notice = 0;
        refuse(s, IBatchLane.EndingOutOfRange.selector);
        s.notice = 30 days;
        refuse(s, IBatchLane.EndingOutOfRange.selector);
        s = settings();
        s.grace = 0;
        refuse(s, IBatchLane.EndingOutOfRange.selector);
    }

    function test_RevertWhen_RingOrBondIsOutOfRange() public {
        BatchSettings memory s = settings();
        s.ring = 1;
        refuse(s, IBatchLane.RingOutOfRange.selector);
        s.ring = 65_537;
        refuse(s, IBatchLane.RingOutOfRange.selector);
        s = settings();
        s.leastBond = 1;
        refuse(s, IBatchLane.BondOutOfRange.selector);
        s.leastBond = 1 << 88;
        refuse(s, IBatchLane.BondOutOfRange.selector);
        s = settings();
        s.bondBps = 10_001;
        refuse(s, IBatchLane.BondOutOfRange.selector);
        s = settings();
        s.deposit = 0;
        refuse(s, IBatchLane.BondOutOfRange.selector);
        s.deposit = 1 << 96;
        refuse(s, IBatchLane.BondOutOfRange.selector);
    }

    /// @dev What the settings may be at most and at least: then it is the wiring that is refused.
    function test_Settings_AtTheirEdges() public {
        BatchSettings memory s = settings();
        s.claim = 1_000;
        refuse(s, IBatchLane.WrongWiring.selector);
        s = settings();
        s.liability = 2_999;
        refuse(s, IBatchLane.WrongWiring.selector);
        s = settings();
        s.notice = 30 days - s.grace;
        refuse(s, IBatchLane.WrongWiring.selector);
        s.notice += 1;
        refuse(s, IBatchLane.EndingOutOfRange.selector);
        s = settings();
        (s.ring, s.leastBond, s.bondBps, s.deposit) = (2, 2, 10_000, 1);
        refuse(s, IBatchLane.WrongWiring.selector);
        (s.ring, s.leastBond, s.bondBps, s.deposit) = (65_536, (1 << 88) - 1, 0, (1 << 96) - 1);
        refuse(s, IBatchLane.WrongWiring.selector);
    }

    function test_RevertWhen_SomebodyKnowsAnotherLane() public {
        refuse(settings(), IBatchLane.WrongWiring.selector);
    }

    function test_Views_BeforeAnythingIsPosted() public view {
        same(lane.postableAt(people[0]), 0, "any time");
        same(lane.MAX_RECEIPTS(), 1 << 20, "most receipts");
        same(lane.bondFor(1_001, false), 1_201, "a fifth, rounded up, on top of the least");
        same(lane.bondFor(10_000, true), 10_000, "all of it in CID mode");
        same(lane.bondFor(10_000, false), 3_000, "no more than that of calldata");
        same(BatchChallenges(targets[1]).demandCount() + BatchPayouts(targets[2]).claimCount(), 0, "none");
    }
}

/// @dev Two honest batches, and of each rule a few proofs that hold up to the rule itself. Any byte of them may be changed.
contract BatchHonestTest is BatchReplay {
    uint256 private constant SHOWN = 40;

    bytes[] private shown;

    function setUp() public override {
        super.setUp();
        Walk memory walk = read(0);
        uint256 posted = 0;
        while (walk.targets[posted] != 1) ++posted;
        run(walk, posted);
        uint256 left = walk.calls.length - posted;
        for (uint256 i = 0; i < left; ++i) {
            bool proof = walk.targets[posted + i] == 1 && i % (left / SHOWN + 1) == 0;
            if (proof) shown.push(walk.calls[posted + i]);
        }
    }

    function testFuzz_HonestBatch_NothingPunishesIt(uint16 which, uint16 at, bytes1 value) public {
        bytes memory data = shown[which % shown.length];
        data[4 + (at % (data.length - 4))] = value;
        bytes32 before = state();
        vm.prank(people[2]);
        (bool taken, ) = targets[1].call(data);
        isTrue(!taken, "no proof holds");
        sameBytes(state(), before, "and nothing moved");
    }
}
