"""The batch lane's rules for its orchestrator: who is given a slot, what is accepted, when a batch is ready.

    claim -> commit -> (set closed) -> show -> (copies decide, else our own run) -> receipt -> batch

A receipt is signed only once the result is decided. It names one digest and one commit set, and a bundle that holds a
receipt unequal to a neighbour's is struck as a whole: so nobody signs a result before it is the accepted one.
"""
