"""The batch lane's rules for its orchestrator: who is given a slot, what is accepted, when a batch is ready.

    claim -> commit -> (set closed) -> show -> (quorum) -> receipt -> batch

A receipt is signed only once the quorum is known. It names one digest and one commit set, and a bundle that holds a
receipt unequal to a neighbour's is struck as a whole: so nobody signs a result before it is the accepted one.
"""
