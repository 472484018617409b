"""A worker in the batch lane: no stake, no gas, a key is enough. docs/batch-api.md is what it speaks."""
