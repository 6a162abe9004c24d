"""``footnote doctor``: is this machine, and is this data folder, fit for the service?

``machine``, ``weights`` and ``library`` make the checks; each says what it found and what to mend. None
changes anything, apart from a file of a few bytes that is written to see whether that works.
"""
