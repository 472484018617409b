"""What accounts sign off chain: EIP-712 messages that an owner can read before signing.

Domain: name "Edgebounty", version "1", the chain, and the BountyEscrow as verifying contract. Signatures are 65 bytes
r, s, v as wallets give them (v 27 or 28); s in the upper half of the group is refused, so a message has one signature.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, ClassVar, Final

from coincurve import PrivateKey, PublicKey

from edgebounty.protocol.hashing import abi_word, abi_words, keccak256
from edgebounty.protocol.types import Address, to_address

NAME: Final = "Edgebounty"
VERSION: Final = "1"
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
        return _separator(self.chain_id, self.verifying_contract)


class Signable:
    """A message: a frozen dataclass whose fields are, in order and in snake_case, the words of its EIP-712 `TYPE`."""

    __slots__ = ()
    TYPE: ClassVar[str]
    SIGNER: ClassVar[str]
    """Which field names the account that must sign."""

    @property
    def signer(self) -> Address:
        return to_address(getattr(self, self.SIGNER))

    def struct_hash(self) -> bytes:
        """keccak256(typeHash, fields). Raises `ValueError` for a value that its word cannot hold."""
        type_hash, words = _shape(self.TYPE)
        return keccak256(type_hash + b"".join([encode(getattr(self, field)) for _, _, field, encode in words]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload(Signable):
    """May put blocks into the gateway of this origin (`https://host`, RFC 6454), until this Unix second."""

    TYPE: ClassVar[str] = "Upload(address account,string gateway,uint64 until)"
    SIGNER: ClassVar[str] = "account"
    account: Address
    gateway: str
    until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello(Signable):
    """A worker introduces itself to an orchestrator; `capabilities` is JSON of its own words. Valid until then."""

    TYPE: ClassVar[str] = "Hello(address worker,string capabilities,uint64 until)"
    SIGNER: ClassVar[str] = "worker"
    worker: Address
    capabilities: str
    until: int


def signing_digest(domain: Domain, message: Signable) -> bytes:
    """The 32 bytes that are signed."""
    return keccak256(b"\x19\x01" + domain.separator + message.struct_hash())


def sign(domain: Domain, message: Signable, key: bytes) -> bytes:
    """65 bytes r, s, v. `key`: the 32 bytes of the private key; not checked against `message.signer`."""
    raw: bytes = PrivateKey(key).sign_recoverable(signing_digest(domain, message), hasher=None)
    return raw[:64] + bytes([raw[64] + 27])


def recover(domain: Domain, message: Signable, signature: bytes) -> Address:
    """Who signed. Raises `SignatureError`; compare the answer with `message.signer`."""
    return recover_digest(signing_digest(domain, message), signature)


def is_signed(domain: Domain, message: Signable, signature: bytes) -> bool:
    """Whether the account named in the message signed it."""
    try:
        return account_bytes(signing_digest(domain, message), signature) == _signer_bytes(message)
    except SignatureError:
        return False


def recover_digest(digest: bytes, signature: bytes) -> Address:
    """Who signed these 32 bytes. Raises `SignatureError`."""
    return to_address(account_bytes(digest, signature))


def account_bytes(digest: bytes, signature: bytes) -> bytes:
    """`recover_digest` as 20 bytes: for many signatures, of which each is only compared. Raises `SignatureError`."""
    if len(signature) != 65 or signature[64] not in (27, 28):
        raise SignatureError("a signature is 65 bytes r, s, v with v 27 or 28")
    if int.from_bytes(signature[32:64], "big") > _HALF_ORDER:
        raise SignatureError("s is in the upper half of the group: a copy of another signature")
    try:
        public = PublicKey.from_signature_and_message(signature[:64] + bytes([signature[64] - 27]), digest, hasher=None)
    except Exception as error:  # coincurve raises plain Exception
        raise SignatureError("recovers to no account") from error
    return keccak256(public.format(compressed=False)[1:])[12:]


def address_of_key(key: bytes) -> Address:
    """The account of a private key."""
    return to_address(keccak256(PrivateKey(key).public_key.format(compressed=False)[1:])[12:])


def typed_data(domain: Domain, message: Signable) -> dict[str, Any]:
    """The message as `eth_signTypedData_v4` takes it, for wallets."""
    _, words = _shape(message.TYPE)
    name = message.TYPE.partition("(")[0]
    return {
        "types": {
            "EIP712Domain": [
                {"name": "name", "type": "string"},
                {"name": "version", "type": "string"},
                {"name": "chainId", "type": "uint256"},
                {"name": "verifyingContract", "type": "address"},
            ],
            name: [{"name": word, "type": kind} for kind, word, _, _ in words],
        },
        "primaryType": name,
        "domain": {
            "name": NAME,
            "version": VERSION,
            "chainId": domain.chain_id,
            "verifyingContract": domain.verifying_contract,
        },
        "message": {word: _listed(getattr(message, field)) for _, word, field, _ in words},
    }


def _signer_bytes(message: Signable) -> bytes:
    return bytes.fromhex(getattr(message, message.SIGNER)[2:])


@lru_cache(maxsize=64)
def _separator(chain_id: int, verifying_contract: Address) -> bytes:
    return keccak256(_DOMAIN_HEAD + abi_words(chain_id, verifying_contract))


@lru_cache(maxsize=64)
def _shape(encoded_type: str) -> tuple[bytes, tuple[tuple[str, str, str, Callable[[Any], bytes]], ...]]:
    """The type's hash, and of each of its words the kind, the name, the name of our field, and how it is encoded."""
    inner = encoded_type.removesuffix(")").partition("(")[2]
    pairs = [word.split(" ") for word in inner.split(",")]
    words = tuple((kind, name, _snake(name), _encoder(kind)) for kind, name in pairs)
    return keccak256(encoded_type.encode()), words


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def _encoder(kind: str) -> Callable[[Any], bytes]:
    """How EIP-712 encodes a value: arrays and texts by their hash. Raises `ValueError` for what does not fit."""
    if kind.endswith("[]"):
        item = _encoder(kind[:-2])
        return lambda value: keccak256(b"".join(map(item, value)))
    if kind == "string":
        return lambda value: keccak256(value.encode())
    if kind.startswith("uint"):
        return partial(_uint, int(kind[4:]))
    return abi_word


def _uint(bits: int, value: int) -> bytes:
    if not 0 <= value < 1 << bits:
        raise ValueError(f"{value} is no uint{bits}: 0 to below 2^{bits}")
    return value.to_bytes(32, "big")


def _listed(value: Any) -> Any:
    """Wallets want arrays as lists."""
    return list(value) if isinstance(value, tuple) else value
