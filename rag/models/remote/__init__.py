"""Another server's model as the generator: any server that speaks OpenAI's chat completions.

``server`` says where it is, ``messages`` and ``untrusted`` make what is sent, ``stream`` reads what comes,
``writing`` and ``copying`` hold it to what the local engine would have allowed, ``exchange`` is one request
over HTTP and ``generator`` the whole as the rest of Footnote sees it.
"""
