"""The HTTP API of Mailpartner (Mail Partner, NDA Media), as far as it concerns credit.

Design: README.md, What is known.
"""
