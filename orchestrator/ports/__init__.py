"""Protocols that the rules and the loops need; the adapters fulfil them."""
