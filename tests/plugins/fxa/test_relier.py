"""Login through the server: the way there, the way back, nowhere else."""

import threading
import time
from urllib.parse import parse_qs, urlsplit

import pytest
from pyramid.exceptions import ConfigurationError

from kinto.plugins.fxa.redirects import is_authorized
from tests.plugins.fxa.conftest import FXA_SETTINGS, MakeClient
from tests.support.api import Answer, Client, memory_app, simultaneously, statuses
from tests.support.oauth import OAuthDouble


RELIER = {"fxa-oauth.webapp.authorized_domains": "*.notes.example localhost"}
WEBAPP = "https://app.notes.example/#token="


def start_login(client: Client, redirect: str = WEBAPP) -> str:
    """The state of a login that has begun."""
    answer = client.get("/fxa-oauth/login", redirect=redirect)
    assert answer.status == 302
    return parse_qs(urlsplit(answer.headers["Location"]).query)["state"][0]


def finish_login(client: Client, state: str, code: str) -> Answer:
    return client.get("/fxa-oauth/token", state=state, code=code)


def test_login_sends_the_user_to_firefox_accounts(
    make_client: MakeClient, oauth: OAuthDouble
) -> None:
    client = make_client({**RELIER, "fxa-oauth.requested_scope": "profile https://notes"})

    answer = client.get("/fxa-oauth/login", redirect=WEBAPP)

    assert answer.status == 302
    assert answer.headers["Cache-Control"] == "no-store"
    url, _, query = answer.headers["Location"].partition("?")
    assert url == f"{oauth.uri}/authorization"
    values = {name: value for name, [value] in parse_qs(query).items()}
    assert len(values.pop("state")) == 64
    assert values == {
        "action": "signin",
        "client_id": "89513028159972bc",
        "scope": "profile https://notes",
    }


def test_the_user_comes_back_with_a_token(make_client: MakeClient, oauth: OAuthDouble) -> None:
    client = make_client(RELIER)
    oauth.codes["c0de"] = "t0ken+/="

    answer = finish_login(client, start_login(client), "c0de")

    assert answer.status == 302
    assert answer.headers["Location"] == f"{WEBAPP}t0ken%2B%2F%3D"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.text == ""
    assert oauth.calls == [
        (
            "/v1/token",
            {
                "code": "c0de",
                "client_id": "89513028159972bc",
                "client_secret": "a-secret-of-the-client",
            },
        )
    ]


def test_a_state_is_good_once(make_client: MakeClient, oauth: OAuthDouble) -> None:
    client = make_client(RELIER)
    oauth.codes["c0de"] = "t0ken"
    state = start_login(client)

    answers = simultaneously([lambda: finish_login(client, state, "c0de")] * 6)

    assert statuses(answers) == [302, 400, 400, 400, 400, 400]


@pytest.mark.parametrize("state", ["0" * 64, "x", ""], ids=["unknown", "malformed", "empty"])
def test_a_state_that_was_not_given_is_400(
    make_client: MakeClient, oauth: OAuthDouble, state: str
) -> None:
    answer = finish_login(make_client(RELIER), state, "c0de")
    assert answer.status == 400
    assert answer.json["details"][0]["name"] == "state"
    assert oauth.calls == []


def test_a_state_expires(make_client: MakeClient, oauth: OAuthDouble) -> None:
    client = make_client({**RELIER, "fxa-oauth.state.ttl_seconds": "0"})
    assert finish_login(client, start_login(client), "c0de").status == 400


def test_a_state_lives_as_long_as_the_setting_says(make_client: MakeClient) -> None:
    client = make_client({**RELIER, "fxa-oauth.state.ttl_seconds": "120"})
    key = f"fxa-oauth:state:{start_login(client)}"
    assert 60 < client.app.registry.cache.ttl(key) <= 120


def test_a_code_that_is_refused_is_400(make_client: MakeClient) -> None:
    client = make_client(RELIER)
    answer = finish_login(client, start_login(client), "wrong")
    assert answer.status == 400
    assert answer.json["message"] == "Invalid code"
    assert answer.json["details"][0]["name"] == "code"


