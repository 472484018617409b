"""An orchestrator in a process of its own, and visitors: what `bench.explorer_visitors` measures."""
