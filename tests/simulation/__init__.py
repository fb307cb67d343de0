"""The ledger run under a scheduler that may interleave, lose, repeat, delay and kill at every call."""
