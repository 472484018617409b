"""`edgebounty content …`: bytes by their hash."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgebounty.cli.options import FILE, example, market_options, signing_options
from edgebounty.cli.output import Output
from edgebounty.cli.settings import Settings
from edgebounty.client.errors import Rejected

if TYPE_CHECKING:
    from edgebounty.content.store import ContentStore

MAX_FILE_BYTES = 1 << 32


@click.group(epilog=example("edgebounty content add model.bin"))
def content() -> None:
    """Add, get and pin content by its id (CID): those that IPFS gives with CIDv1 and raw leaves.

    Whatever is fetched is hashed again and compared with its id, always.
    """


@content.command(epilog=example("edgebounty content add model.bin"))
@click.argument("file", type=FILE)
@click.option("--only-hash", is_flag=True, help="Print the CID, upload nothing.")
@market_options
@signing_options
def add(file: Path, only_hash: bool, settings: Settings, out: Output) -> None:
    """Upload FILE and print its CID."""
    from edgebounty.content.store import put_file
    from edgebounty.protocol import unixfs

    data = file.read_bytes()
    cid = unixfs.root_cid(data) if only_hash else put_file(_gateway(settings, sign=True), data)
    if out.as_json:
        out.document({"cid": str(cid), "bytes": len(data)})
    else:
        out.say(str(cid))


@content.command(epilog=example("edgebounty content get bafkrei… -o model.bin"))
@click.argument("cid")
@click.option("-o", "--output", type=FILE, help="Write here instead of to the screen.")
@market_options
def get(cid: str, output: Path | None, settings: Settings, out: Output) -> None:
    """Fetch a file by its CID and check every byte of it."""
    from edgebounty.content.store import get_file
    from edgebounty.protocol.cid import Cid

    root = Cid.parse(cid)
    if output is None and out.as_json:
        raise Rejected("--json has no place for the bytes themselves", remedy="add -o FILE, or leave --json out")
    data = get_file(_gateway(settings, sign=False), root, MAX_FILE_BYTES)
    if output is None:
        sys.stdout.buffer.write(data)
        return
    output.write_bytes(data)
    if out.as_json:
        out.document({"cid": cid, "bytes": len(data), "file": str(output)})
    else:
        out.say(f"{len(data):,} bytes written to {output}")


@content.command(epilog=example("edgebounty content pin bafkrei…"))
@click.argument("cid")
@market_options
def pin(cid: str, settings: Settings, out: Output) -> None:
    """Check that the gateway keeps the whole file under a CID."""
    from edgebounty.content.store import file_blocks
    from edgebounty.protocol.cid import Cid

    store = _gateway(settings, sign=False)
    blocks = list(file_blocks(store, Cid.parse(cid)))
    for block in blocks:
        store.pin(block)
    if out.as_json:
        out.document({"cid": cid, "blocks": len(blocks), "pinned": True})
    else:
        out.say(f"All {len(blocks)} blocks of {cid} are kept.")


def _gateway(settings: Settings, *, sign: bool) -> ContentStore:
    from edgebounty.content.http import HttpGateway

    if sign:
        from edgebounty.cli.context import open_market

        return open_market(settings, account="requester", sign=True).content
    return HttpGateway(settings.need("gateway_url"))
