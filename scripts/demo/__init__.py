"""The parts of `make demo`: real data, six workers, three jobs, a live view, and a report that is checked."""
