"""Keeping the service in step with a folder: what is there, what has to be done, and doing it."""
