"""What a market that was killed forgets, and what it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgebounty.client.devnet.orchestrator import DATABASE_NAME, forget_state
from edgebounty.protocol.types import to_address
from orchestrator.adapters.sql.store import SqlStore
from orchestrator.domain.batch.effects import PutUpBond
from orchestrator.ports.journal import Joined
from orchestrator.ports.store import Order, OrderStatus

pytestmark = pytest.mark.unit
ANN = to_address(b"\x01" * 20)


def test_forget_state__orders_and_cursors_go__what_is_owed_to_workers_stays(tmp_path: Path) -> None:
    """A killed chain takes back blocks; of the journal there is no other copy."""
    path, identity = tmp_path / "orchestrator" / DATABASE_NAME, {"account": "a"}
    owed = Joined(worker=ANN, payout=ANN, until=9)
    store = SqlStore(path, identity=identity)
    store.append([owed])
    effect = PutUpBond(account=ANN, amount=1, at=2)
    store.update(Order(key=effect.key, effect=effect))
    store.close()
    forget_state(tmp_path)
    again = SqlStore(path, identity=identity)
    assert again.entries() == [owed]
    assert again.orders(OrderStatus.OPEN) == []
    assert again.load().final is None
    again.close()


def test_forget_state__nothing_there__nothing_to_do(tmp_path: Path) -> None:
    forget_state(tmp_path)
    assert list(tmp_path.iterdir()) == []
