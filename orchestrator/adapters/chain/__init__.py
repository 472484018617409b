"""The chain through `edgebounty.chain` and web3. Calls leave the event loop through threads."""
