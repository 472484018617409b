"""Makes programs from C and from captured tensor code. Needs the extra `compile`; running programs does not."""
