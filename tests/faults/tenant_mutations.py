"""The guards of keys and tenants: name, file, what is removed, what is put there, and the tests to go red.

In the form of ``mutation_table.Mutation``, which takes them up.
"""

from __future__ import annotations

from collections.abc import Sequence

_IDS = ("tests/api/test_tenants.py", "-k", "unknown_one or finds_ones_own or gone_for_its_own")
_TENANTS = ("tests/api/test_tenants.py",)
_OTHERS = ("tests/api/test_rights.py", "-k", "another_tenant")
_RIGHTS = ("tests/api/test_rights.py",)
_KEYS = ("tests/rag/stores/test_keys.py",)
_STORES = ("tests/rag/stores/test_tenants.py",)
_LINE = ("tests/api/cli/test_keys.py",)
_GUESSES = ("tests/separation/test_canaries.py", "-k", "guessed")

_NARROW = ("tests/api/test_tenants.py", "-k", "one_collection")
_ACCESS = "rag/stores/access.py"
_CATALOG = "rag/stores/document_catalog.py"
_QUEUE = "rag/stores/job_queue.py"
_MINE = "access.covers(documents.c.collection_id)"

TENANTS: Sequence[tuple[str, str, str, str, Sequence[str]]] = (
    (
        "a collection is its tenant's",
        _ACCESS,
        "        mine = collections.c.tenant_id == self.tenant\n",
        "        mine = collections.c.tenant_id > 0\n",
        _IDS,
    ),
    (
        "a key sees its collections only",
        _ACCESS,
        "mine if self.collections is None else and_(mine, collections.c.id.in_(sorted(self.collections)))",
        "mine",
        _NARROW,
    ),
    (
        "an answer is its tenant's",
        _ACCESS,
        "        mine = table.c.tenant_id == self.tenant\n",
        "        mine = table.c.tenant_id > 0\n",
        _OTHERS,
    ),
    (
        "an answer of a narrow key is its own",
        _ACCESS,
        "return mine if self.key is None else and_(mine, table.c.key_id == self.key)",
        "return mine",
        _NARROW,
    ),
    (
        "others' documents keep a search from looking everywhere",
        _ACCESS,
        "    return not fetch(tx, _OTHERS, access.tenant)\n",
        "    return True\n",
        _TENANTS,
    ),
    (
        "a narrow key does not look everywhere",
        _ACCESS,
        "    if access.collections is not None:\n        return False\n",
        "",
        _STORES,
    ),
    (
        "a document is looked up for somebody",
        _CATALOG,
        "documents.c.public_id == public_id, access.to_collection())",
        "documents.c.public_id == public_id)",
        _OTHERS,
    ),
    (
        "documents are listed for somebody",
        _CATALOG,
        "[access.to_collection()]",
        "[]",
        _OTHERS,
    ),
    (
        "only its own hear that a document was deleted",
        _CATALOG,
        ", deleted_documents.c.tenant_id == access.tenant",
        "",
        _TENANTS,
    ),
    (
        "only who could see a document hears that it was deleted",
        _CATALOG,
        "    if access.collections is not None:\n",
        "    if False:\n",
        _TENANTS,
    ),
    (
        "a job is looked up for somebody",
        _QUEUE,
        f"jobs.c.public_id == public_id, {_MINE})",
        "jobs.c.public_id == public_id)",
        _OTHERS,
    ),
    (
        "jobs are listed for somebody",
        _QUEUE,
        f"    query = _query().where({_MINE})\n",
        "    query = _query()\n",
        _OTHERS,
    ),
    (
        "the queue is counted for somebody",
        _QUEUE,
        "    mine = _visible(tx, access)\n",
        "    mine = ()\n",
        _STORES,
    ),
    (
        "the position in the queue is among one's own",
        _QUEUE,
        "waiting.where(*_visible(tx, access))",
        "waiting",
        _STORES,
    ),
    (
        "uploaders take turns within their tenant",
        _QUEUE,
        'lane = f"{tenant_of(tx, document_id).tenant}/',
        'lane = f"1/',
        _STORES,
    ),
    (
        "an Idempotency-Key is its tenant's",
        "rag/stores/acceptance.py",
        "            idempotency_keys.c.tenant_id == idempotency.tenant, ",
        "            ",
        _TENANTS,
    ),
    (
        "a deleted document blanks its tenant's conversations only",
        "rag/stores/answers.py",
        "        .where(conversation_turns.c.tenant_id == tenant)\n",
        "",
        _TENANTS,
    ),
    (
        "a key is looked up within its tenant",
        "rag/stores/keys.py",
        "keys.c.public_id == public_id, keys.c.tenant_id == access.tenant)",
        "keys.c.public_id == public_id)",
        _KEYS,
    ),
    (
        "an admin key sees its whole tenant",
        "rag/stores/keys.py",
        "    if new.scope is KeyScope.ADMIN and new.collections is not None:\n",
        "    if False:\n",
        _KEYS,
    ),
    (
        "a revoked key opens nothing",
        "rag/stores/keys.py",
        "self.revoked_at is None and (",
        "(",
        _KEYS,
    ),
    (
        "an expired key opens nothing",
        "rag/stores/keys.py",
        "(self.expires_at is None or time.time() < self.expires_at)",
        "True",
        _KEYS,
    ),
    (
        "a token is compared",
        "rag/stores/key_tokens.py",
        "if found is not None and fits and",
        "if found is not None and",
        _KEYS,
    ),
    (
        "the secret is its owner's alone",
        "rag/stores/key_tokens.py",
        "os.O_EXCL, 0o600)",
        "os.O_EXCL, 0o644)",
        _KEYS,
    ),
    (
        "words are guessed from what may be read",
        "rag/retrieval/hybrid.py",
        "scopes.resolve(tx, scope), scopes.readable(tx, scope.access)",
        "scopes.resolve(tx, scope), scopes.EVERYWHERE",
        _GUESSES,
    ),
    (
        "a search without collections is of what may be read",
        "rag/stores/scopes.py",
        "        where.append(_permitted(scope.access))\n",
        "        pass\n",
        _TENANTS,
    ),
    (
        "a named collection is one's own",
        "rag/stores/scopes.py",
        "collection_store.get(tx, scope.access, name).id",
        "collection_store.get(tx, collection_store.Access(scope.access.owner), name).id",
        _NARROW,
    ),
    (
        "a door that was locked stays locked",
        "rag/stores/keys.py",
        '"SELECT 1 FROM keys LIMIT 1"',
        '"SELECT 1 FROM keys WHERE revoked_at IS NULL LIMIT 1"',
        _RIGHTS,
    ),
    (
        "others' machines need a key",
        "api/callers.py",
        "if not self._alone and not keys.any_active(tx):",
        "if False:",
        _LINE,
    ),
    (
        "the right of a route is asked for",
        "api/auth.py",
        "        if need is not None and not caller.may(need):\n",
        "        if False:\n",
        _RIGHTS,
    ),
    (
        "what concerns everybody is for the default tenant",
        "api/callers.py",
        "self.right.includes(need.right) and (runs_it or not need.operator)",
        "self.right.includes(need.right)",
        _RIGHTS,
    ),
    (
        "a running answer ends with its key",
        "api/auth.py",
        "if not self._callers.still_valid(caller):",
        "if False:",
        _RIGHTS,
    ),
    (
        "a refused body is not read",
        "api/auth.py",
        "    if _announces_body(scope):\n",
        "    if False:\n",
        _RIGHTS,
    ),
    (
        "a route says its right",
        "api/rights.py",
        "        if _EXTENSION not in declared or route.path is None or not route.methods:\n",
        "        declared = {_EXTENSION: 'public', **declared}\n        if False:\n",
        _RIGHTS,
    ),
    (
        "hosts are on a list",
        "api/middleware.py",
        "_host_name(hosts[0]) not in self._hosts:",
        "False:",
        _LINE,
    ),
)
