"""The OpenAPI document says of these addresses how they really refuse: in OpenAI's words."""

from __future__ import annotations

from typing import Any

from api.openai.errors import OpenAIError, is_openai, status_here

_REFERENCE = "#/components/schemas/{model}"


def describe_errors(made: dict[str, Any]) -> None:
    """Exchange the problem documents of these operations; to be called when all others are described."""
    schema = OpenAIError.model_json_schema(ref_template=_REFERENCE)
    parts = schema.pop("$defs")
    made["components"]["schemas"] |= {OpenAIError.__name__: schema, **parts}
    content = {"application/json": {"schema": {"$ref": _REFERENCE.format(model=OpenAIError.__name__)}}}
    for path, methods in made["paths"].items():
        if is_openai(path):
            for operation in methods.values():
                operation["responses"] = _exchanged(operation["responses"], content)


def _exchanged(responses: dict[str, Any], content: dict[str, Any]) -> dict[str, Any]:
    exchanged = {}
    for status, answer in responses.items():
        if int(status) < 400:
            exchanged[status] = answer
        else:
            here = str(status_here(int(status)))
            said = answer if here == status else exchanged.get(here) or responses.get(here, answer)
            exchanged[here] = {"description": said["description"], "content": content}
    return exchanged
