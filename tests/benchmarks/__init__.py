"""Timings behind ``make bench``: medians and ratios from one run against a real service."""
