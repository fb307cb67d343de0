"""Our own HTTP API: JSON under /ledger, one module per endpoint. The promises are those of the ledger itself."""
