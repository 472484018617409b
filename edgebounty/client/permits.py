"""EIP-2612: an allowance by signature, so that posting a job is one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgebounty.chain.errors import ContractRejected

if TYPE_CHECKING:
    from edgebounty.client.market import Market

Permit = tuple[int, int, bytes, bytes]
"""(deadline, v, r, s), as the contracts take it."""


def sign_permit(market: Market, *, spender: str, amount: int, seconds: int) -> Permit | None:
    """A permit for exactly `amount`, valid for `seconds`; None when the token knows no permits."""
    contracts, owner = market.contracts, market.address
    functions = contracts.token.functions
    try:
        nonce = int(contracts.read(functions.nonces(owner)))
        _, name, version, chain_id, verifying, _, _ = contracts.read(functions.eip712Domain())
    except ContractRejected:
        return None
    deadline = contracts.block().time + seconds
    signed = market.sender.account.sign_typed_data(
        domain_data={"name": name, "version": version, "chainId": chain_id, "verifyingContract": verifying},
        message_types={
            "Permit": [
                {"name": "owner", "type": "address"},
                {"name": "spender", "type": "address"},
                {"name": "value", "type": "uint256"},
                {"name": "nonce", "type": "uint256"},
                {"name": "deadline", "type": "uint256"},
            ]
        },
        message_data={"owner": owner, "spender": spender, "value": amount, "nonce": nonce, "deadline": deadline},
    )
    return deadline, signed.v, signed.r.to_bytes(32, "big"), signed.s.to_bytes(32, "big")
