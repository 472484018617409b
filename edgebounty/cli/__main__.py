"""`python -m edgebounty.cli` is the same as `edgebounty`."""

from edgebounty.cli.root import main

main()
