"""A whole market on one machine: chain, contracts, orchestrator and workers as child processes."""
