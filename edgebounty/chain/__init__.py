"""Contract bindings, accounts, events: everything that talks to a chain."""

import os

# Read when eth-hash is first imported, which is after this. Its own first choice, pycryptodome, makes a new C object
# for each hash and is six times slower; web3 hashes several times in every call.
os.environ.setdefault("ETH_HASH_BACKEND", "pysha3")
