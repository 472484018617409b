from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from eth_account import Account
from web3 import Web3

from edgebounty.chain.anvil import Anvil, dev_account
from edgebounty.chain.deployment import Deployment, DeploymentSettings, deploy
from edgebounty.chain.errors import (
    ChainError,
    ContractRejected,
    NodeUnreachable,
    NoGasMoney,
    NotIncluded,
    TransactionFailed,
)
from edgebounty.chain.events import Staked
from edgebounty.chain.ledger import read_ledger
from edgebounty.chain.market import MarketContracts
from edgebounty.chain.rpc import connect
from edgebounty.chain.sender import Fees, Sender
from edgebounty.worker.transactions import Transactions

pytestmark = pytest.mark.integration


@dataclass
class Chain:
    anvil: Anvil
    web3: Web3
    deployment: Deployment
    market: MarketContracts

    def sender(self, index: int) -> Sender:
        return Sender(self.web3, dev_account(index), wait_seconds=10)

    def ask(self, method: str, *params: object) -> None:
        answer = self.web3.provider.make_request(method, list(params))  # type: ignore[arg-type]
        assert "error" not in answer, answer


@pytest.fixture
def chain() -> Iterator[Chain]:
    with Anvil.start() as anvil:
        web3 = connect(anvil.url)
        deployment = deploy(web3, dev_account(0), DeploymentSettings())
        yield Chain(anvil=anvil, web3=web3, deployment=deployment, market=MarketContracts(web3, deployment))


def test_send__faucet_approve_stake__works_and_the_books_show_it(chain: Chain) -> None:
    sender = chain.sender(1)
    sender.send(chain.market.token.functions.faucet())
    sender.send(chain.market.approve(chain.deployment.vault, 50))
    receipt = sender.send(chain.market.stake(50))
    (event,) = chain.market.events.fetch_block(chain.web3, receipt["blockHash"])
    assert isinstance(event, Staked)
    assert (event.worker, event.sender, event.amount) == (sender.address, sender.address, 50)
    balances = chain.market.balances(sender.address)
    assert (balances.stake, balances.free_stake, balances.locked) == (50, 50, 0)
    ledger = read_ledger(chain.market)
    assert (ledger.deposited, ledger.stake, ledger.difference, ledger.surplus) == (50, 50, 0, 0)


def test_send__contract_refuses__typed_error_and_nothing_sent(chain: Chain) -> None:
    sender = chain.sender(1)
    before = sender.next_nonce()
    with pytest.raises(ContractRejected, match="stake not free") as caught:
        sender.send(chain.market.unbond(5))
    assert caught.value.name == "StakeNotFree"
    assert caught.value.arguments["wanted"] == 5
    assert sender.next_nonce() == before


def test_wait__reverts_in_the_block__the_contract_s_reason(chain: Chain) -> None:
    sender = chain.sender(1)
    with pytest.raises(ContractRejected, match="stake not free"):
        sender.send(chain.market.unbond(5), gas=200_000)


def test_send__no_coin__says_who_needs_some(chain: Chain) -> None:
    poor = Sender(chain.web3, Account.create())
    with pytest.raises(NoGasMoney, match=poor.address):
        poor.send(chain.market.token.functions.faucet(), gas=200_000)


def test_send__another_program_used_the_nonce__looked_up_again(chain: Chain) -> None:
    one, two = chain.sender(1), chain.sender(1)
    one.send(chain.market.token.functions.faucet())
    two.send(chain.market.approve(chain.deployment.vault, 1))
    one.send(chain.market.approve(chain.deployment.vault, 2))


def test_send_raw__twice__is_once(chain: Chain) -> None:
    sender = chain.sender(1)
    signed = sender.sign(chain.market.approve(chain.deployment.vault, 9), nonce=sender.next_nonce())
    chain.ask("evm_setAutomine", False)
    sender.send_raw(signed)
    sender.send_raw(signed)
    assert sender.in_flight(chain.web3.eth.block_number) <= 1
    sender.wait(signed)
    assert sender.next_nonce() == signed.nonce + 1


def test_wait__never_included__not_included_and_a_bump_gets_it_in() -> None:
    with Anvil.start(mining=False) as anvil:
        web3 = connect(anvil.url)
        sender = Sender(web3, dev_account(1), wait_seconds=0.3)
        token = web3.eth.contract(address=Web3.to_checksum_address("0x" + "11" * 20), abi=[_PING])
        first = sender.sign(token.functions.ping(), nonce=0, gas=50_000, fees=Fees(tip_wei=1, max_wei=2 * 10**9))
        sender.send_raw(first)
        with pytest.raises(NotIncluded, match="may still be"):
            sender.wait(first)
        second = sender.bump(first)
        assert second.nonce == first.nonce
        assert second.fees.max_wei >= first.fees.max_wei * 9 // 8
        with pytest.raises(TransactionFailed, match="above the cap"):
            sender.bump(second, max_wei=10)
        web3.provider.make_request("evm_mine", [])  # type: ignore[arg-type]
        assert sender.receipt(second) is not None
        assert sender.receipt(first) is None


def test_transactions__stuck__bumped_until_it_is_in() -> None:
    with Anvil.start(mining=False) as anvil:
        web3 = connect(anvil.url)
        now = [0.0]
        sending = Transactions(
            sender=Sender(web3, dev_account(1)), max_fee_wei=10**12, stuck_seconds=5, clock=lambda: now[0]
        )
        contract = web3.eth.contract(address=Web3.to_checksum_address("0x" + "11" * 20), abi=[_PING])
        sending.post("ping", contract.functions.ping(), gas=50_000)
        sending.post("ping", contract.functions.ping(), gas=50_000)
        assert sending.count == 1
        assert sending.has_just_sent
        assert sending.landed() == []
        now[0] += 6
        assert not sending.has_just_sent
        assert sending.landed() == []
        assert len(sending._pending["ping"].sent) == 2
        web3.provider.make_request("evm_mine", [])  # type: ignore[arg-type]
        (done,) = sending.landed()
        assert done.error is None
        assert sending.count == 0


def test_read__not_our_contract_there__says_so(chain: Chain) -> None:
    from dataclasses import replace

    elsewhere = MarketContracts(chain.web3, replace(chain.deployment, escrow=chain.deployment.deployer))
    with pytest.raises(ChainError, match="not the contract that the deployment file names"):
        elsewhere.job_count()


def test_read__unknown_job__the_contract_s_words(chain: Chain) -> None:
    with pytest.raises(ContractRejected, match="job unknown"):
        chain.market.terms(77)


def test_read__node_gone__unreachable(chain: Chain) -> None:
    chain.anvil.kill()
    with pytest.raises(NodeUnreachable, match="no Ethereum node answers"):
        chain.market.block()


_PING = {"type": "function", "name": "ping", "inputs": [], "outputs": [], "stateMutability": "nonpayable"}
