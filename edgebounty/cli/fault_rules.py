"""Whose fault each of our packages' errors is, what to do where the error itself does not say, and the exit status."""

from __future__ import annotations

from dataclasses import dataclass

EXIT_BROKEN = 1
EXIT_USAGE = 2
EXIT_REJECTED = 3
EXIT_UNAVAILABLE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How the errors of one class read. Named by text: importing all of them would cost every command a second."""

    module: str
    name: str
    whose: str
    remedy: str
    exit_status: int
    joint: str | None
    """What stands between what is wrong and what to do, in the errors' own text; None: it says only what is wrong."""


def _of(module: str, *, joint: str | None = "; ", **errors: tuple[str, str, int]) -> tuple[Rule, ...]:
    return tuple(
        Rule(module=module, name=name, whose=whose, remedy=remedy, exit_status=status, joint=joint)
        for name, (whose, remedy, status) in errors.items()
    )


_SETTINGS = (
    "yours (the settings)",
    "set it by an option (see --help), in the environment or in the settings file",
    EXIT_REJECTED,
)

# First match wins, so leaves stand above roots.
RULES = (
    *_of(
        "edgebounty.chain.deployment",
        DeploymentError=("yours (the settings)", "check --deployment", EXIT_REJECTED),
    ),
    *_of(
        "edgebounty.chain.errors",
        NodeUnreachable=("the node's or the network's", "try again", EXIT_UNAVAILABLE),
        WrongChain=("yours (the settings)", "check --rpc-url and --dir", EXIT_REJECTED),
        AccountError=("yours (the account)", "check the file", EXIT_REJECTED),
        AnvilError=("this machine's", "run `make setup`", EXIT_UNAVAILABLE),
        ContractRejected=("the caller's", "look at the job's state first", EXIT_REJECTED),
        NoGasMoney=("yours (the account)", "send it some coin", EXIT_REJECTED),
        NotIncluded=("the chain's", "look before you send again", EXIT_UNAVAILABLE),
        TransactionFailed=("the chain's", "try again", EXIT_UNAVAILABLE),
        ChainError=("the chain's", "try again", EXIT_UNAVAILABLE),
    ),
    *_of("edgebounty.execution", JobFailed=("the job author's", "change the data or the settings", EXIT_REJECTED)),
    *_of("edgebounty.jobs.check", JobError=("the job author's", "change the job", EXIT_REJECTED)),
    *_of("edgebounty.protocol.cid", CidError=("yours (the CID)", "copy the whole CID", EXIT_REJECTED)),
    *_of("edgebounty.protocol.manifest", ManifestError=("the job author's", "fix that field", EXIT_REJECTED)),
    *_of(
        "edgebounty.programs.errors",
        ProgramRejected=("the program's author's", "change the program", EXIT_REJECTED),
        RuntimeUnavailable=("this machine's", "free some memory", EXIT_UNAVAILABLE),
    ),
    *_of(
        "edgebounty.programs.compiler.errors",
        CompilerMissing=("yours (the installation)", "pip install 'edgebounty[compile]'", EXIT_REJECTED),
        BadSource=("the program's author's", "change it", EXIT_REJECTED),
    ),
    *_of(
        "edgebounty.content.store",
        ContentMissing=("the content node's", "ask who published it", EXIT_UNAVAILABLE),
        ContentCorrupt=("the one who served it", "name another gateway", EXIT_REJECTED),
        ContentError=("the content node's", "try again", EXIT_UNAVAILABLE),
    ),
    *_of(
        "edgebounty.worker.journal",
        JournalError=("yours (the folder) or this machine's", "give each worker its own --data-dir", EXIT_REJECTED),
    ),
    *_of(
        "edgebounty.watchtower.journal",
        StateError=("yours (the state file) or this machine's", "give each watchtower its own --state", EXIT_REJECTED),
    ),
    *_of("edgebounty.worker.settings", joint=None, SettingsError=_SETTINGS),
    *_of("orchestrator.config", joint=None, SettingsProblem=_SETTINGS),
    *_of(
        "orchestrator.domain.errors",
        joint=". ",
        DatabaseInUse=("yours (two at once)", "stop the other one", EXIT_REJECTED),
        DatabaseForeign=("yours (the settings)", "name an empty database", EXIT_REJECTED),
        WrongChain=("yours (the settings)", "check rpc_url and deployment", EXIT_REJECTED),
        DeepReorganisation=("the chain's", "check the node", EXIT_BROKEN),
        FactRefused=("the node's", "check the node", EXIT_BROKEN),
        Broken=("yours (the settings) or this machine's", "correct it, start again", EXIT_BROKEN),
        Unavailable=("the network's or the node's", "try again", EXIT_UNAVAILABLE),
    ),
)

# What to do about a contract's own error, by its name.
CONTRACT_REMEDIES = {
    "ERC20InsufficientAllowance": "let the contract take that many tokens (approve), or post by `edgebounty job post`",
    "ERC20InsufficientBalance": "send the account tokens, or ask for less",
    "NotTheRequester": "use the account that posted the job",
    "StillUnbonding": "ask again after that time",
    "NothingUnbonding": "unbond first: edgebounty stake unbond",
    "StakeNotFree": "take less, or wait until the tasks that lock the rest are settled",
    "Unknown": "check that --deployment is this market's own file: its addresses may be of other contracts",
}
