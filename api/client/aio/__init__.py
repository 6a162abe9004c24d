"""The asynchronous client. ``api/client/blocking`` is made from this folder by ``scripts/make_client.py``."""
