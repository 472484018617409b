"""The batch lane on the wire: receipts, bundles, payout trees, signed messages, and the rules a batch can break.

Twin of contracts/batch; tests hold both to one meaning.
"""
