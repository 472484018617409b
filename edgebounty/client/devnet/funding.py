"""Money for test accounts: coin from the development node's own accounts, tokens from the test token's faucet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from web3 import Web3

from edgebounty.chain.accounts import load_account
from edgebounty.chain.market import MarketContracts
from edgebounty.chain.sender import Sender
from edgebounty.client.endpoints import TestAccount
from edgebounty.client.errors import Rejected

COIN_WEI = 10 * 10**18


def give_coin(web3: Web3, accounts: tuple[TestAccount, ...], *, wei: int = COIN_WEI) -> None:
    """Sends coin to every account that has less than half of `wei`, from an account that the node itself unlocks.

    Raises `Rejected` on a chain whose node has no such account: only development chains do.
    """
    poor = [account for account in accounts if web3.eth.get_balance(_address(account)) < wei // 2]
    if not poor:
        return
    unlocked = web3.eth.accounts
    if not unlocked:
        raise Rejected("this node has no unlocked account to take coin from", remedy="use a development chain")
    hashes = [
        web3.eth.send_transaction({"from": unlocked[0], "to": _address(account), "value": wei})  # type: ignore[typeddict-item]
        for account in poor
    ]
    for tx_hash in hashes:
        web3.eth.wait_for_transaction_receipt(tx_hash, timeout=30, poll_latency=0.05)


def give_tokens(contracts: MarketContracts, accounts: tuple[TestAccount, ...]) -> None:
    """Lets every account without tokens take some from the faucet, all at the same time."""
    functions: Any = contracts.token.functions
    waiting = []
    for account in accounts:
        if int(contracts.read(functions.balanceOf(account.address))) == 0:
            sender = Sender(contracts.web3, load_account(key_file=Path(account.key_file)))
            waiting.append((sender, sender.post(functions.faucet())))
    for sender, sent in waiting:
        sender.wait(sent)


def give_stake(contracts: MarketContracts, accounts: tuple[TestAccount, ...], amount: int) -> None:
    """Lets every account stake up to `amount` of its own tokens, all at the same time.

    Stake takes part in draws an epoch later, so this comes before the first job.
    """
    functions: Any = contracts.vault.functions
    vault = contracts.deployment.vault
    waiting = []
    for account in accounts:
        bonded, *_ = contracts.read(functions.accountOf(account.address))
        if bonded < amount:
            sender = Sender(contracts.web3, load_account(key_file=Path(account.key_file)))
            sender.send(contracts.approve(vault, amount - bonded))
            waiting.append((sender, sender.post(contracts.stake(amount - bonded))))
    for sender, sent in waiting:
        sender.wait(sent)


def _address(account: TestAccount) -> Any:
    return Web3.to_checksum_address(account.address)
