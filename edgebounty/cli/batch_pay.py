"""`edgebounty withdraw --lane batch`: asks the orchestrator to send a worker's pay, or fetches it without."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from edgebounty.cli.context import open_account, open_market
from edgebounty.cli.output import Output
from edgebounty.cli.settings import Settings
from edgebounty.client.errors import Rejected, Unavailable
from edgebounty.protocol.types import Address, to_address

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

    from edgebounty.chain.sender import Sender
    from edgebounty.client.batch_pay import BatchPay
    from edgebounty.client.market import Market

SENT_SECONDS = 300.0
ASK_SECONDS = 1.0


def ask_orchestrator(settings: Settings, out: Output, *, to: str | None, wait: bool) -> None:
    """Costs the worker no gas: the orchestrator sends it, with those of others."""
    from edgebounty.worker.batch.ask import OrchestratorRefuses
    from edgebounty.worker.batch_link import BatchLink, read_market
    from edgebounty.worker.link import OrchestratorUnreachable

    account = open_account(settings, None)
    receiver = _receiver(to, account)
    try:
        told = read_market(settings.need("orchestrator_url"))
        _require_same_market(settings, told.lane.chain_id, told.lane.verifying_contract)
        link = BatchLink(
            settings.need("orchestrator_url"), key=bytes(account.key), orchestrator=told.orchestrator, domain=told.lane
        )
        link.heed(told.now)
        books = link.books()
        amount = books.earned - books.withdrawn
        if books.payout_index is None or amount <= 0:
            later = books.accepted - books.earned
            _nothing(out, account.address, later, text=_amount(settings, later))
            return
        text = _amount(settings, amount)
        out.confirm(f"Have {text} sent to {receiver}?")
        link.withdraw(payout_index=books.payout_index, cumulative=books.earned, receiver=receiver)
        until, arrived = time.monotonic() + SENT_SECONDS, False
        while wait and not arrived and time.monotonic() < until:
            time.sleep(ASK_SECONDS)
            arrived = link.books().withdrawn >= books.earned
    except OrchestratorUnreachable as error:
        raise Unavailable(str(error), whose="the orchestrator's", remedy="try again, or add --on-chain") from error
    except OrchestratorRefuses as error:
        raise Rejected(
            f"the orchestrator refuses: {error}", whose="see what it says", remedy="or without it: add --on-chain"
        ) from error
    if out.as_json:
        document = {"account": account.address, "receiver": receiver, "amount": str(amount), "arrived": arrived}
        out.document({**document, "by": "orchestrator"})
    elif arrived:
        out.say(f"{text} went to {receiver}.")
    else:
        out.say(f"Asked for {text} to be sent to {receiver}; the orchestrator sends many together.")


def withdraw_on_chain(
    settings: Settings, out: Output, *, to: str | None, gas_key: Path | None, orchestrator: str | None
) -> None:
    """Needs the chain and the published data, and nobody's help; the sender pays the gas."""
    market, pay, account, sender = _open(settings, gas_key, orchestrator)
    receiver = _receiver(to, account)
    payable = pay.payable(to_address(account.address))
    if payable is None or payable.amount == 0:
        _nothing(out, account.address, 0)
        return
    text = market.token.text(payable.amount)
    out.confirm(f"Withdraw {text} to {receiver}, by the payouts of batch {payable.header.number}?")
    sender.send(pay.withdraw(payable, receiver=receiver, key=bytes(account.key)))
    if out.as_json:
        document = {"account": account.address, "receiver": receiver, "amount": str(payable.amount), "arrived": True}
        out.document({**document, "by": sender.address})
    else:
        out.say(f"{text} went to {receiver}.")


