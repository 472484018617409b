"""What is deployed, in which order, at which addresses. `edgebounty deploy` and brownie follow this one plan."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any, Final

import rlp  # type: ignore[import-untyped]
from eth_account.signers.local import LocalAccount
from web3 import Web3
from web3.exceptions import ContractLogicError, Web3RPCError
from web3.types import TxParams, Wei

from edgebounty.chain.errors import ChainError
from edgebounty.chain.rejections import rejection_of
from edgebounty.chain.rpc import guard, url_of
from edgebounty.chain.sender import Sender
from edgebounty.protocol.hashing import keccak256
from edgebounty.protocol.types import Address, to_address

_ETHEREUM: Final = 1
NOBODY: Final = to_address("0x" + "00" * 20)
_LEAST_WINDOW_ON_ETHEREUM: Final = 24 * 3600
_GAS_MARGIN: Final = 1.2


class DeploymentError(ChainError):
    """A deployment cannot be made, read or trusted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchSettings:
    """What the batch lane is given: seconds, and token base units. Defaults suit a development chain."""

    window: int = 20  # in which a fault can be proven, at least ten answers
    answer: int = 2  # to show what was demanded or claimed to be missing
    claim: int = 5  # after the window: workers of void and misplaced bundles come for their pay
    liability: int = 30  # that a header stays at least, less than stake takes to unbond
    notice: int = 5  # from stopping a job to the end of its assignments
    grace: int = 10  # after a job's deadline, in which batches may follow
    ring: int = 64  # headers kept of one orchestrator
    least_bond: int = 10**18
    bond_bps: int = 2_000  # of what a batch may pay, on top of it
    deposit: int = 10**16  # of who demands or claims

    @property
    def words(self) -> tuple[int, ...]:
        """As the constructor takes them."""
        times = (self.window, self.answer, self.claim, self.liability, self.notice, self.grace)
        return (*times, self.ring, self.least_bond, self.bond_bps, self.deposit)


@dataclass(frozen=True, slots=True, kw_only=True)
class CourtSettings:
    """What the court of the batch lane is given: seconds, and token base units. Defaults suit a development chain."""

    jury_time: int = 30  # in which jurors may claim
    task_time: int = 30  # of a juror to commit, and again to reveal; tasks that need more are not tried
    reply: int = 5  # after a jury: to show the salt or to appeal, and again to slash
    least_price: int = 10**15  # of a juror
    stake_factor: int = 10  # what a juror risks, in its prices
    quorum: int = 3  # of 5 jurors; of an appeal 9 of 15

    def liability(self, market: DeploymentSettings) -> int:
        """Seconds from a batch's posting until its last signer can be slashed. As `BatchCourt.LIABILITY`."""
        case = self.jury_time + market.draw_seconds + 6 * self.task_time + self.reply
        return market.batch.window + 2 * case + self.reply

    @property
    def words(self) -> tuple[int, ...]:
        """As the constructor takes them."""
        return (self.jury_time, self.task_time, self.reply, self.least_price, self.stake_factor, self.quorum)


COURT_ON_ETHEREUM: Final = CourtSettings(jury_time=6 * 3600, task_time=3600, reply=12 * 3600, least_price=10 * 10**18)
"""Two juries, each answered within a day, after a window of a day: three and a half of the seven days of unbonding."""

