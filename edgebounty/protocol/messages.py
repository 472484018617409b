"""What accounts sign off chain: EIP-712 messages that an owner can read before signing.

Domain: name "Edgebounty", version "1", the chain, and the BountyEscrow as verifying contract. Signatures are 65 bytes
r, s, v as wallets give them (v 27 or 28); s in the upper half of the group is refused, so a message has one signature.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar, Final

from coincurve import PrivateKey, PublicKey

from edgebounty.protocol.hashing import abi_words, keccak256
from edgebounty.protocol.types import Address, address_bytes, to_address

NAME: Final = "Edgebounty"
VERSION: Final = "1"
MAX_UNTIL: Final = (1 << 64) - 1
_DOMAIN_TYPE = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
_DOMAIN_HEAD = keccak256(_DOMAIN_TYPE) + keccak256(NAME.encode()) + keccak256(VERSION.encode())
_HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0


class SignatureError(ValueError):
    """A signature that is malformed or recovers to no account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """One deployment on one chain: a message signed for it means nothing elsewhere."""

    chain_id: int
    verifying_contract: Address

    @property
    def separator(self) -> bytes:
        return keccak256(_DOMAIN_HEAD + abi_words(self.chain_id, self.verifying_contract))


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """May put blocks into a gateway, until this Unix second."""

    TYPE: ClassVar[str] = "Upload(address account,uint64 until)"
    account: Address
    until: int

    @property
    def signer(self) -> Address:
        return self.account

    def struct_hash(self) -> bytes:
        return keccak256(_UPLOAD_HASH + abi_words(self.account, _seconds(self.until)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """A worker introduces itself to an orchestrator; `capabilities` is JSON of its own words. Valid until then."""

    TYPE: ClassVar[str] = "Hello(address worker,string capabilities,uint64 until)"
    worker: Address
    capabilities: str
    until: int

    @property
    def signer(self) -> Address:
        return self.worker

    def struct_hash(self) -> bytes:
        text = keccak256(self.capabilities.encode())
        return keccak256(_HELLO_HASH + abi_words(self.worker, text, _seconds(self.until)))


Message = Upload | Hello
_UPLOAD_HASH = keccak256(Upload.TYPE.encode())
_HELLO_HASH = keccak256(Hello.TYPE.encode())


def signing_digest(domain: Domain, message: Message) -> bytes:
    """The 32 bytes that are signed."""
    return keccak256(b"\x19\x01" + domain.separator + message.struct_hash())


def sign(domain: Domain, message: Message, key: bytes) -> bytes:
    """65 bytes r, s, v. `key`: the 32 bytes of the private key; not checked against `message.signer`."""
    raw: bytes = PrivateKey(key).sign_recoverable(signing_digest(domain, message), hasher=None)
    return raw[:64] + bytes([raw[64] + 27])


def recover(domain: Domain, message: Message, signature: bytes) -> Address:
    """Who signed. Raises `SignatureError`; compare the answer with `message.signer`."""
    return recover_digest(signing_digest(domain, message), signature)


def is_signed(domain: Domain, message: Message, signature: bytes) -> bool:
    """Whether the account named in the message signed it."""
    try:
        return address_bytes(recover(domain, message, signature)) == address_bytes(message.signer)
    except SignatureError:
        return False


def recover_digest(digest: bytes, signature: bytes) -> Address:
    """Who signed these 32 bytes. Raises `SignatureError`."""
    if len(signature) != 65 or signature[64] not in (27, 28):
        raise SignatureError("a signature is 65 bytes r, s, v with v 27 or 28")
    if int.from_bytes(signature[32:64], "big") > _HALF_ORDER:
        raise SignatureError("s is in the upper half of the group: a copy of another signature")
    try:
        public = PublicKey.from_signature_and_message(signature[:64] + bytes([signature[64] - 27]), digest, hasher=None)
    except Exception as error:  # coincurve raises plain Exception
        raise SignatureError("recovers to no account") from error
    return to_address(keccak256(public.format(compressed=False)[1:])[12:])


def address_of_key(key: bytes) -> Address:
    """The account of a private key."""
    return to_address(keccak256(PrivateKey(key).public_key.format(compressed=False)[1:])[12:])


def typed_data(domain: Domain, message: Message) -> dict[str, Any]:
    """The message as `eth_signTypedData_v4` takes it, for wallets."""
    name, _, inner = message.TYPE.removesuffix(")").partition("(")
    words = [word.split(" ") for word in inner.split(",")]
    return {
        "types": {
            "EIP712Domain": [
                {"name": "name", "type": "string"},
                {"name": "version", "type": "string"},
                {"name": "chainId", "type": "uint256"},
                {"name": "verifyingContract", "type": "address"},
            ],
            name: [{"name": word, "type": kind} for kind, word in words],
        },
        "primaryType": name,
        "domain": {
            "name": NAME,
            "version": VERSION,
            "chainId": domain.chain_id,
            "verifyingContract": domain.verifying_contract,
        },
        "message": {f.name: getattr(message, f.name) for f in fields(message)},
    }


def _seconds(until: int) -> int:
    if not 0 <= until <= MAX_UNTIL:
        raise ValueError(f"until is a Unix second below 2^64, this is {until}")
    return until
