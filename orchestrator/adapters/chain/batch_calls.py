"""The batch lane's orders as calls of its contracts."""

from __future__ import annotations

from dataclasses import astuple
from typing import Any

from web3 import Web3
from web3.contract import Contract
from web3.contract.contract import ContractFunction

from edgebounty.chain.market import MarketContracts
from edgebounty.chain.rejections import load_artifact
from edgebounty.protocol.types import Address
from orchestrator.domain.batch import effects as e


class BatchCalls:
    def __init__(self, market: MarketContracts) -> None:
        self._market = market
        self._lane = contract(market, "BatchLane", market.deployment.batch_lane)
        self._challenges = contract(market, "BatchChallenges", market.deployment.batch_challenges)
        self._payouts = contract(market, "BatchPayouts", market.deployment.batch_payouts)

    def call(self, effect: e.BatchEffect) -> ContractFunction:
        lane = self._lane.functions
        match effect:
            case e.PostBatch() if effect.bundles:
                return lane.postWithData(astuple(effect.header), effect.bundles)
            case e.PostBatch():
                return lane.post(astuple(effect.header))
            case e.PutUpBond():
                return self._market.vault.functions.allot(effect.account, effect.amount)
            case e.ReleaseBond():
                return lane.releaseBond(astuple(effect.header))
            case e.GiveBackAside():
                return lane.giveBack(astuple(effect.header))
            case e.RefundRest():
                return self._market.refund(effect.job)
            case e.RestatePayouts():
                words = (effect.payout_count, effect.payouts_root, effect.previous)
                return lane.restate(astuple(effect.header), *words)
            case e.AnswerDemand() if effect.leaf:
                return self._challenges.functions.answerLeaf(effect.demand, effect.leaf)
            case e.AnswerDemand():
                return self._challenges.functions.answerNodes(effect.demand, list(effect.nodes))
            case e.ShowBundle():
                header = astuple(effect.header)
                return self._payouts.functions.showBundle(effect.claim, header, effect.shown.as_abi())
            case e.RelayWithdrawals():
                return self._payouts.functions.withdrawMany(
                    astuple(effect.header), [_withdrawal(one) for one in effect.asked]
                )


def contract(market: MarketContracts, name: str, address: Address) -> Contract:
    return market.web3.eth.contract(address=Web3.to_checksum_address(address), abi=load_artifact(name)["abi"])


def _withdrawal(one: e.SignedWithdrawal) -> tuple[Any, ...]:
    opening = (one.account, one.cumulative, list(one.proof))
    return (one.index, opening, one.receiver, one.until, one.signature[:32], one.signature[32:])
