"""`python -m edgebounty.cli` is the same as `edgebounty`."""

from edgebounty.cli import main

main()
