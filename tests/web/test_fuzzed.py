"""Every route under values that its own description allows, and under many that it does not: never a 500."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seedbed.web.guard import Guard
from web.samples import CHANGE, HOSTILE, app_of, ask, home

NASTY = [
    "",
    " ",
    "\x00",
    "\N{RIGHT-TO-LEFT OVERRIDE}x",
    "../../etc/passwd",
    HOSTILE,
    "good",
    "good.0",
    "-1",
    "1e999",
    "NaN",
    "[]",
]
EXAMPLES = 8


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Guard:
    return app_of(home(tmp_path_factory.mktemp("home"), {"good": 0.9}, seeds=1))


def values(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values of a schema, and others."""
    kinds: list[st.SearchStrategy[Any]] = [st.sampled_from(NASTY), st.text(max_size=20)]
    for each in schema.get("anyOf", [schema]):
        if "enum" in each:
            kinds += [st.sampled_from(each["enum"])] * 3
        elif each.get("type") in ("integer", "number"):
            low, high = each.get("minimum", -(2**70)), each.get("maximum", 2**70)
            kinds += [st.integers(int(low), int(high)), st.integers(), st.sampled_from([low, high, 0, 1])]
        elif each.get("type") == "array":
            return st.lists(values(each["items"]), max_size=4)
        elif each.get("type") == "boolean":
            kinds.append(st.booleans())
    return st.one_of(kinds)


def queries(operation: dict[str, Any]) -> st.SearchStrategy[str]:
    """Queries of an operation: some of its parameters, each once or several times."""
    parameters = [each for each in operation.get("parameters", []) if each["in"] == "query"]
    fields = {each["name"]: values(each["schema"]) for each in parameters}
    return st.fixed_dictionaries({}, optional=fields).map(
        lambda chosen: urlencode(chosen, doseq=True, encoding="utf-8", errors="replace")
    )


def operations(app: Guard) -> list[tuple[str, str, dict[str, Any]]]:
    paths = ask(app, "/api/openapi.json").json()["paths"]
    return [(method.upper(), path, each) for path, methods in paths.items() for method, each in methods.items()]


def bodies(description: dict[str, Any], operation: dict[str, Any]) -> st.SearchStrategy[bytes]:
    """JSON objects with the fields of an operation's body, and anything."""
    content = operation.get("requestBody", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    named = description.get("components", {}).get("schemas", {}).get(schema.get("$ref", "").rpartition("/")[2], schema)
    fields = {name: values(each) for name, each in named.get("properties", {}).items()}
    whole = st.fixed_dictionaries({}, optional=fields).map(lambda chosen: json.dumps(chosen, default=str).encode())
    return st.one_of(whole, st.binary(max_size=60), st.sampled_from([b"[]", b"null", b"{", b'{"x": 1e999}']))


def test_no_request_is_unforeseen(app: Guard) -> None:
    described = operations(app)
    assert len(described) > 20
    description = ask(app, "/api/openapi.json").json()
    for method, path, operation in described:
        if path != "/api/events":  # it has no end
            never_a_500(app, method, path, queries(operation), bodies(description, operation))


def never_a_500(app: Guard, method: str, path: str, query: st.SearchStrategy[str], body: st.SearchStrategy[bytes]) -> None:
    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(query, body if method == "POST" else st.none())
    def asked(query: str, body: bytes | None) -> None:
        answer = ask(app, path, query, method=method, headers=CHANGE if method == "POST" else None, body=body)
        assert answer.status < 500, (method, path, query, body, answer.text)

    asked()


@pytest.mark.parametrize("query", ["page=0", "epoch=0", "margin=nan", "margin=inf", "penalty=nan", "order=26", "seed=-1"])
def test_values_outside_their_rules_are_one_line(app: Guard, query: str) -> None:
    name = query.partition("=")[0]
    for path in ("runs", "compare", "overfitting", "mistakes"):
        answer = ask(app, f"/api/{path}", query)
        assert answer.status in (200, 422)
        if answer.status == 422:
            assert answer.json()["error"].startswith(f"{name} = ")
            assert "\n" not in answer.json()["error"]
