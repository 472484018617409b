"""`edgebounty job post …`: plan, show the price, ask, upload, escrow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from edgebounty.cli.job.plans import (
    analyze_options,
    infer_options,
    take_request,
    take_wasm,
    train_options,
    wasm_options,
)
from edgebounty.cli.job.train_options import BUDGET, take_train
from edgebounty.cli.options import FILE, example, market_options, signing_options
from edgebounty.cli.output import Output
from edgebounty.cli.settings import Settings
from edgebounty.client.requests import AnalyzeRequest, InferRequest, Request

if TYPE_CHECKING:
    from edgebounty.client.market import Token
    from edgebounty.client.policies import Policy
    from edgebounty.client.train_requests import TrainingPlan

F = TypeVar("F", bound=Callable[..., Any])
_TERMS = ("bounty", "lane", "quorum", "work_slots", "audit_slots", "task_seconds", "deadline_seconds")


def terms_options(function: F) -> F:
    """What the requester decides about money and time."""
    for option in (
        click.option("--watch", is_flag=True, help="Stay and watch until the job has ended."),
        click.option(
            "--deadline",
            "deadline_seconds",
            type=click.IntRange(1),
            default=3600,
            show_default=True,
            help="Seconds from now after which no worker may claim a task.",
        ),
        click.option(
            "--task-time",
            "task_seconds",
            type=click.IntRange(1),
            default=60,
            show_default=True,
            help="Seconds that a worker has for a task, and again to reveal.",
        ),
        click.option(
            "--work-slots",
            type=click.IntRange(1, 16),
            default=3,
            show_default=True,
            help="Runs of a task to draw at most; all are escrowed, unused ones come back.",
        ),
        click.option(
            "--quorum",
            type=click.IntRange(1, 16),
            default=2,
            show_default=True,
            help="Equal results that make one final.",
        ),
        click.option(
            "--policy",
            type=click.Choice(["standard", "insured", "strict"]),
            help="batch: 2, 3 or 9 workers a task, all of one result; instead of --quorum and --work-slots.  "
            "[default: standard]",
        ),
        click.option(
            "--audits",
            is_flag=True,
            help="batch: escrow one more run a task, so that other workers audit 6 of 100; the rest comes back.",
        ),
        click.option(
            "--lane",
            type=click.Choice(["direct", "batch"]),
            default="direct",
            show_default=True,
            help="direct: every step on chain, by staked workers. batch: many tiny tasks, by workers with a key alone.",
        ),
        click.option("--bounty", required=True, metavar="TOKENS", help="All that the job may cost."),
    ):
        function = option(function)
    return function


@click.group(
    epilog=example(
        "edgebounty job post analyze --data table.csv --bounty 5",
        "edgebounty job post analyze --data table.csv --lane batch --bounty 5",
    )
)
def post() -> None:
    """Post a job to the market and escrow its bounty.

    The bounty is the whole amount. It is split evenly over all runs of all tasks that can become necessary, rounded
    down; what is not needed comes back as credit.
    """


@post.command(
    epilog=example(
        "edgebounty job post train --data digits.npz --model mlp:64-128-10 \\",
        "    --rounds 10 --shards 8 --bounty 50",
    )
)
@train_options
@BUDGET
@click.option(
    "-o", "--output", type=FILE, help="Stay, and write the model here at the end (.onnx, .safetensors, .npz, …)."
)
@terms_options
@market_options
@signing_options
def train(output: Path | None, **options: Any) -> None:
    """Train a model on labelled samples.

    Validation, --folder, --patience, --budget and -o happen on this machine: the command stays until the job has ended.
    Stopped earlier, the job goes on; `edgebounty job result` has its last round.
    """
    request = take_train(options)
    if not request.is_followed and output is None:
        _post(request, **options)
        return
    from edgebounty.client.train_requests import plan_training

    _post(request, training=plan_training(request), output=output, **options)


@post.command(
    epilog=example(
        "edgebounty job post infer --data test.npz --weights 1 --bounty 5", "(the weights that job 1 trained)"
    )
)
@infer_options
@terms_options
@market_options
@signing_options
def infer(**options: Any) -> None:
    """Run a trained model over many inputs."""
    _post(take_request(InferRequest, options), **options)


@post.command(epilog=example("edgebounty job post analyze --data table.csv --shards 4 --bounty 5"))
@analyze_options
@terms_options
@market_options
@signing_options
def analyze(**options: Any) -> None:
    """Put a question to a table: describe it, group it, correlate it, …"""
    _post(take_request(AnalyzeRequest, options), **options)


@post.command(
    short_help="Run a program of your own on every shard.",
    epilog=example(
        "edgebounty job post wasm --program sum.wasm --reducer total.wasm --shard a.bin --shard b.bin --bounty 1"
    ),
)
@wasm_options
@terms_options
@market_options
@signing_options
def wasm(**options: Any) -> None:
    """Run a program of your own, one task for each shard (see docs/own-programs.md)."""
    _post(take_wasm(options), **options)


def _choose_policy(terms: dict[str, Any]) -> Policy | None:
    """The chosen policy of a batch-lane job, its quorum and work slots put into `terms`; None in the direct lane."""
    from edgebounty.client.policies import POLICIES

    context = click.get_current_context()
    told = [n for n in ("quorum", "work_slots") if context.get_parameter_source(n) is not ParameterSource.DEFAULT]
    name = terms.pop("policy")
    audits = terms.pop("audits")
    terms["audit_slots"] = int(audits)
    if terms["lane"] == "direct":
        if audits:
            raise click.UsageError("--audits is for --lane batch; in the direct lane choose --quorum and --work-slots")
        if name is not None:
            raise click.UsageError("--policy is for --lane batch; in the direct lane choose --quorum and --work-slots")
        return None
    if told:
        raise click.UsageError("--quorum and --work-slots are for the direct lane; in the batch lane choose --policy")
    policy = POLICIES[name or "standard"]
    if audits and not policy.audits:
        raise click.UsageError(f"--audits: policy {policy.name} needs none, its {policy.copies} workers a task decide")
    terms["quorum"] = terms["work_slots"] = policy.copies
    return policy


def show_policies(out: Output, token: Token, chosen: Policy, *, audits: bool = False, **job: int) -> None:
    """What each policy costs and gives, before anything is posted."""
    from edgebounty.client.policies import LIARS, policy_prices

    rows = [
        (
            f"{'→ ' if price.policy is chosen else ''}{price.policy.name}",
            str(price.policy.copies),
            token.short(price.slot_price),
            token.short(price.escrow_for_same_pay),
            f"{100 * price.policy.wrong_share:.2g} %",
        )
        for price in policy_prices(chosen=chosen, audits=audits, **job)
    ]
    if out.as_json:
        return
    heads = ("policy", "workers a task>", f"a run, {token.symbol}>", "escrow for the same pay>", "wrong, at most>")
    out.table(heads, rows)
    out.say(
        f"[dim]Wrong at most: results that get past the check if {LIARS:.0%} of the workers lie, all alike. Keys cost "
        "nothing, so one owner may be many workers: run a secret sample again with `job verify ID --spot-check`.[/]"
    )


def _post(
    request: Request,
    *,
    settings: Settings,
    out: Output,
    watch: bool,
    training: TrainingPlan | None = None,
    output: Path | None = None,
    **terms: Any,
) -> None:
    from edgebounty.cli.context import open_market, plan_request
    from edgebounty.cli.job.look import watch_job
    from edgebounty.client import posting
    from edgebounty.client.orchestrator_api import OrchestratorApi

    policy = _choose_policy(terms)
    plan = plan_request(request, settings) if training is None else training.plan
    market = open_market(settings, account="requester", sign=True)
    orchestrator = OrchestratorApi(settings.need("orchestrator_url")).terms()
    token = market.token
    wishes = posting.Wishes(
        bounty=token.amount(terms["bounty"]), **{name: terms[name] for name in _TERMS if name != "bounty"}
    )
    offers = posting.quote_all(market, plan, wishes, orchestrator)
    escrow = sum(offer.terms.bounty for offer in offers)
    market.need_tokens(escrow, "for the bounty")
    several = f", in {len(offers)} jobs" if len(offers) > 1 else ""
    if policy is not None:
        job = {"bounty": wishes.bounty, "tasks": plan.total_tasks, "fee_bps": orchestrator.fee_bps}
        show_policies(out, token, policy, audits=wishes.audit_slots > 0, **job)
    out.facts(
        {
            "job": f"{plan.kind}, {plan.total_tasks} tasks in {offers[0].terms.rounds} round(s){several}, "
            f"{plan.content_bytes:,} bytes of content",
            "lane": wishes.lane if policy is None else f"batch, policy {policy.name}, by {orchestrator.address}",
            "price": f"{token.text(offers[0].price.slot_price)} a run; {wishes.quorum} equal results make a task final",
            "escrow": f"{token.text(escrow)} for at most {wishes.work_slots + wishes.audit_slots} runs a task, "
            f"with {orchestrator.fee_bps / 100:g} % fee; what is not used comes back",
            "from": f"{market.address} on chain {market.contracts.deployment.chain_id}",
        }
    )
    if offers[0].idle_seconds:
        out.say(
            f"[yellow]In the last {offers[0].idle_seconds:,} seconds before the deadline no task is given out[/]: with "
            f"--task-time {wishes.task_seconds:,} it could not be handed in any more. A shorter one leaves more time."
        )
    out.confirm(f"Escrow {token.text(escrow)}?")
    for offer in offers:
        with out.console.status("uploading"):
            posted = posting.post(market, offer)
        if out.as_json and not watch:
            out.line(
                {
                    "job_id": posted.job_id,
                    "lane": wishes.lane,
                    "policy": None if policy is None else policy.name,
                    "manifest_cid": str(offer.planned.cid),
                    "tasks": offer.planned.manifest.total_tasks,
                    "slot_price": str(offer.price.slot_price),
                    "escrowed": str(posted.escrowed),
                    "tx_hash": "0x" + posted.tx_hash.hex(),
                }
            )
            continue
        out.say(f"Posted as job [bold]{posted.job_id}[/]. Follow it: edgebounty job status {posted.job_id} --watch")
    if training is not None:
        from edgebounty.cli.job.follow import follow_training
        from edgebounty.client.there import MarketJob

        follow_training(training, MarketJob(market, plan, (posted.job_id,)), out, output)
    elif watch:
        watch_job(market, posted.job_id, out)
