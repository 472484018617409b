"""Follows a market from chain and public content alone, and says what is wrong in it. Anyone can run one."""
