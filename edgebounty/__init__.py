"""Edgebounty: a bounty market for AI work on idle phones, tablets and laptops."""

__version__ = "0.1.0"
