// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BatchChallenges} from "../../../contracts/BatchChallenges.sol";
import {BatchCourt} from "../../../contracts/BatchCourt.sol";
import {BatchLane} from "../../../contracts/BatchLane.sol";
import {BatchPayouts} from "../../../contracts/BatchPayouts.sol";
import {BountyEscrow} from "../../../contracts/BountyEscrow.sol";
import {DirectLane} from "../../../contracts/DirectLane.sol";
import {StakeVault} from "../../../contracts/StakeVault.sol";
import {IBatchLane} from "../../../contracts/interfaces/IBatchLane.sol";
import {FixedSeeds} from "../../../contracts/mocks/FixedSeeds.sol";
import {OpenToken} from "../../../contracts/mocks/HostileTokens.sol";
import {BatchHeader, BatchSettings, Bundle, BundleOpening, ReceiptOpening} from "../../../contracts/types/Batch.sol";
import {CourtSettings} from "../../../contracts/types/Court.sol";
import {JobTerms, TaskStatus} from "../../../contracts/types/Market.sol";
import {isTrue, vm} from "./Vm.sol";

/// @dev A batch of five bundles of one receipt each, posted at START, and fifteen jurors with equal stakes. People, tasks,
///      digests, stakes and times are those of tests/model/court.py.
abstract contract CourtBase {
    uint256 internal constant START = 1_000_000;
    uint256 internal constant WINDOW = 1_000;
    uint256 internal constant RAMP = 30;
    uint256 internal constant CASE_TIME = 1_340;
    uint256 internal constant UNBONDING = 3_881;
    uint256 internal constant LOCK = 16_000;
    uint256 internal constant JUROR_PRICE = 2_000;
    uint256 internal constant BOND = 10_000;
    uint256 internal constant RECEIPT_COST = 1_100;
    uint256 internal constant JURORS = 15;
    uint256 internal constant PEOPLE = 8;
    uint256 internal constant ORC = 0;
    uint256 internal constant REQUESTER = 1;
    uint256 internal constant EVE = 2;
    uint256 internal constant DAN = 3;
    uint256 internal constant ALICE = 4;
    uint256 internal constant BOB = 5;
    uint256 internal constant CAROL = 6;
    uint256 internal constant NILS = 7;
    uint256 internal constant RIGHT = 1;
    uint256 internal constant WRONG = 2;
    uint256 internal constant OTHER = 3;
    uint256 internal constant VOID = 4;
    bytes32 internal constant SALT = keccak256("salt");
    bytes32 internal constant MANIFEST = keccak256("manifest");
    bytes32 private constant RECEIPTS = keccak256(
        "Receipts(address worker,uint256 job,uint32 firstTask,uint32 count,bytes32 receipts,bytes32 commitSets)"
    );

    OpenToken internal token;
    FixedSeeds internal seeds;
    StakeVault internal vault;
    BountyEscrow internal escrow;
    BatchLane internal lane;
    DirectLane internal direct;
    BatchCourt internal court;
    BatchHeader internal header;
    Bundle[5] internal bundles;
    bytes32[5] internal words;
    uint256 internal jobId;

    // --- everybody ---

    function keyOf(uint256 who) internal pure returns (uint256) {
        return 0xB0B0 + who;
    }

    function person(uint256 who) internal pure returns (address) {
        return vm.addr(keyOf(who));
    }

    function juror(uint256 index) internal pure returns (address) {
        return address(uint160(0x3000 + index));
    }

    function batchSettings() internal pure returns (BatchSettings memory) {
        return BatchSettings(WINDOW, 100, 500, 2_000, 300, 600, 4, 1_000, 2_000, 50);
    }

    function courtSettings() internal pure returns (CourtSettings memory) {
        return
            CourtSettings({
                juryTime: 500,
                taskTime: 100,
                reply: 200,
                leastPrice: JUROR_PRICE,
                stakeFactor: 10,
                quorum: 3
            });
    }

    function setUp() public virtual {
        vm.chainId(31337);
        vm.warp(START);
        vm.roll(100);
        token = makeToken();
        seeds = new FixedSeeds();
        deploy();
        for (uint256 i = 0; i < PEOPLE; ++i) fund(person(i));
        for (uint256 i = 0; i < JURORS; ++i) {
            fund(juror(i));
            vm.prank(juror(i));
            vault.stake(1_000_000);
        }
        befriend(juror(13), person(ALICE), address(0x51));
        befriend(juror(14), person(EVE), address(0x52));
        allot(ALICE, 20_000);
        allot(BOB, 5_000);
        allot(CAROL, 50_000);
        allot(ORC, 5_500 + 3_000);
        vm.roll(120);
        postJob(jobTerms());
        postBatch();
    }

    function makeToken() internal virtual returns (OpenToken) {
        return new OpenToken();
    }

    function deploy() private {
        uint64 nonce = vm.getNonce(address(this));
        address[6] memory places;
        for (uint64 i = 0; i < 6; ++i) places[i] = vm.computeCreateAddress(address(this), nonce + 1 + i);
        // vault, escrow, challenges, payouts, lane, direct, court
        vault = new StakeVault(token, places[0], places[4], places[3], UNBONDING, 1 ether);
        escrow = new BountyEscrow(token, places[4], places[3], 1, 1);
        BatchChallenges challenges = new BatchChallenges(IBatchLane(places[3]));
        BatchPayouts payouts = new BatchPayouts(IBatchLane(places[3]));
        lane = new BatchLane(escrow, vault, challenges, payouts, places[5], batchSettings());
        direct = new DirectLane(escrow, vault, seeds, 500, 40, RAMP);
        court = new BatchCourt(lane, direct, courtSettings());
    }

    function fund(address account) internal {
        token.mint(account, 1 ether);
        vm.startPrank(account);
        token.approve(address(vault), type(uint256).max);
        token.approve(address(escrow), type(uint256).max);
        token.approve(address(court), type(uint256).max);
        vm.stopPrank();
    }

    function allot(uint256 who, uint256 amount) internal {
        vm.startPrank(person(who));
        vault.stake(amount);
        vault.allot(person(ORC), amount);
        vm.stopPrank();
    }

    function befriend(address one, address other, address sponsor) internal {
        fund(sponsor);
        back(one, sponsor);
        back(other, sponsor);
    }

    function back(address account, address sponsor) internal {
        vm.prank(account);
        vault.acceptSponsor(sponsor);
        vm.prank(sponsor);
        vault.sponsor(account, 10);
    }

    // --- the batch ---

    function jobTerms() internal view returns (JobTerms memory) {
        return
            JobTerms({
                lane: address(lane),
                orchestrator: person(ORC),
                deadline: uint40(START + 100),
                taskTime: 100,
                mapTasks: 3,
                reduceTasks: 0,
                rounds: 1,
                quorum: 2,
                workSlots: 5,
                auditSlots: 0,
                feeBps: 1_000,
                slotPrice: 1_000,
                stakePerClaim: uint128(LOCK),
                manifestDigest: MANIFEST
            });
    }

    function postJob(JobTerms memory terms) internal {
        vm.prank(person(REQUESTER));
        jobId = escrow.postJob(terms);
    }

    function digestOf(uint256 task, uint256 code) internal view returns (bytes32) {
        if (code == VOID) return court.VOID();
        return keccak256(abi.encodePacked(uint8(task), uint8(code)));
    }

    function signerAt(uint256 position) internal pure returns (uint256) {
        return [ALICE, BOB, CAROL, NILS, ORC][position];
    }

    function positionOf(uint256 who) internal pure returns (uint256) {
        return who == ORC ? 4 : who - ALICE;
    }

    function wordAt(uint256 position) private view returns (bytes32) {
        uint256 task = [uint256(0), 0, 1, 2, 2][position];
        uint256 slot = [uint256(0), 1, 0, 0, 1][position];
        uint256 cut = uint256(digestOf(task, position == 2 ? RIGHT : WRONG)) >> 40;
        return bytes32((task << 224) | (slot << 216) | cut);
    }

    function postBatch() internal {
        (uint256 number, , ) = lane.bookOf(person(ORC));
        bytes32[] memory leaves = new bytes32[](5);
        for (uint256 i = 0; i < 5; ++i) {
            words[i] = wordAt(i);
            bundles[i] = signedBundle(i);
            leaves[i] = keccak256(abi.encode(bundles[i]));
        }
        header = BatchHeader({
            orchestrator: person(ORC),
            number: uint32(number),
            job: jobId,
            firstTask: 0,
            endTask: 3,
            bundleCount: 5,
            receiptCount: 5,
            payoutCount: 6,
            bundlesRoot: root(leaves),
            payoutsRoot: keccak256("payouts"),
            dataDigest: keccak256("data"),
            previous: number == 0 ? bytes32(0) : keccak256(abi.encode(header))
        });
        vm.prank(person(ORC));
        lane.post(header);
    }

    function signedBundle(uint256 position) internal view virtual returns (Bundle memory bundle) {
        bundle.payoutIndex = uint32(position + 1);
        bundle.account = person(signerAt(position));
        bundle.start = uint32(position);
        bundle.count = 1;
        bundle.receiptsRoot = keccak256(abi.encode(words[position]));
        bundle.setsRoot = keccak256("sets");
        (bundle.r, bundle.vs) = sign(signerAt(position), bundle, jobId, 0);
    }

    function sign(
        uint256 who,
        Bundle memory bundle,
        uint256 job,
        uint32 firstTask
    ) internal view returns (bytes32, bytes32) {
        bytes32 message = keccak256(
            abi.encode(RECEIPTS, bundle.account, job, firstTask, bundle.count, bundle.receiptsRoot, bundle.setsRoot)
        );
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", lane.DOMAIN_SEPARATOR(), message));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(keyOf(who), digest);
        return (r, bytes32(uint256(s) | (uint256(v - 27) << 255)));
    }

    /// @dev The tree of five leaves, level by level; where there is no right node, zero stands.
    function root(bytes32[] memory level) internal pure returns (bytes32) {
        while (level.length > 1) level = above(level);
        return level[0];
    }

    function above(bytes32[] memory level) private pure returns (bytes32[] memory upper) {
        upper = new bytes32[]((level.length + 1) / 2);
        for (uint256 i = 0; i < upper.length; ++i) {
            bytes32 right = 2 * i + 1 < level.length ? level[2 * i + 1] : bytes32(0);
            upper[i] = keccak256(abi.encodePacked(level[2 * i], right));
        }
    }

    function bundleOf(uint256 who) internal view returns (BundleOpening memory opening) {
        uint256 position = positionOf(who);
        opening.position = uint32(position);
        opening.bundle = bundles[position];
        opening.proof = new bytes32[](3);
        bytes32[] memory level = new bytes32[](5);
        for (uint256 i = 0; i < 5; ++i) level[i] = keccak256(abi.encode(bundles[i]));
        for (uint256 i = 0; i < 3; ++i) {
            uint256 sibling = position ^ 1;
            if (sibling < level.length) opening.proof[i] = level[sibling];
            (level, position) = (above(level), position / 2);
        }
    }

    function receiptOf(uint256 who) internal view returns (ReceiptOpening memory) {
        return ReceiptOpening({position: 0, word: words[positionOf(who)], proof: new bytes32[](0)});
    }

    function taskOf(uint256 who) internal view returns (uint32) {
        return uint32(uint256(words[positionOf(who)]) >> 224);
    }

    // --- the court's acts ---

    function commitment(uint256 by, uint256 signer, uint256 code) internal view returns (bytes32) {
        if (code == 0) return 0;
        uint32 task = taskOf(signer);
        return court.commitmentOf(person(by), jobId, task, digestOf(task, code), SALT);
    }

    function challenge(uint256 by, uint256 signer, uint256 code) internal returns (uint256) {
        bytes32 sealed_ = commitment(by, signer, code);
        (BundleOpening memory opening, ReceiptOpening memory shown) = (bundleOf(signer), receiptOf(signer));
        vm.prank(person(by));
        return court.challenge(header, opening, shown, sealed_);
    }

    function slash(uint256 caseId, uint256 signer) internal returns (uint256) {
        return court.slash(caseId, header, bundleOf(signer), receiptOf(signer));
    }

    /// @dev Jurors come, in this order, in waves of as many as are missing: one a byte, juror x 16 + the code of its digest.
    ///      When no whole wave is left, the jury's time passes.
    function sit(uint256 caseId, uint256 votes) internal {
        uint256 jury = court.caseOf(caseId).jury;
        uint32 task = court.caseOf(caseId).task;
        uint256 deadline = escrow.terms(jury).deadline;
        uint256 most = escrow.terms(jury).workSlots;
        uint256 opened = 0;
        uint256 missing = escrow.terms(jury).quorum;
        while (sizeOf(votes) >= missing && opened + missing <= most && block.timestamp + RAMP < deadline) {
            know(jury, votes, missing);
            for (uint256 i = 0; i < missing; ++i) join(jury, task, votes >> (8 * i));
            for (uint256 i = 0; i < missing; ++i) reveal(jury, task, votes >> (8 * i));
            direct.settle(jury, 0);
            (votes, opened) = (votes >> (8 * missing), opened + missing);
            if (direct.taskOf(jury, 0).status != TaskStatus.Claiming) return;
            missing = direct.taskOf(jury, 0).slotsOpen - opened;
        }
        vm.warp(direct.taskOf(jury, 0).closesAt);
        if (opened != 0) direct.expireTask(jury, 0);
    }

    function sizeOf(uint256 votes) private pure returns (uint256 count) {
        for (; votes != 0; votes >>= 8) ++count;
    }

    /// @dev Finds a seed that draws the next jurors of the list, and lets it be known.
    function know(uint256 jury, uint256 votes, uint256 count) internal {
        uint32 epoch = direct.drawEpochOf(jury, 0);
        if (block.number <= epoch * 4) vm.roll(epoch * 4 + 1);
        uint256 salt = 0;
        uint256 found = 0;
        while (found < count) {
            if (found == 0) seeds.set(epoch, keccak256(abi.encode(jury, epoch, salt++)));
            bool drawn = direct.drawnFrom(jury, 0, juror((votes >> (8 * found + 4)) & 15)) != 0;
            found = drawn ? found + 1 : 0;
        }
        vm.warp(block.timestamp + RAMP);
    }

    function join(uint256 jury, uint32 task, uint256 vote) private {
        address who = juror((vote >> 4) & 15);
        vm.prank(who);
        direct.claim(jury, 0);
        bytes32 digest = digestOf(task, vote & 15);
        pending[who] = keccak256(abi.encode(block.chainid, address(direct), jury, uint32(0), who, digest, SALT));
        order.push(who);
        if (order.length < direct.taskOf(jury, 0).slotsOpen - direct.taskOf(jury, 0).firstSlot) return;
        for (; order.length != 0; order.pop()) {
            address next = order[order.length - 1];
            vm.prank(next);
            direct.commit(jury, 0, pending[next]);
        }
    }

    mapping(address juror => bytes32) private pending;
    address[] private order;

    function reveal(uint256 jury, uint32 task, uint256 vote) private {
        bytes32 digest = digestOf(task, vote & 15);
        vm.prank(juror((vote >> 4) & 15));
        direct.reveal(jury, 0, digest, SALT);
    }

    function alike(uint256 code, uint256 count) internal pure returns (uint256 votes) {
        for (uint256 i = 0; i < count; ++i) votes |= (i * 16 + code) << (8 * i);
    }

    // --- what everybody has ---

    function moneyOf(address who) internal view returns (uint256) {
        return token.balanceOf(who) + escrow.creditOf(who) + court.owedTo(who);
    }

    function bondedOf(address who) internal view returns (uint256 bonded) {
        (bonded, , , ) = vault.accountOf(who);
    }

    /// @dev Vault and escrow hold what they owe, to the unit; the court what it owes, by itself or as credit.
    function checkSolvent() internal view {
        isTrue(token.balanceOf(address(vault)) == vault.totalOwed(), "vault holds what it owes");
        isTrue(token.balanceOf(address(escrow)) == escrow.totalOwed(), "escrow holds what it owes");
        uint256 has = token.balanceOf(address(court)) + escrow.creditOf(address(court));
        isTrue(has >= court.totalOwed(), "the court has what it owes");
    }
}