def claim_left_out(settings: Settings, out: Output, *, data_dir: Path, gas_key: Path | None) -> None:
    """Claims what the orchestrator signed that it owes and did not post, and waits until that is paid or answered."""
    from edgebounty.worker.batch.journal import read_bundles

    identity, owed = read_bundles(data_dir)
    market, pay, account, sender = _open(settings, gas_key, identity.orchestrator)
    lane, worker = market.contracts.deployment.batch_lane, to_address(account.address)
    if (identity.chain_id, identity.lane, identity.worker) != (market.contracts.deployment.chain_id, lane, worker):
        raise Rejected(
            f"the journal in {data_dir} is of worker {identity.worker} on chain {identity.chain_id}, not of {worker}",
            remedy="name that worker's key and market",
        )
    found = pay.left_out(worker, owed)
    documents = []
    for one in found:
        name = f"job {one.acceptance.job}, batch from task {one.acceptance.first_task}"
        out.confirm(f"Claim {market.token.text(one.amount)} for {one.acceptance.count} receipts of {name}?")
        claim_id = pay.claim_id_of(sender.send(pay.claim(one)))
        out.say(f"{name}: claimed; the orchestrator has {pay.contracts.answer_time} s to show that it is in its batch.")
        time.sleep(pay.contracts.answer_time + 1)
        sender.send(pay.pay_claim(claim_id))
        documents.append(
            {"job_id": one.acceptance.job, "first_task": one.acceptance.first_task, "amount": str(one.amount)}
        )
    if out.as_json:
        out.document({"account": worker, "left_out": documents})
    elif found:
        out.say("Paid as credit in the escrow: `edgebounty withdraw`.")
    else:
        out.say("Nothing was left out: every accepted receipt is in its batch, or its batch may come yet.")


def _open(
    settings: Settings, gas_key: Path | None, orchestrator: str | None
) -> tuple[Market, BatchPay, LocalAccount, Sender]:
    from edgebounty.chain.accounts import load_account
    from edgebounty.chain.sender import Sender
    from edgebounty.client.batch_pay import BatchPay
    from edgebounty.client.orchestrator_api import OrchestratorApi

    market, account = open_market(settings), open_account(settings, None)
    payer = account if gas_key is None else load_account(key_file=gas_key)
    name = orchestrator or OrchestratorApi(settings.need("orchestrator_url")).terms().address
    try:
        pay = BatchPay(market.contracts, market.content, to_address(name))
    except ValueError as error:
        raise Rejected(f"the orchestrator's account: {error}", remedy="copy the whole address") from error
    return market, pay, account, Sender(market.contracts.web3, payer)


def _receiver(to: str | None, account: LocalAccount) -> Address:
    try:
        return to_address(account.address if to is None else to)
    except ValueError as error:
        raise Rejected(f"--to: {error}", remedy="copy the whole address") from error


def _require_same_market(settings: Settings, chain_id: int, lane: Address) -> None:
    """What is signed is for one market: that of the settings, where they name one."""
    if settings.deployment is None:
        return
    from edgebounty.chain.deployment import Deployment

    known = Deployment.load(settings.deployment)
    if (chain_id, lane) != (known.chain_id, known.batch_lane):
        raise Rejected(
            f"the orchestrator speaks for batch lane {lane} on chain id {chain_id}, the deployment file names "
            f"{known.batch_lane} on {known.chain_id}; nothing was signed",
            whose="the orchestrator's or yours (the settings)",
            remedy="check --orchestrator-url and --deployment",
        )


def _amount(settings: Settings, base_units: int) -> str:
    """In the token's own words where a chain is named; the orchestrator alone does not tell them."""
    if settings.rpc_url is None or settings.deployment is None:
        return f"{base_units} base units"
    return open_market(settings).token.text(base_units)


def _nothing(out: Output, account: str, later: int, *, text: str = "") -> None:
    if out.as_json:
        out.document({"account": account, "amount": "0", "arrived": False, "later": str(later)})
        return
    more = f"; {text} are accepted, and can be withdrawn once their batch's window is over" if later else ""
    out.say(f"{account} has nothing to withdraw now{more}.")
