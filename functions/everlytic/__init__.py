"""Everlytic 2.0: customers, packages and top-ups, over REST and XML-RPC."""
