"""Faults, made on purpose: what is killed, torn, filled up or flipped here must cost nobody a document.

``python -m tests.faults`` runs every lane; each is also run briefly by ``make test``.
"""
