from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from seedbed.runs import RunStore
from seedbed.web import Access
from seedbed.web.guard import Guard, RequestLimits, Turnstile
from web import samples
from web.samples import CHANGE, TOKEN, Answer, app_of, ask, run

ROUTES = ["/", "/runs", "/curves", "/run", "/api/runs", "/api/changes", "/api/openapi.json", "/static/app.js", "/nothing"]
METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Guard:
    return app_of(RunStore(tmp_path_factory.mktemp("home")))


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example:8000", "", "localhost:8000@evil", "127.0.0.1:8000, x"]
)
def test_no_route_answers_under_a_foreign_name(app: Guard, host: str) -> None:
    for path in ROUTES:
        for method in METHODS:
            answer = ask(app, path, method=method, headers={**CHANGE, "host": host})
            assert answer.status == 403, (path, method)
            assert TOKEN not in answer.text


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:1", "LOCALHOST", "[::1]:8000"])
def test_the_names_of_this_machine_are_answered(app: Guard, host: str) -> None:
    assert ask(app, "/runs", headers={"host": host}).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9000"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"},
        {"sec-fetch-site": "same-site", "sec-fetch-mode": "cors"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"},
    ],
)
def test_other_sites_read_no_data(app: Guard, headers: dict[str, str]) -> None:
    assert ask(app, "/api/runs", headers=headers).status == 403


def test_a_link_from_elsewhere_opens_a_view_and_changes_nothing(app: Guard) -> None:
    followed = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert ask(app, "/runs", headers=followed).status == 200
    assert ask(app, "/api/data/survey", method="POST", headers={**CHANGE, **followed}, body=b"{}").status == 403


@pytest.mark.parametrize("token", ["", "wrong", TOKEN[:-1], TOKEN + "x", "\udcff"])
def test_nothing_changes_without_the_token(app: Guard, token: str) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        headers = {**CHANGE, "x-seedbed-token": token}
        assert ask(app, "/api/data/survey", method=method, headers=headers, body=b'{"data": "digits"}').status == 403


def test_every_answer_is_locked(app: Guard) -> None:
    answers = [ask(app, path) for path in ROUTES]
    answers += [ask(app, "/runs", headers={"host": "evil.example"}), ask(app, "/runs", method="POST")]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in answer.headers


PATHS = [
    "/static/../application.py",
    "/static/..%2fapplication.py",
    "/static/%2e%2e/application.py",
    "/static/%252e%252e%252fapplication.py",
    "/static/..\\application.py",
    "/static/app.js\x00.css",
    "/static//etc/passwd",
    "/static/serve.css",
    "/runs/../api/runs",
    "/api/image/../../etc/passwd",
    "//etc/passwd",
    "/%2e%2e/%2e%2e/etc/passwd",
]


@pytest.mark.parametrize("path", PATHS)
def test_a_path_in_an_address_leads_nowhere(app: Guard, path: str) -> None:
    assert ask(app, path).status == 404


@pytest.mark.parametrize("name", ["../x", "..", "/etc/passwd", "a/b", "a\\b", "x\x00", ".hidden", "%2e%2e", "runs/../../etc"])
def test_a_path_in_a_name_is_no_run_and_no_data_set(app: Guard, name: str) -> None:
    from urllib.parse import urlencode

    for path, query in [
        ("/run", {"name": name}),
        ("/api/curves", {"name": name}),
        ("/api/search", {"search": name}),
        ("/api/image", {"run": name, "index": 0}),
        ("/api/image", {"data": name, "index": 0}),
    ]:
        answer = ask(app, path, urlencode(query))
        assert answer.status in (404, 422), (path, answer.text)


# A page that is open to the network


@pytest.fixture
def open_app(tmp_path: Path) -> Guard:
    return app_of(RunStore(tmp_path), Access(TOKEN, frozenset({"10.1.2.3"}), "let-me-in"))


def asked(app: Guard, path: str, query: str = "", **headers: str) -> Answer:
    return ask(app, path, query, headers={"host": "10.1.2.3:8000", **headers})


def test_an_open_page_answers_only_to_its_token(open_app: Guard) -> None:
    for path in ROUTES:
        assert asked(open_app, path).status == 401
        assert asked(open_app, path, authorization="Bearer wrong").status == 401
        assert asked(open_app, path, "token=wrong").status == 401
    assert asked(open_app, "/runs", authorization="Bearer let-me-in").status == 200


def test_the_address_with_the_token_becomes_a_cookie(open_app: Guard) -> None:
    answer = asked(open_app, "/curves", "token=let-me-in&name=a+b")
    assert (answer.status, answer.headers["location"]) == (303, "/curves?name=a+b")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert asked(open_app, "/runs", cookie=cookie.partition(";")[0]).status == 200


# How much and how often


def test_a_large_body_is_refused_before_it_arrives(tmp_path: Path) -> None:
    app = app_of(RunStore(tmp_path), body=100)
    headers = {**CHANGE, "content-length": "101"}
    assert ask(app, "/api/data/survey", method="POST", headers=headers, body=b"x").status == 413
    assert ask(app, "/api/data/survey", method="POST", headers=CHANGE, body=[b"x" * 60] * 2).status == 413


def test_a_slow_body_is_given_up(tmp_path: Path) -> None:
    app = app_of(RunStore(tmp_path), seconds=0.05)
    assert ask(app, "/api/data/survey", method="POST", headers=CHANGE, body=[]).status == 408


def test_uploads_together_have_a_limit(tmp_path: Path) -> None:
    app = app_of(RunStore(tmp_path), body=100, bodies=150, seconds=0.2)

    async def both() -> list[int]:
        slow = [b"x" * 90, b"x" * 5]
        both = [samples.asked(app, "/api/data/survey", "", "POST", CHANGE, list(slow)) for _ in range(2)]
        return sorted(answer.status for answer in await asyncio.gather(*both))

    assert 503 in run(both())
    assert app._arriving == 0


def test_after_a_burst_requests_wait_their_turn_and_too_many_are_refused() -> None:
    turnstile = Turnstile(RequestLimits(rate=10, burst=5, wait=0.35))
    waits = [turnstile.turn(100.0) for _ in range(12)]
    assert waits[:6] == [0.0] * 6
    assert waits[6:9] == pytest.approx([0.1, 0.2, 0.3])
    assert waits[9:] == [None] * 3
    assert turnstile.turn(200.0) == 0.0


def test_a_refused_request_says_when_to_come_again(tmp_path: Path) -> None:
    app = app_of(RunStore(tmp_path), rate=1, burst=1, wait=0)
    statuses = [ask(app, "/static/app.js").status for _ in range(4)]
    assert statuses[0] == 200
    assert statuses[-1] == 429
