"""An orchestrator, workers and visitors as processes of their own: what `bench.explorer_visitors` measures."""
