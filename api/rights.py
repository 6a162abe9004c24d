"""What a caller must be allowed to do for a route. A route that does not say so is not served.

The right stands in the OpenAPI document (``x-footnote-right``), where clients see it too.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

_EXTENSION = "x-footnote-right"


class Right(StrEnum):
    """Each includes the ones before it; ``PUBLIC`` needs no key."""

    PUBLIC = "public"
    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


def needs(right: Right) -> dict[str, Any]:
    """For a route's ``openapi_extra``."""
    return {_EXTENSION: right.value}