BATCH_ON_ETHEREUM: Final = BatchSettings(
    window=24 * 3600,
    answer=2 * 3600,
    claim=12 * 3600,
    liability=3 * 24 * 3600,
    notice=3600,
    grace=24 * 3600,
    ring=512,
    least_bond=100 * 10**18,
    deposit=10**18,
)
"""A day to look at every batch; a batch every ten minutes for three days before a header's place is needed again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentSettings:
    """What the operator chooses once and for all. Amounts in token base units. Defaults suit a development chain."""

    token: Address | None = None  # None deploys the test token, which Ethereum itself refuses
    epoch_blocks: int = 4  # blocks per seed; 32 on Ethereum
    margin_blocks: int = 1  # at least between a draw's opening and its seed's block, fewer than an epoch; 4 on Ethereum
    draw_seconds: int = 10  # a stage's seed is known and its ramp over after this, at the latest; 900 on Ethereum
    ramp_seconds: int = 1  # over which the candidates grow from none to eight a slot; 300 on Ethereum
    unbonding_seconds: int = 600  # days where stake is worth something
    no_show_bps: int = 500  # part of a claim's stake that a claim without a commit costs
    sponsor_cap: int = 1_000 * 10**18  # most that a sponsor may stake for one worker
    min_slot_price: int = 10**12  # below it a job is dust
    min_task_seconds: int = 1  # least time to commit, and to reveal; 60 on Ethereum, five blocks
    batch: BatchSettings = BatchSettings()
    court: CourtSettings | None = CourtSettings()  # None: results of the batch lane are not tried


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One contract creation. `address` is where the deployer's `nonce` puts it."""

    name: str
    args: tuple[Any, ...]
    nonce: int
    address: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """Where the contracts are. `block` is the first one that can hold an event of theirs."""

    chain_id: int
    block: int
    token: Address
    vault: Address
    escrow: Address
    seeds: Address
    direct_lane: Address
    batch_lane: Address
    batch_challenges: Address
    batch_payouts: Address
    batch_court: Address  # zero: there is none
    deployer: Address

    @classmethod
    def load(cls, path: Path) -> Deployment:
        """Reads what `save` wrote. Raises `DeploymentError` naming the file and what is wrong with it."""
        try:
            document = json.loads(path.read_text())
        except FileNotFoundError as error:
            raise DeploymentError(
                f"there is no deployment file {path}; deploy first, or name the file that the operator gave you"
            ) from error
        except (OSError, ValueError) as error:
            raise DeploymentError(f"the deployment file {path} cannot be read: {error}") from error
        names = [field.name for field in fields(cls)]
        if not isinstance(document, dict) or sorted(document) != sorted(names):
            raise DeploymentError(f"the deployment file {path} must hold exactly the fields {', '.join(names)}")
        values = dict(document)
        for name in ("chain_id", "block"):
            if type(values[name]) is not int or values[name] < 0:
                raise DeploymentError(
                    f"the deployment file {path}: {name} must be a whole number, not {values[name]!r}"
                )
        for name in names[2:]:
            try:
                values[name] = to_address(values[name])
            except (ValueError, TypeError) as error:
                raise DeploymentError(f"the deployment file {path}: {name} is not an address: {error}") from error
        return cls(**values)

    def save(self, path: Path) -> None:
        """Writes the file whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "w") as file:
            file.write(json.dumps(asdict(self), indent=2) + "\n")
        os.chmod(name, 0o644)
        os.replace(name, path)


@lru_cache(maxsize=16)
def artifact(name: str) -> dict[str, Any]:
    """ABI, bytecode and storage layout of one of our contracts, as shipped."""
    text = resources.files("edgebounty.chain").joinpath("artifacts", f"{name}.json").read_text()
    document: dict[str, Any] = json.loads(text)
    return document


def created_address(deployer: Address, nonce: int) -> Address:
    """Where CREATE puts the contract of the deployer's transaction number `nonce` (Yellow Paper, section 7)."""
    return to_address("0x" + keccak256(rlp.encode([bytes.fromhex(deployer[2:]), nonce]))[12:].hex())


def plan(deployer: Address, nonce: int, settings: DeploymentSettings) -> tuple[Planned, ...]:
    """Every creation in order. The vault and the escrow name the lanes, which come later and check them all."""
    names = ["EpochSeeds", "StakeVault", "BountyEscrow", "BatchChallenges", "BatchPayouts", "BatchLane", "DirectLane"]
    if settings.token is None:
        names.insert(0, "EdgeToken")
    if settings.court is not None:
        names.append("BatchCourt")
    at = {name: created_address(deployer, nonce + i) for i, name in enumerate(names)}
    token = settings.token or at["EdgeToken"]
    args: dict[str, tuple[Any, ...]] = {
        "EdgeToken": (),
        "EpochSeeds": (settings.epoch_blocks, settings.margin_blocks),
        "StakeVault": (
            token,
            at["BountyEscrow"],
            at["DirectLane"],
            at["BatchLane"],
            settings.unbonding_seconds,
            settings.sponsor_cap,
        ),
        "BountyEscrow": (
            token,
            at["DirectLane"],
            at["BatchLane"],
            settings.min_slot_price,
            settings.min_task_seconds,
        ),
        "BatchChallenges": (at["BatchLane"],),
        "BatchPayouts": (at["BatchLane"],),
        "BatchLane": (
            at["BountyEscrow"],
            at["StakeVault"],
            at["BatchChallenges"],
            at["BatchPayouts"],
            at.get("BatchCourt", NOBODY),
            settings.batch.words,
        ),
        "DirectLane": (
            at["BountyEscrow"],
            at["StakeVault"],
            at["EpochSeeds"],
            settings.no_show_bps,
            settings.draw_seconds,
            settings.ramp_seconds,
        ),
    }
    if settings.court is not None:
        args["BatchCourt"] = (at["BatchLane"], at["DirectLane"], settings.court.words)
    return tuple(Planned(name=name, args=args[name], nonce=nonce + i, address=at[name]) for i, name in enumerate(names))


