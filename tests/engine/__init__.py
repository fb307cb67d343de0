"""The ledger on the real engine, DynamoDB Local, with real parallel processes."""
