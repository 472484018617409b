"""Connecting to an Ethereum node, and saying clearly when that does not work."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from requests.exceptions import RequestException
from web3 import Web3
from web3.exceptions import Web3Exception
from web3.providers.rpc import HTTPProvider

from edgebounty.chain.errors import ChainError, NodeUnreachable, WrongChain

DEFAULT_TIMEOUT_SECONDS = 10.0
_Value = TypeVar("_Value")


def connect(
    url: str, expected_chain_id: int | None = None, *, timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
) -> Web3:
    """A connection to the node at `url` that has answered once.

    Raises `NodeUnreachable` when it does not answer and `WrongChain` when it serves another chain than expected.
    """
    if not url.startswith(("http://", "https://")):
        raise ChainError(f"the RPC URL {url!r} is not http:// or https://; write it like http://127.0.0.1:8545")
    provider = HTTPProvider(
        url,
        request_kwargs={"timeout": timeout_seconds},
        exception_retry_configuration=None,
        cache_allowed_requests=True,
    )
    web3 = Web3(provider)
    # No names on any chain of ours, so no look-up of them before each call either.
    web3.ens = None
    actual = guard(url, lambda: int(web3.eth.chain_id))
    if expected_chain_id is not None and actual != expected_chain_id:
        raise WrongChain(url, expected_chain_id, actual)
    return web3


def url_of(web3: Web3) -> str:
    """Where `web3` points, for messages."""
    return str(getattr(web3.provider, "endpoint_uri", "the node"))


def guard(url: str, ask: Callable[[], _Value]) -> _Value:
    """`ask()`, with a network failure as `NodeUnreachable`. Errors that the node itself answers pass through."""
    try:
        return ask()
    except RequestException as error:
        raise NodeUnreachable(url, _reason(error)) from error
    except (TimeoutError, ConnectionError) as error:
        raise NodeUnreachable(url, str(error) or type(error).__name__) from error
    except Web3Exception:
        raise
    except ValueError as error:  # not JSON: something else listens there
        raise NodeUnreachable(url, f"its answer is not JSON-RPC: {error}") from error


def _reason(error: RequestException) -> str:
    response = getattr(error, "response", None)
    if response is not None:
        return f"HTTP {response.status_code}"
    name = type(error).__name__
    return {"ConnectionError": "connection refused", "ConnectTimeout": "timed out", "ReadTimeout": "timed out"}.get(
        name, name
    )
