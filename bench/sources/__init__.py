"""Functions that benchmarks compile."""