@pytest.mark.parametrize(
    "answer",
    [(500, {}), (200, b"<html>"), (200, {}), (200, {"access_token": None})],
    ids=str,
)
def test_a_server_that_gives_no_token_is_503(
    make_client: MakeClient, oauth: OAuthDouble, answer: tuple[int, object]
) -> None:
    client = make_client(RELIER)
    state = start_login(client)
    oauth.answer = answer

    refused = finish_login(client, state, "c0de")

    assert refused.status == 503
    assert refused.headers["Retry-After"] == "3"


def test_a_server_that_hangs_does_not_hold_the_login(
    make_client: MakeClient, oauth: OAuthDouble
) -> None:
    client = make_client({**RELIER, "fxa-oauth.timeout_seconds": "0.3"})
    state = start_login(client)
    gate = threading.Event()
    oauth.before_answer = lambda: gate.wait(60)
    started = time.monotonic()
    try:
        assert finish_login(client, state, "c0de").status == 503
    finally:
        gate.set()
    assert time.monotonic() - started < 3


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("", "redirect"),
        ("?redirect=", "redirect"),
        ("?redirect=app.notes.example", "redirect"),
        ("?redirect=https://evil.example/", "redirect"),
    ],
)
def test_a_redirect_is_required(make_client: MakeClient, query: str, name: str) -> None:
    answer = make_client(RELIER).get(f"/fxa-oauth/login{query}")
    assert answer.status == 400
    assert answer.json["details"][0]["name"] == name
    assert "Location" not in answer.headers


def test_nowhere_is_authorized_unless_a_setting_says_so(make_client: MakeClient) -> None:
    assert make_client().get("/fxa-oauth/login", redirect=WEBAPP).status == 400


@pytest.mark.parametrize("path", ["/fxa-oauth/login", "/fxa-oauth/token"])
def test_the_login_can_be_turned_off(make_client: MakeClient, path: str) -> None:
    client = make_client({**RELIER, "fxa-oauth.relier.enabled": "false"})
    assert client.get(path).status == 404
    assert client.get("/fxa-oauth/params").status == 200


def test_parameters(make_client: MakeClient, oauth: OAuthDouble) -> None:
    assert make_client().get("/fxa-oauth/params").json == {
        "client_id": "89513028159972bc",
        "oauth_uri": oauth.uri,
        "scope": "profile",
    }


def test_a_login_needs_a_cache() -> None:
    settings = {"fxa-oauth.oauth_uri": "https://x.org/v1", "kinto.cache_backend": ""}
    with pytest.raises(ConfigurationError, match=r"fxa-oauth\.relier\.enabled"):
        memory_app({**FXA_SETTINGS, **settings})


PATTERNS = ["*.notes.example", "Localhost", "127.0.0.1:80??", "[ab].example"]


@pytest.mark.parametrize(
    "url",
    [
        "https://app.notes.example/",
        "https://a.b.notes.example:8443/x?y#z=",
        "HTTPS://APP.Notes.Example",
        "http://localhost:3000/",
        "http://127.0.0.1:8080/",
        "https://b.example/@evil.example",
        "https://app.notes.example./",
    ],
)
def test_hosts_that_match_a_pattern(url: str) -> None:
    assert is_authorized(url, PATTERNS)


@pytest.mark.parametrize(
    "url",
    [
        "https://notes.example/",
        "https://evil.example/.notes.example",
        "https://evil.example?x.notes.example",
        "https://evil.example#.notes.example",
        "https://evil.example\\.notes.example",
        "https://evil.example\\@app.notes.example/",
        "https://app.notes.example@evil.example/",
        "https://user:pw@app.notes.example/",
        "https://@app.notes.example/",
        "//app.notes.example/",
        "app.notes.example",
        "javascript://app.notes.example/%0aalert(1)",
        "data:text/html,x",
        "ftp://app.notes.example/",
        "https://app.notes.example:port/",
        "https://app.notes.example:99999/",
        "https://evil.example%2f.notes.example/",
        "https://evil.example\t.notes.example/",
        "https://app.notes.example/\r\nSet-Cookie: a=b",
        "https://app.notes.example/\0",
        "https://аpp.notes.example/",
        "https://evil.example/。notes.example",
        "https:///app.notes.example/",
        "https:app.notes.example",
        "http://127.0.0.1:9090/",
        "http://[::1]/",
        "http://[::1/",
        "https://c.example/",
        "",
    ],
)
def test_everything_else_is_refused(url: str) -> None:
    assert not is_authorized(url, PATTERNS)
