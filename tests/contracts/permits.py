"""EIP-2612 permits of the test accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eth_account import Account

from edgebounty.chain.anvil import dev_account
from tests.contracts.rig import now

if TYPE_CHECKING:
    from tests.contracts.rig import Market

_WORDS = ("owner:address", "spender:address", "value:uint256", "nonce:uint256", "deadline:uint256")


def sign_permit(
    market: Market, owner: Any, spender: str, value: int, *, until: int | None = None
) -> tuple[int, int, bytes, bytes]:
    """The deadline (an hour from now unless given) and the signature's v, r and s."""
    deadline = now() + 3600 if until is None else until
    index = next(i for i in range(len(market.accounts)) if market.accounts[i] == owner)
    signed = Account.sign_typed_data(
        dev_account(index).key,
        {
            "name": market.token.name(),
            "version": "1",
            "chainId": market.deployment.chain_id,
            "verifyingContract": market.token.address,
        },
        {"Permit": [{"name": word.split(":")[0], "type": word.split(":")[1]} for word in _WORDS]},
        {
            "owner": owner.address,
            "spender": spender,
            "value": value,
            "nonce": market.token.nonces(owner),
            "deadline": deadline,
        },
    )
    return deadline, signed.v, signed.r.to_bytes(32, "big"), signed.s.to_bytes(32, "big")
