#!/usr/bin/env python3
"""`make demo`: a whole market on this machine, three real jobs, a liar, a killed and a slow worker, a report."""

from demo.main import main

if __name__ == "__main__":
    raise SystemExit(main())
