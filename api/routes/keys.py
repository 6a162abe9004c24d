"""Keys of the caller's tenant: made, listed, revoked. Tenants are made on the machine itself."""

from __future__ import annotations

from fastapi import APIRouter, Response

from api import keys, strict_json
from api.dependencies import CallerDep, KeyId, ServiceDep, problems
from api.keys import CreatedKey, Key, KeyList, NewKey
from api.rights import Right, needs
from rag.stores import keys as stored

router = APIRouter(prefix="/v1/keys", tags=["keys"], route_class=strict_json.StrictRoute)


@router.get("", response_model=KeyList, openapi_extra=needs(Right.ADMIN))
def list_keys(service: ServiceDep, caller: CallerDep) -> KeyList:
    """All keys, newest first, with those that are revoked or have expired. No token is among it."""
    service.callers.enter_uses()
    with service.database.read() as tx:
        found = [keys.shown(tx, one) for one in stored.all_of(tx, caller.access)]
    return KeyList(data=found, next_cursor=None)


@router.post(
    "",
    status_code=201,
    response_model=CreatedKey,
    responses=problems(400, 404),
    openapi_extra=needs(Right.ADMIN),
)
def create_key(service: ServiceDep, caller: CallerDep, new: NewKey, response: Response) -> CreatedKey:
    """Make a key. With the first one, everybody needs one from then on."""
    with service.database.write() as tx:
        made = keys.create(tx, service.tokens, caller.access, new)
    response.headers["Location"] = f"/v1/keys/{made.key.id}"
    return made


@router.get("/{key_id}", response_model=Key, responses=problems(404), openapi_extra=needs(Right.ADMIN))
def get_key(service: ServiceDep, caller: CallerDep, key_id: KeyId) -> Key:
    with service.database.read() as tx:
        return keys.shown(tx, stored.get(tx, caller.access, key_id))


@router.delete("/{key_id}", response_model=Key, responses=problems(404), openapi_extra=needs(Right.ADMIN))
def revoke_key(service: ServiceDep, caller: CallerDep, key_id: KeyId) -> Key:
    """Revoke a key for good: its next request is refused, and what it is being told ends in seconds."""
    with service.database.write() as tx:
        return keys.shown(tx, stored.revoke(tx, caller.access, key_id))
