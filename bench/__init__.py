"""Benchmarks: one file per question, each beside its peer or limit in the same run. `make bench` runs all."""
