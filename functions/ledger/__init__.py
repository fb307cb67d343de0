"""The ledger: accounts, balances and their entries. It knows no HTTP and no vendor."""
