"""The web pages (`make web`), with headers that let them talk to this market and to nobody else."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

NAMES: Final = ("explorer", "requester", "phone")
BUILT: Final = Path(__file__).resolve().parents[3] / "web" / "dist"
"""Where `make web` puts the pages of a checkout."""
_RUNNER: Final = "runner.html"
_IMMUTABLE: Final = "public, max-age=31536000, immutable"  # the name of an asset holds a hash of it
_PACKED: Final = {".html", ".js", ".css", ".svg", ".json", ".webmanifest"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    body: bytes
    packed: bytes
    content_type: str
    headers: dict[str, str]


def built_pages(folder: Path) -> tuple[str, ...]:
    """Which of the pages `make web` has put there."""
    return tuple(name for name in NAMES if (folder / name / "index.html").is_file())


class Pages:
    """The files of one build, read once. `chain_urls` are the nodes that pages may ask besides this service."""

    def __init__(self, folder: Path, *, chain_urls: Iterable[str]) -> None:
        self.names = built_pages(folder)
        origins = " ".join(sorted({_origin(url) for url in chain_urls}))
        self._files = {
            f"{name}/{path.relative_to(folder / name).as_posix()}": _read(path, name, origins)
            for name in self.names
            for path in sorted((folder / name).rglob("*"))
            if path.is_file()
        }

    def routes(self) -> list[web.RouteDef]:
        """Each page under its name; `/` leads to the first one."""
        if not self.names:
            return []
        redirects = [web.get("/", _redirect(f"/{self.names[0]}/"))]
        redirects += [web.get(f"/{name}", _redirect(f"/{name}/")) for name in self.names]
        return [*redirects, *(web.get(f"/{{page:{name}}}/{{path:.*}}", self._get) for name in self.names)]

    async def _get(self, request: web.Request) -> web.Response:
        path = request.match_info["path"] or "index.html"
        file = self._files.get(f"{request.match_info['page']}/{path}")
        if file is None:
            raise web.HTTPNotFound(reason="no such page")
        if request.headers.get("If-None-Match") == file.headers["ETag"]:
            return web.Response(status=304, headers=file.headers)
        headers, body = dict(file.headers), file.body
        if file.packed and "gzip" in request.headers.get("Accept-Encoding", ""):
            headers["Content-Encoding"], body = "gzip", file.packed
        return web.Response(body=body, headers=headers, content_type=file.content_type)


def _read(path: Path, page: str, origins: str) -> _File:
    body = path.read_bytes()
    guessed = {".webmanifest": "application/manifest+json", ".js": "text/javascript"}.get(path.suffix)
    return _File(
        body=body,
        packed=gzip.compress(body, mtime=0) if path.suffix in _PACKED else b"",
        content_type=guessed or mimetypes.guess_type(path.name)[0] or "application/octet-stream",
        headers={
            "ETag": f'"{hashlib.sha256(body).hexdigest()[:24]}"',
            "Cache-Control": _IMMUTABLE if path.parent.name == "assets" else "no-cache",
            "Content-Security-Policy": _policy(PurePosixPath(path), origins),
            "Cross-Origin-Embedder-Policy": "require-corp",
            # A wallet may open a window of its own and has to answer the requester's page.
            "Cross-Origin-Opener-Policy": "same-origin-allow-popups" if page == "requester" else "same-origin",
            # The runner's frame has no origin of its own, so nothing is of the same origin as it.
            "Cross-Origin-Resource-Policy": "cross-origin",
            "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
            "Referrer-Policy": "no-referrer",
            "Vary": "Accept-Encoding",
            "X-Content-Type-Options": "nosniff",
        },
    )


def _policy(path: PurePosixPath, origins: str) -> str:
    """What a page may load. The frame that runs strangers' programs reaches nothing; its worker inherits that."""
    if path.name == _RUNNER:
        return (
            "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src blob:; connect-src 'none'; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
        )
    return (
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; frame-src 'self'; style-src 'self'; "
        f"img-src 'self' data:; connect-src 'self' {origins}; manifest-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _redirect(target: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def redirect(request: web.Request) -> web.Response:
        raise web.HTTPFound(target)

    return redirect
