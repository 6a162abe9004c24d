"""Everything that outlives the process: SQL (the only truth), blobs, and the FAISS cache built from them.

Functions take the open transaction as their first argument, so that callers decide what is atomic::

    with database.write() as tx:
        accepted = acceptance.accept(tx, upload)

A ``Tx`` from ``database.read()`` is one consistent snapshot and refuses writes.
"""
