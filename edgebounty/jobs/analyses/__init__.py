"""What a table can be asked, one file each. `registry` finds the one that a manifest speaks of."""
