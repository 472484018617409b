"""A full set of adapters in memory, for tests: the loops run on them unchanged."""
