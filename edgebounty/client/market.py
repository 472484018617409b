"""One market as its users see it: read it, post to it, stake in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from eth_account.signers.local import LocalAccount

from edgebounty.chain.deployment import Deployment
from edgebounty.chain.errors import ContractRejected
from edgebounty.chain.market import MarketContracts
from edgebounty.chain.rpc import connect
from edgebounty.chain.sender import Sender
from edgebounty.chain.views import Balances, Job
from edgebounty.client.errors import Rejected
from edgebounty.client.kinds import Kinds, Terms
from edgebounty.client.pricing import from_base_units, to_base_units
from edgebounty.content.http import HttpGateway
from edgebounty.content.permission import UploadSigner
from edgebounty.content.store import ContentStore, get_file
from edgebounty.protocol.cid import Cid, CidError, raw_cid
from edgebounty.protocol.manifest import MAX_BYTES, Manifest
from edgebounty.protocol.messages import Domain
from edgebounty.protocol.types import Address, to_address

if TYPE_CHECKING:
    from edgebounty.client.estimate import Estimate
    from edgebounty.client.plans import Plan
    from edgebounty.client.there import MarketJob

MAX_WEIGHTS_BYTES: Final = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """The token that bounties and stakes are paid in."""

    symbol: str
    decimals: int

    def text(self, amount: int) -> str:
        """Base units as people read them, exact."""
        return f"{from_base_units(amount, self.decimals)} {self.symbol}"

    def short(self, amount: int) -> str:
        """Base units for tables: rounded to four decimals."""
        return f"{amount / 10**self.decimals:,.4f}"

    def amount(self, text: str) -> int:
        """What people write, in base units. Raises `Rejected`."""
        return to_base_units(text, self.decimals)


def _token(contracts: MarketContracts) -> Token:
    """The market's token. Raises `Rejected` when the deployment names another one than the escrow takes, or none."""
    named = contracts.deployment.token
    remedy = "use the deployment file that the market's operator published"
    try:
        taken = to_address(contracts.read(contracts.escrow.functions.TOKEN()))
        if taken != named:
            raise Rejected(
                f"the escrow takes the token {taken}, the deployment file names {named}",
                whose="yours (the settings)",
                remedy=f"{remedy}: see --deployment",
            )
        return Token(
            symbol=str(contracts.read(contracts.token.functions.symbol())),
            decimals=int(contracts.read(contracts.token.functions.decimals())),
        )
    except ContractRejected as error:
        raise Rejected(
            f"the deployment file is not of this chain's market: {contracts.deployment.escrow} is no escrow, or "
            f"{named} is no token",
            whose="yours (the settings)",
            remedy=f"{remedy}: see --deployment",
        ) from error


