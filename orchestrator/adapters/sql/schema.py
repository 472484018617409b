"""Tables. Amounts in wei outgrow 64 bits, so they live inside `body` (canonical JSON of the value)."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, String, Table, Text

VERSION = "2"
metadata = MetaData()

meta = Table(
    "meta",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("value", Text, nullable=False),
)

# The final cursor is one row; the seen cursor is the highest row of seen_blocks.
cursor = Table(
    "cursor",
    metadata,
    Column("name", String(10), primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
    Column("parent_hash", LargeBinary(32), nullable=False),
    Column("time", BigInteger, nullable=False),
    Column("digest", String(64), nullable=False),
)

seen_blocks = Table(
    "seen_blocks",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary(32), nullable=False),
    Column("parent_hash", LargeBinary(32), nullable=False),
    Column("time", BigInteger, nullable=False),
    Column("facts", Text, nullable=False),
)

facts = Table(
    "facts",
    metadata,
    Column("block_hash", LargeBinary(32), primary_key=True),
    Column("log_index", Integer, primary_key=True, autoincrement=False),
    Column("block_number", BigInteger, nullable=False),
    Column("tx_hash", LargeBinary(32), nullable=False),
    Column("kind", String(30), nullable=False),
    Column("body", Text, nullable=False),
    Index("facts_in_order", "block_number", "log_index"),
)

jobs = Table(
    "jobs",
    metadata,
    Column("job_id", BigInteger, primary_key=True, autoincrement=False),
    Column("status", String(20), nullable=False),
    Column("body", Text, nullable=False),
)

tasks = Table(
    "tasks",
    metadata,
    Column("job_id", BigInteger, primary_key=True, autoincrement=False),
    Column("task_index", BigInteger, primary_key=True, autoincrement=False),
    Column("status", String(20), nullable=False),
    Column("body", Text, nullable=False),
)

workers = Table(
    "workers",
    metadata,
    Column("address", String(42), primary_key=True),
    Column("body", Text, nullable=False),
)

seeds = Table(
    "seeds",
    metadata,
    Column("epoch", BigInteger, primary_key=True, autoincrement=False),
    Column("seed", LargeBinary(32), nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
)

manifests = Table(
    "manifests",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("status", String(20), nullable=False),
    Column("body", Text, nullable=False),
)

orders = Table(
    "orders",
    metadata,
    Column("position", Integer, primary_key=True),
    Column("key", String(200), nullable=False, unique=True),
    Column("kind", String(30), nullable=False),
    Column("body", Text, nullable=False),
    Column("status", String(10), nullable=False, index=True),
    Column("refusals", Integer, nullable=False),
    Column("rest_until", BigInteger, nullable=False),
    Column("detail", Text, nullable=False),
)

# What happened in the batch lane, in order: its state is this, replayed.
batch_journal = Table(
    "batch_journal",
    metadata,
    Column("position", Integer, primary_key=True),
    Column("kind", String(30), nullable=False),
    Column("body", Text, nullable=False),
)

transactions = Table(
    "transactions",
    metadata,
    Column("hash", LargeBinary(32), primary_key=True),
    Column("nonce", BigInteger, nullable=False),
    Column("order_key", String(200), nullable=False, index=True),
    Column("status", String(10), nullable=False, index=True),
    Column("stored_number", BigInteger, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("body", Text, nullable=False),
)
