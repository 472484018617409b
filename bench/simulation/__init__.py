"""Verification policies on a simulated fleet of phones; `python -m bench.policies --help`."""
