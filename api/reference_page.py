"""A readable page of the OpenAPI document: plain HTML without scripts, so that nothing leaves the origin."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from html import escape
from typing import Any

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem}
body{color:#1c1c1c;background:#fff}
h1,h2{line-height:1.2}h2{margin-top:2.5rem;border-bottom:1px solid #ddd}
details{border:1px solid #ddd;border-radius:6px;margin:.5rem 0;padding:.4rem .8rem}
summary{cursor:pointer}code,pre{font:14px/1.4 ui-monospace,monospace}
pre{background:#f5f5f2;padding:.6rem;overflow-x:auto}
b.method{display:inline-block;min-width:4.5rem}table{border-collapse:collapse}
td,th{text-align:left;padding:.2rem .8rem .2rem 0;vertical-align:top}
@media (prefers-color-scheme:dark){body{background:#16181a;color:#e8e6e3}pre{background:#22262a}
details,h2{border-color:#3a3f44}a{color:#8ab4f8}}
"""

_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

POLICY = f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; frame-ancestors 'none'; base-uri 'none'"


def render(openapi: Mapping[str, Any]) -> str:
    """The page; every text of the document is escaped."""
    groups: dict[str, list[str]] = {}
    for path, methods in openapi["paths"].items():
        for method, operation in methods.items():
            entry = _operation(path, method, operation, openapi)
            groups.setdefault(operation.get("tags", ["other"])[0], []).append(entry)
    body = "".join(f"<h2>{escape(tag)}</h2>{''.join(entries)}" for tag, entries in groups.items())
    title, version, description = (
        escape(openapi["info"][key]) for key in ("title", "version", "description")
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title} API</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>'
        f"<h1>{title} {version}</h1><p>{description}</p>"
        f'<p>For programs: <a href="/openapi.json">openapi.json</a>.</p>{body}</body></html>'
    )


def _operation(path: str, method: str, operation: Mapping[str, Any], openapi: Mapping[str, Any]) -> str:
    return (
        f'<details><summary><b class="method">{method.upper()}</b> <code>{escape(path)}</code></summary>'
        f"<p>{escape(operation.get('description', operation.get('summary', '')))}</p>"
        f"{_parameters(operation)}{_body(operation, openapi)}{_responses(operation)}</details>"
    )


def _parameters(operation: Mapping[str, Any]) -> str:
    rows = [
        f"<tr><td><code>{escape(one['name'])}</code></td><td>{escape(one['in'])}</td>"
        f"<td>{escape(one.get('description', ''))}</td></tr>"
        for one in operation.get("parameters", [])
    ]
    return f"<table>{''.join(rows)}</table>" if rows else ""


def _body(operation: Mapping[str, Any], openapi: Mapping[str, Any]) -> str:
    parts = []
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        schema = content.get("schema", {})
        name = schema.get("$ref", "").rsplit("/", 1)[-1]
        shown = openapi["components"]["schemas"].get(name, schema)
        properties = {key: _type(value) for key, value in shown.get("properties", {}).items()}
        example = next(iter(shown.get("examples", [])), None)
        text = json.dumps(properties, indent=1)
        if example is not None:
            text += "\n\nfor example\n" + json.dumps(example, indent=1)
        parts.append(f"<p>Body: <code>{escape(kind)}</code></p><pre>{escape(text)}</pre>")
    return "".join(parts)


def _type(schema: Mapping[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"])
    return str(schema.get("type", schema.get("$ref", "any").rsplit("/", 1)[-1]))


def _responses(operation: Mapping[str, Any]) -> str:
    rows = [
        f"<tr><td>{escape(status)}</td><td>{escape(answer.get('description', ''))}</td></tr>"
        for status, answer in operation.get("responses", {}).items()
    ]
    return f"<table>{''.join(rows)}</table>"
