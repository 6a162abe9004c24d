"""What the documents of these tests say."""

LIBRARY = b"""The reading room of the Harbour Library was opened on 3 May 1911 by Mayor Ottilie Brandt.

It has 84 seats, and its roof is made of copper from the Falun mine.

The library lends skates in winter, free of charge, to everyone under sixteen.
"""
OPENED = "When was the reading room of the Harbour Library opened?"
BY_WHOM = "And who opened it?"
MANY = "List every sentence about the library."
UNKNOWN = "Which enzyme unwinds the double helix during replication?"
