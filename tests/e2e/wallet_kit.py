"""A wallet for tests: announces itself to pages (EIP-6963) and signs outside the browser, with a key of the market."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from eth_account import Account
from web3 import Web3

from edgebounty.chain.rejections import load_artifact
from tests.e2e.market_kit import Up

_SCRIPT = """
const provider = {
  async request({ method, params }) {
    const said = JSON.parse(await globalThis.testWallet(method, JSON.stringify(params ?? [])));
    if (said.error) throw Object.assign(new Error(said.error.message), { code: said.error.code });
    return said.result;
  },
};
const info = Object.freeze({ uuid: "5e0dc4b2-1f3a-4a5e-9d6a-000000000001", name: "Test wallet", icon: "data:,",
  rdns: "test.wallet" });
const announce = () =>
  dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail: Object.freeze({ info, provider }) }));
addEventListener("eip6963:requestProvider", announce);
announce();
"""
REFUSED = {"code": 4001, "message": "User rejected the request."}

Refuse = Callable[[str], dict[str, Any] | None]


class TestWallet:
    """What it was asked stands in `asked`. `refuse(method)` may answer an error."""

    __test__ = False

    def __init__(
        self, page: Any, market: Up, *, account: str = "requester", refuse: Refuse | None = None, chain_id: int = 0
    ) -> None:
        told = market.endpoints
        found = next(each for each in told["accounts"] if each["name"] == account)
        self.account = Account.from_key(Path(found["key_file"]).read_text().strip())
        self.web3 = Web3(Web3.HTTPProvider(told["rpc_url"]))
        self.asked: list[str] = []
        self.before: Callable[[str], None] = lambda method: None
        """Told what the wallet is asked, before it answers."""
        self._permit: dict[str, Any] = {}
        self._token = Web3.to_checksum_address(told["contracts"]["token"])
        self._refuse = refuse
        self._chain_id = chain_id or int(told["chain_id"])
        page.expose_function("testWallet", self._answer)
        page.add_init_script(_SCRIPT)

    def _answer(self, method: str, params: str) -> str:
        self.asked.append(method)
        self.before(method)
        error = self._refuse(method) if self._refuse is not None else None
        return json.dumps({"error": error} if error else {"result": self._do(method, json.loads(params))})

    def _do(self, method: str, params: list[Any]) -> Any:
        match method:
            case "eth_requestAccounts":
                return [self.account.address]
            case "eth_chainId":
                return hex(self._chain_id)
            case "eth_signTypedData_v4":
                data = json.loads(params[1])
                signed = self.account.sign_typed_data(full_message=data)
                self._permit = {"token": data["domain"]["verifyingContract"], "signed": signed, **data["message"]}
                return "0x" + bytes(signed.signature).hex()
            case "eth_sendTransaction":
                return self._send(params[0])
        raise AssertionError(f"the page asked the wallet for {method}")

    def tokens(self, account: str) -> int:
        """What the account holds, in base units."""
        token = self.web3.eth.contract(address=self._token, abi=load_artifact("EdgeToken")["abi"])
        return int(token.functions.balanceOf(account).call())

    def use_permit(self) -> int:
        """Brings the permit that was signed last to the token, as anybody could. The receipt's status."""
        permit = self._permit
        token = self.web3.eth.contract(
            address=Web3.to_checksum_address(permit["token"]), abi=load_artifact("EdgeToken")["abi"]
        )
        words = (permit["owner"], permit["spender"], int(permit["value"]), int(permit["deadline"]))
        signed = permit["signed"]
        call = token.functions.permit(*words, signed.v, signed.r.to_bytes(32, "big"), signed.s.to_bytes(32, "big"))
        done = self.web3.eth.wait_for_transaction_receipt(
            self._send({"to": token.address, "data": call._encode_transaction_data()})
        )  # type: ignore[arg-type]
        return int(done["status"])

    def _send(self, wanted: dict[str, str]) -> str:
        eth = self.web3.eth
        transaction: dict[str, Any] = {
            "from": self.account.address,
            "to": Web3.to_checksum_address(wanted["to"]),
            "data": wanted["data"],
            "nonce": eth.get_transaction_count(self.account.address),
            "chainId": self._chain_id,
            "maxFeePerGas": 2 * eth.gas_price + 10**9,
            "maxPriorityFeePerGas": 10**9,
        }
        transaction["gas"] = eth.estimate_gas(transaction)  # type: ignore[arg-type]
        signed = self.account.sign_transaction(transaction)
        return "0x" + bytes(eth.send_raw_transaction(signed.raw_transaction)).hex()
