"""Serves a store over HTTP: verifiable blocks, whole files, and signed uploads. Handlers for any aiohttp application.

GET, HEAD `/ipfs/CID?format=raw` one block (trustless gateway) · GET, HEAD `/ipfs/CID` the whole file · PUT `/ipfs/CID`
one block. What is served is never rendered by a browser: files are strangers' bytes on this origin.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from edgebounty.content.http import RAW_TYPE
from edgebounty.content.permission import Authorise, UploadRefused, origins_at
from edgebounty.content.store import (
    MAX_BLOCK_BYTES,
    ContentCorrupt,
    ContentError,
    ContentMissing,
    ContentStore,
    iter_file,
)
from edgebounty.protocol import unixfs
from edgebounty.protocol.cid import RAW, Cid, CidError

MAX_FILE_BYTES: Final = 4 << 30
UPLOAD_SECONDS: Final = 60
_FOREVER: Final = "public, max-age=29030400, immutable"  # a CID never changes its meaning
_log = logging.getLogger(__name__)
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def routes(store: ContentStore, authorise: Authorise | None = None) -> list[web.RouteDef]:
    """Handlers under `/ipfs/`. Without `authorise` nothing can be uploaded."""

    async def get(request: web.Request) -> web.StreamResponse:
        cid = _cid(request)
        headers = _headers(cid, request)
        if request.headers.get("If-None-Match", "").strip() == headers["ETag"]:
            return web.Response(status=304, headers=headers)
        if _wants_raw(request):
            return await _send_block(store, cid, headers)
        return await _send_file(store, cid, headers, request)

    async def put(request: web.Request) -> web.StreamResponse:
        cid = _cid(request)
        if authorise is None:
            raise web.HTTPForbidden(text="this gateway takes no uploads\n")
        length = request.content_length
        if length is None:
            raise web.HTTPLengthRequired(text="say Content-Length\n")
        if length > MAX_BLOCK_BYTES:
            raise web.HTTPRequestEntityTooLarge(
                MAX_BLOCK_BYTES, length, text=f"a block has at most {MAX_BLOCK_BYTES} bytes\n"
            )
        origins = _origins(request)
        await asyncio.to_thread(authorise, request.headers.get("Authorization"), cid, length, origins)
        block = await _read(request, length)
        if await asyncio.to_thread(store.has, cid):
            if not cid.matches(block):
                raise ContentCorrupt(cid, "the bytes do not hash to this CID")
            return web.Response(status=200, headers=_headers(cid, request))
        await asyncio.to_thread(store.put_block, cid, block)
        return web.Response(status=201, headers=_headers(cid, request))

    async def options(request: web.Request) -> web.StreamResponse:
        allow = {
            "Access-Control-Allow-Methods": "GET, HEAD, PUT",
            "Access-Control-Allow-Headers": "Authorization, Content-Type",
        }
        return web.Response(
            status=204, headers={"Access-Control-Allow-Origin": "*", "Access-Control-Max-Age": "86400", **allow}
        )

    path = "/ipfs/{cid}"
    return [
        web.get(path, _explained(get), allow_head=False),
        web.head(path, _explained(get)),
        web.put(path, _explained(put)),
        web.options(path, options),
    ]


def _explained(handler: _Handler) -> _Handler:
    """Errors of the content package as HTTP answers, in plain text."""

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except CidError as error:
            return _say(400, str(error))
        except UploadRefused as error:
            return _say(error.status, error.detail)
        except ContentMissing as error:
            return _say(404, str(error))
        except ContentCorrupt as error:
            if request.method == "PUT":
                return _say(400, str(error))
            _log.error("a block here is damaged: %s", error)
            return _say(500, f"{error.cid}: damaged in this store; ask another gateway")
        except ContentError as error:
            return _say(503, str(error))

    return answer


def _say(status: int, text: str) -> web.Response:
    headers = {"Access-Control-Allow-Origin": "*", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return web.Response(status=status, text=text + "\n", headers=headers)


def _origins(request: web.Request) -> tuple[str, ...]:
    """Where this request arrived. The Host header is not asked: who replays a permission would write what fits."""
    name = request.transport.get_extra_info("sockname") if request.transport is not None else None
    return origins_at(name[0], name[1]) if isinstance(name, tuple) else ()


def _cid(request: web.Request) -> Cid:
    return Cid.parse(request.match_info["cid"])


def _wants_raw(request: web.Request) -> bool:
    asked = request.query.get("format")
    if asked not in (None, "raw"):
        raise web.HTTPNotAcceptable(text="only format=raw is served\n")
    return asked == "raw" or RAW_TYPE in request.headers.get("Accept", "")


def _headers(cid: Cid, request: web.Request) -> dict[str, str]:
    raw = request.method == "PUT" or _wants_raw(request)
    return {
        "ETag": f'"{cid}.raw"' if raw else f'"{cid}"',
        "Cache-Control": _FOREVER,
        "Content-Type": RAW_TYPE if raw else "application/octet-stream",
        "Content-Disposition": f'attachment; filename="{cid}.bin"',
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
        "X-Ipfs-Path": f"/ipfs/{cid}",
        "Access-Control-Allow-Origin": "*",
        "Vary": "Accept",
    }


async def _send_block(store: ContentStore, cid: Cid, headers: dict[str, str]) -> web.Response:
    return web.Response(body=await asyncio.to_thread(store.get_block, cid), headers=headers)


async def _send_file(
    store: ContentStore, cid: Cid, headers: dict[str, str], request: web.Request
) -> web.StreamResponse:
    """A file chunk by chunk. A block missing half way breaks the connection: the length promised is not reached."""
    if cid.codec == RAW:
        return await _send_block(store, cid, headers)
    root = await asyncio.to_thread(store.get_block, cid)
    try:
        size = sum(part for _, part in unixfs.links(root))
    except unixfs.UnixfsError as error:
        return _say(422, f"{cid}: not a file of raw leaves ({error}); ask with format=raw")
    response = web.StreamResponse(headers=headers)
    response.content_length = size
    await response.prepare(request)
    if request.method == "HEAD":
        return response
    chunks = iter_file(store, cid, MAX_FILE_BYTES)
    try:
        while (chunk := await asyncio.to_thread(next, chunks, None)) is not None:
            await response.write(chunk)
    except ContentError as error:
        _log.warning("file broken off: %s", error)
        if request.transport is not None:
            request.transport.abort()
        return response
    await response.write_eof()
    return response


async def _read(request: web.Request, length: int) -> bytes:
    """The body, in time and as long as it said (aiohttp's own limit is below our block size)."""
    try:
        async with asyncio.timeout(UPLOAD_SECONDS):
            return await request.content.readexactly(length) if length else b""
    except TimeoutError:
        raise web.HTTPRequestTimeout(text=f"a block must arrive within {UPLOAD_SECONDS} s\n") from None
    except asyncio.IncompleteReadError:
        raise web.HTTPBadRequest(text="the body is shorter than its Content-Length\n") from None
