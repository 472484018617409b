"""`python -m edgebounty.worker`."""

import os
import sys

from edgebounty.worker.app import main

if __name__ == "__main__":
    status = main()
    # Threads that wait for a slow gateway must not hold the process up.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
