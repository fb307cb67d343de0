"""What whoever runs the deployment does, with `aws lambda invoke`: no route leads here.

Design: README.md, Functions.
"""