class Market(Kinds):
    """One deployment on one chain, with its content. With an account it can also post, stake and withdraw."""

    def __init__(
        self,
        contracts: MarketContracts,
        *,
        content: ContentStore,
        sender: Sender | None = None,
        orchestrator_url: str | None = None,
    ) -> None:
        self.contracts = contracts
        self.content = content
        self.orchestrator_url = orchestrator_url
        self._sender = sender
        self.token = _token(contracts)

    @classmethod
    def connect(
        cls,
        *,
        rpc_url: str,
        deployment_file: Path,
        gateway_url: str,
        orchestrator_url: str | None = None,
        chain_id: int | None = None,
        account: LocalAccount | None = None,
    ) -> Market:
        """Raises `ChainError` when the node does not answer or serves another chain, `Rejected` for bad settings.

        `Market.connect_folder` is shorter for a market that `edgebounty up` made.
        """
        deployment = Deployment.load(deployment_file)
        if chain_id is not None and chain_id != deployment.chain_id:
            raise Rejected(
                f"{deployment_file} is of chain id {deployment.chain_id}, you asked for {chain_id}",
                whose="yours (the settings)",
                remedy="name the deployment file of that chain",
            )
        web3 = connect(rpc_url, deployment.chain_id)
        contracts = MarketContracts(web3, deployment)
        signer = None
        if account is not None:
            domain = Domain(chain_id=deployment.chain_id, verifying_contract=Address(deployment.escrow))
            signer = UploadSigner(domain, bytes(account.key))
        try:
            content = HttpGateway(gateway_url, signer)
        except ValueError as error:
            raise Rejected(
                str(error), whose="yours (the settings)", remedy="write it like http://127.0.0.1:8600"
            ) from error
        sender = None if account is None else Sender(web3, account)
        return cls(contracts, content=content, sender=sender, orchestrator_url=orchestrator_url)

    @classmethod
    def connect_folder(cls, folder: Path | str, *, account: str | None = "requester") -> Market:
        """The market that `edgebounty up --dir FOLDER` keeps, for one of its test accounts.

        Raises `Rejected` when there is no market, or no such account, and as `connect`.
        """
        from edgebounty.chain.accounts import load_account
        from edgebounty.client.endpoints import Endpoints

        found = Endpoints.load(Path(folder))
        signer = None
        if account is not None:
            known = found.account(account)
            if known is None:
                names = ", ".join(one.name for one in found.accounts)
                raise Rejected(f"this market has no test account {account!r}", remedy=f"known are {names}")
            signer = load_account(key_file=Path(known.key_file))
        return cls.connect(
            rpc_url=found.rpc_url,
            deployment_file=Path(folder, found.deployment_file),
            gateway_url=found.gateway_url,
            orchestrator_url=found.api_url,
            chain_id=found.chain_id,
            account=signer,
        )

    def start(self, plan: Plan, *, bounty: str | float | None = None, terms: Terms | None = None) -> MarketJob:
        """Uploads the content of a plan, escrows its bounty. Raises `Rejected`; then no money has moved."""
        from edgebounty.client.there import post_plan

        return post_plan(self, plan, bounty, terms)

    def estimate(self, plan: Plan, *, bounty: str | float | None = None, terms: Terms | None = None) -> Estimate:
        """What `start` would take from the account. Raises `Rejected` when the bounty is too small."""
        from edgebounty.client.there import estimate_plan

        return estimate_plan(self, plan, bounty, terms)

    def weights(self, name: str) -> bytes:
        """The result of a train job by its number, or content by its CID. Raises `Rejected` or `ContentError`."""
        from edgebounty.client.fetching import fetch_result

        if name.isascii() and name.isdigit():
            return fetch_result(self, int(name)).content
        try:
            cid = Cid.parse(name)
        except CidError as error:
            raise Rejected(
                f"{name!r} is neither a file, nor a job's number, nor a CID", remedy="name what a train job made"
            ) from error
        return get_file(self.content, cid, MAX_WEIGHTS_BYTES)

    @property
    def sender(self) -> Sender:
        """Raises `Rejected` when the market was opened without an account."""
        if self._sender is None:
            raise Rejected("no account to sign with", remedy="name one with --account, --key-file or --keystore")
        return self._sender

    @property
    def address(self) -> Address:
        return self.sender.address

    @property
    def min_slot_price(self) -> int:
        """The least that this market's escrow lets a run of a task be paid, in base units."""
        return int(self.contracts.read(self.contracts.escrow.functions.MIN_SLOT_PRICE()))

    @property
    def min_task_time(self) -> int:
        """Least seconds that a job must give its workers to commit, and to reveal."""
        return int(self.contracts.read(self.contracts.escrow.functions.MIN_TASK_TIME()))

    def job(self, job_id: int) -> Job:
        """Raises `Rejected` when there is no such job."""
        count = self.contracts.job_count()
        if not 1 <= job_id <= count:
            known = f"jobs 1 to {count} are there" if count else "no job was posted yet"
            raise Rejected(f"there is no job {job_id}: {known}", remedy="see `edgebounty job list`")
        return self.contracts.job(job_id)

    def manifest(self, job: Job) -> Manifest:
        """The job's manifest, checked against the digest on chain. Raises `ContentError` or `ManifestError`."""
        return Manifest.parse(get_file(self.content, raw_cid(job.terms.manifest_digest), MAX_BYTES))

    def balances(self, account: Address | None = None) -> Balances:
        return self.contracts.balances(account or self.address)

    def stop(self, job_id: int) -> None:
        """No new task may start; what is claimed goes on. Then the unused bounty comes back as credit."""
        self.job(job_id)
        self.sender.send(self.contracts.stop_job(job_id))

    def refund(self, job_id: int) -> int:
        """Credits the requester with what the job can no longer cost; returns the amount, 0 when there is none."""
        amount = self.job(job_id).refundable
        if amount:
            self.sender.send(self.contracts.refund(job_id))
        return amount

    def stake(self, amount: int) -> None:
        """Stakes own tokens. Raises `Rejected` when there are too few."""
        self.need_tokens(amount, "to stake")
        self.allow(self.contracts.deployment.vault, amount)
        self.sender.send(self.contracts.stake(amount))

    def unbond(self, amount: int) -> None:
        """Starts to take back free stake. Raises `Rejected` when less is free."""
        free = self.balances().free_stake
        if amount > free:
            raise Rejected(
                f"{self.token.text(amount)} cannot be unbonded: {self.token.text(free)} of the stake is free",
                remedy="take less, or wait until the tasks that lock the rest are settled",
            )
        self.sender.send(self.contracts.unbond(amount))

    def withdraw_stake(self) -> None:
        self.sender.send(self.contracts.withdraw_stake())

    def withdraw(self) -> int:
        """Pays out the account's credit; returns it, 0 when there is none."""
        credit = self.balances().credit
        if credit:
            self.sender.send(self.contracts.withdraw(self.address))
        return credit

    def take_from_faucet(self) -> None:
        """Raises `Rejected` when this market's token is not the test token."""
        try:
            self.sender.send(self.contracts.token.functions.faucet())
        except ContractRejected as error:
            raise Rejected(
                f"{self.token.symbol} has no faucet: it is not the test token",
                whose="nobody's",
                remedy="get tokens where others get them",
            ) from error

    def need_tokens(self, amount: int, purpose: str) -> None:
        """Raises `Rejected` unless the account has `amount`."""
        balance = self.balances().tokens
        if balance < amount:
            raise Rejected(
                f"{self.address} has {self.token.text(balance)}, {self.token.text(amount)} are needed {purpose}",
                whose="yours (the account)",
                remedy="send it tokens, or ask for less (on a test market: `edgebounty faucet`)",
            )

    def allow(self, spender: str, amount: int) -> None:
        """Lets `spender` take `amount` of our tokens, if it may not already."""
        functions = self.contracts.token.functions
        if int(self.contracts.read(functions.allowance(self.address, spender))) < amount:
            self.sender.send(self.contracts.approve(spender, amount))
