"""The HTTP API of the Ozeki NG SMS gateway, as far as it concerns credit. Design: README.md, What is known."""
