"""A market of the batch lane on a real chain, for the benchmarks that count gas."""
