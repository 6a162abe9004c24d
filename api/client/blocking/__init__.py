"""The blocking client, made from ``api/client/aio`` by ``scripts/make_client.py``."""
