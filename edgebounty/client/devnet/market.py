"""Starts the parts of a whole market in one folder, and stops them in order. A restart in the same folder resumes.

DIR/chain.json        the chain's state        DIR/deployment.json   where the contracts are
DIR/keys/NAME.key     test accounts            DIR/orchestrator/     the orchestrator's data
DIR/workers/NAME/     each worker's data       DIR/logs/NAME.log     what each process said
DIR/endpoints.json    where everything answers, written last: who sees it may begin
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Literal

from web3 import Web3

from edgebounty.chain.accounts import load_account
from edgebounty.chain.deployment import Deployment, DeploymentSettings, deploy
from edgebounty.chain.market import MarketContracts
from edgebounty.chain.rpc import connect
from edgebounty.client.devnet.chain import Chain, ForeignChain, start_anvil
from edgebounty.client.devnet.funding import give_coin, give_stake, give_tokens
from edgebounty.client.devnet.keys import make_account
from edgebounty.client.devnet.orchestrator import OrchestratorProcess, forget_state, start_orchestrator
from edgebounty.client.devnet.processes import Child, OnLine
from edgebounty.client.endpoints import Endpoints, TestAccount
from edgebounty.client.errors import Broken, Rejected, Unavailable

DEPLOYMENT_FILE = "deployment.json"
CONTRACTS = (
    *("token", "vault", "escrow", "seeds", "direct_lane"),
    *("batch_lane", "batch_challenges", "batch_payouts", "batch_court"),
)
STAKE_TOKENS = 1_000
FOREIGN_FINALITY_BLOCKS = "2"
BROWNIE_SECONDS = 180

Deployer = Literal["builtin", "brownie"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DevnetSettings:
    """What `edgebounty up` and the demo choose. Port 0 is any free one; a restart prefers those of the last time."""

    directory: Path
    workers: tuple[str, ...] = ("worker-1", "worker-2", "worker-3")
    batch_workers: tuple[str, ...] = ()
    """Workers of the batch lane: they get a key and nothing else."""
    bond_tokens: int = 0
    """What the orchestrator stakes, to put up bonds for batches; 0: it posts none."""
    rpc_port: int = 0
    api_port: int = 0
    chain_id: int = 31337
    rpc_url: str | None = None
    """A development chain that runs already, instead of starting one."""
    deployer: Deployer = "builtin"
    fee_bps: int = 100
    deployment: DeploymentSettings = field(default_factory=lambda: DeploymentSettings(epoch_blocks=2, draw_seconds=6))
    extra_accounts: tuple[str, ...] = ("requester", "spare")


class Devnet:
    """A running market. Use it as a context manager: leaving it stops everything it started."""

    def __init__(self, settings: DevnetSettings, on_line: OnLine | None = None) -> None:
        self.settings = settings
        self.directory = settings.directory.resolve()
        self.workers: dict[str, Child] = {}
        self._on_line = on_line
        self._lock: IO[str] | None = None
        self._chain: Chain | None = None
        self._orchestrator: OrchestratorProcess | None = None
        self._accounts: dict[str, TestAccount] = {}
        self._contracts: MarketContracts | None = None
        self._running_mark = self.directory / "running"
        self.was_killed = False
        """Whether the last run in this folder ended without being stopped."""

    # --- the parts, in the order they start ---

    def start_chain(self) -> Web3:
        """Raises `Rejected` when another market runs in the folder, `AnvilError` when the chain does not start."""
        self._take_folder()
        self.was_killed = self._running_mark.exists()
        self._running_mark.touch()
        if self.settings.rpc_url is not None:
            self._chain = ForeignChain(self.settings.rpc_url)
            return connect(self._chain.url)
        old = self._old_endpoints()
        self._chain = start_anvil(
            self.directory,
            chain_id=self.settings.chain_id,
            port=self.settings.rpc_port,
            last_port=_port_of(old.rpc_url) if old else 0,
            has_contracts=(self.directory / DEPLOYMENT_FILE).exists(),
        )
        return connect(self._chain.url, self.settings.chain_id)

    def deploy(self, web3: Web3) -> Deployment:
        """Deploys the contracts unless this folder's chain has them already."""
        path = self.directory / DEPLOYMENT_FILE
        if path.exists():
            deployment = Deployment.load(path)
            if not web3.eth.get_code(Web3.to_checksum_address(deployment.escrow)):
                raise Rejected(
                    f"the chain in {self.directory} does not have the contracts of {path.name}",
                    remedy="start in another folder, or delete this one",
                )
        elif self.settings.deployer == "brownie":
            deployment = self._deploy_with_brownie(path)
        else:
            deployer = make_account("deployer", self.directory / "keys")
            give_coin(web3, (deployer,))
            account = load_account(key_file=Path(deployer.key_file))
            deployment = deploy(web3, account, self.settings.deployment)
            deployment.save(path)
        self._contracts = MarketContracts(web3, deployment)
        return deployment

    def fund(self) -> None:
        """Makes the test accounts, gives them coin and test tokens, and stakes for the workers."""
        contracts = self.contracts
        names = ("orchestrator", *self.settings.extra_accounts, *self.settings.workers)
        self._accounts = {name: make_account(name, self.directory / "keys") for name in names}
        accounts = tuple(self._accounts.values())
        give_coin(contracts.web3, accounts)
        bonded = (self._accounts["orchestrator"],) if self.settings.bond_tokens else ()
        give_tokens(contracts, (*(a for a in accounts if a.name != "orchestrator"), *bonded))
        give_stake(contracts, tuple(a for a in accounts if a.name in self.settings.workers), self.stake_units)
        give_stake(contracts, bonded, self.settings.bond_tokens * self.unit)
        self._accounts |= {name: make_account(name, self.directory / "keys") for name in self.settings.batch_workers}

    def start_orchestrator(self) -> None:
        """Raises `Unavailable` with its last words when it does not come up."""
        old = self._old_endpoints()
        if self.was_killed:
            # The chain saves its state each second, so a kill takes back blocks that the orchestrator took for final.
            # It stops at that, and rightly; what it knew is all on the chain.
            forget_state(self.directory)
        self._orchestrator = start_orchestrator(
            directory=self.directory,
            rpc_url=self.chain.url,
            deployment_file=self.directory / DEPLOYMENT_FILE,
            account=self._accounts["orchestrator"],
            port=self.settings.api_port or (_port_of(old.api_url) if old else 0),
            fee_bps=self.settings.fee_bps,
            # geth in development mode finalizes only each 32nd block
            finality="finalized" if self.settings.rpc_url is None else FOREIGN_FINALITY_BLOCKS,
            on_line=self._on_line,
        )

    def start_worker(self, name: str, *, arguments: Sequence[str] = (), program: Sequence[str] | None = None) -> Child:
        """Starts (again) the worker `name`. `program` replaces the command of the shipped worker."""
        command = program or (sys.executable, "-m", "edgebounty.worker")
        self.workers[name] = Child(
            name,
            [*command, *self._worker_arguments(name), *arguments],
            log=self.directory / "logs" / f"{name}.log",
            on_line=self._on_line,
        )
        return self.workers[name]

    def write_endpoints(self) -> Endpoints:
        """Writes `endpoints.json`: from here on the market is open."""
        deployment = self.contracts.deployment
        endpoints = Endpoints(
            chain_id=deployment.chain_id,
            rpc_url=self.chain.url,
            api_url=self.orchestrator.url,
            gateway_url=self.orchestrator.url,
            contracts={name: getattr(deployment, name) for name in CONTRACTS},
            deployment_file=DEPLOYMENT_FILE,
            accounts=tuple(self._accounts.values()),
        )
        endpoints.save(self.directory)
        return endpoints

    # --- what runs ---

    @property
    def contracts(self) -> MarketContracts:
        if self._contracts is None:
            raise Broken("the contracts are not deployed yet", remedy="report it")
        return self._contracts

    @property
    def chain(self) -> Chain:
        if self._chain is None:
            raise Broken("the chain is not started yet", remedy="report it")
        return self._chain

    @property
    def orchestrator(self) -> OrchestratorProcess:
        if self._orchestrator is None:
            raise Broken("the orchestrator is not started yet", remedy="report it")
        return self._orchestrator

    @property
    def stake_units(self) -> int:
        """What each worker stakes, in base units."""
        return STAKE_TOKENS * self.unit

    @property
    def unit(self) -> int:
        """Base units of one token."""
        return int(10 ** int(self.contracts.read(self.contracts.token.functions.decimals())))

    @property
    def accounts(self) -> dict[str, TestAccount]:
        return self._accounts

    def stopped_part(self) -> str | None:
        """Which part has ended by itself, with its last words; None while all run. Workers may come and go."""
        if self._chain is not None and not self._chain.alive:
            return f"the chain ended: {self._chain.last_output()}"
        if self._orchestrator is not None and not self._orchestrator.child.running:
            return f"the orchestrator ended: {self._orchestrator.child.last_words()}"
        return None

    def stop_workers(self) -> None:
        """All at the same time. Safe to call twice."""
        for worker in self.workers.values():
            worker.ask_to_stop()
        for worker in self.workers.values():
            worker.stop()

    def stop_orchestrator(self) -> None:
        """Safe to call twice."""
        if self._orchestrator is not None:
            self._orchestrator.child.stop()

    def stop(self) -> None:
        """Stops workers, then the orchestrator, then the chain. Safe to call twice."""
        self.stop_workers()
        self.stop_orchestrator()
        if self._chain is not None:
            self._chain.stop()
        if self._lock is not None:
            if self._orchestrator is not None or not self.was_killed:
                self._running_mark.unlink(missing_ok=True)
            self._lock.close()
            self._lock = None

    def __enter__(self) -> Devnet:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # --- internals ---

    def _take_folder(self) -> None:
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            lock = (self.directory / "up.lock").open("w")
        except OSError as error:
            raise Rejected(
                f"cannot use the folder {self.directory}: {error.strerror}", remedy="name another --dir"
            ) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.close()
            raise Rejected(
                f"another market runs in {self.directory}", remedy="stop it first, or name another --dir"
            ) from error
        self._lock = lock  # from here on the folder is ours, and so is what `stop` removes

    def _old_endpoints(self) -> Endpoints | None:
        try:
            return Endpoints.load(self.directory)
        except Rejected:
            return None

    def _deploy_with_brownie(self, path: Path) -> Deployment:
        root = Path(__file__).resolve().parents[3]
        script = root / "scripts" / "brownie_deploy.py"
        if not script.exists():
            raise Unavailable("brownie deploys from a checkout of the repository only", remedy="leave --deployer out")
        command = [sys.executable, str(script), "--rpc", self.chain.url, "--out", str(path)]
        chosen = {
            f"EDGEBOUNTY_{n.upper()}": str(v) for n, v in asdict(self.settings.deployment).items() if v is not None
        }
        done = subprocess.run(
            command,
            cwd=root,
            env=os.environ | chosen,
            capture_output=True,
            text=True,
            timeout=BROWNIE_SECONDS,
            check=False,
        )
        if done.returncode != 0 or not path.exists():
            words = " | ".join((done.stdout + done.stderr).strip().splitlines()[-5:])
            raise Unavailable(f"brownie could not deploy: {words}", whose="this machine's", remedy="run `make setup`")
        return Deployment.load(path)

    def _worker_arguments(self, name: str) -> list[str]:
        common = [
            "--rpc-url",
            self.chain.url,
            "--deployment",
            str(self.directory / DEPLOYMENT_FILE),
            "--orchestrator-url",
            self.orchestrator.url,
            "--key-file",
            self._accounts[name].key_file,
            "--data-dir",
            str(self.directory / "workers" / name),
        ]
        if name in self.settings.batch_workers:
            return ["--lane", "batch", *common]
        return [
            *common,
            "--stake-target",
            str(self.stake_units),
            "--withdraw-threshold",
            "1",
        ]


def _port_of(url: str) -> int:
    return int(url.rpartition(":")[2].split("/")[0])