def deployment_of(
    planned: tuple[Planned, ...], settings: DeploymentSettings, *, chain_id: int, block: int, deployer: Address
) -> Deployment:
    """The record of a plan that was carried out."""
    at = {step.name: step.address for step in planned}
    return Deployment(
        chain_id=chain_id,
        block=block,
        token=settings.token or at["EdgeToken"],
        vault=at["StakeVault"],
        escrow=at["BountyEscrow"],
        seeds=at["EpochSeeds"],
        direct_lane=at["DirectLane"],
        batch_lane=at["BatchLane"],
        batch_challenges=at["BatchChallenges"],
        batch_payouts=at["BatchPayouts"],
        batch_court=at.get("BatchCourt", NOBODY),
        deployer=deployer,
    )


def deploy(web3: Web3, account: LocalAccount, settings: DeploymentSettings) -> Deployment:
    """Creates all contracts from `account`, which must send nothing else meanwhile.

    Raises `DeploymentError` when a contract refuses its settings or lands elsewhere than planned (then nothing of it is
    usable, and nothing of value was put in), and `ChainError` for the node's and the account's troubles.
    """
    sender = Sender(web3, account)
    check(sender.chain_id, settings)
    planned = plan(sender.address, sender.next_nonce(), settings)
    first_block = 0
    for step in planned:
        block = _create(sender, step)
        first_block = first_block or block
    return deployment_of(planned, settings, chain_id=sender.chain_id, block=first_block, deployer=sender.address)


def check(chain_id: int, settings: DeploymentSettings) -> None:
    """Raises `DeploymentError` for a plan that the chain would refuse half-way."""
    if settings.token is None and chain_id == _ETHEREUM:
        raise DeploymentError("Ethereum itself takes no test token: name the token that the market shall use")
    if chain_id == _ETHEREUM and settings.batch.window < _LEAST_WINDOW_ON_ETHEREUM:
        raise DeploymentError(f"a batch must be open to challenge for a day on Ethereum, not {settings.batch.window} s")
    if settings.court is not None and settings.unbonding_seconds <= (liable := settings.court.liability(settings)):
        raise DeploymentError(
            f"stake must take longer to unbond than the court may take, {liable} s, not {settings.unbonding_seconds} s"
        )


def _create(sender: Sender, step: Planned) -> int:
    """Sends one creation and returns its block."""
    parts = artifact(step.name)
    contract = sender.web3.eth.contract(abi=parts["abi"], bytecode=parts["bytecode"])
    creation = contract.constructor(*step.args)
    try:
        gas = guard(url_of(sender.web3), lambda: int(creation.estimate_gas({"from": sender.address})))
    except (ContractLogicError, Web3RPCError) as error:
        reason = rejection_of(error) or error
        raise DeploymentError(f"{step.name} refuses to be deployed with {step.args}: {reason}") from error
    fees = sender.fees()
    unsigned: TxParams = {
        "type": 2,
        "chainId": sender.chain_id,
        "nonce": step.nonce,  # type: ignore[typeddict-item]
        "value": Wei(0),
        "gas": int(gas * _GAS_MARGIN),
        "data": creation.data_in_transaction,
    }
    signed = sender.sign_fields(unsigned, fees)
    sender.send_raw(signed)
    receipt = sender.wait(signed)
    if to_address(str(receipt["contractAddress"])) != step.address:
        raise DeploymentError(f"{step.name} is at {receipt['contractAddress']}, not at {step.address} as planned")
    return int(receipt["blockNumber"])
