"""Bearer tokens of Firefox Accounts: who they make of a request."""

import logging
from typing import Any

import pytest
from pyramid.exceptions import ConfigurationError

from kinto.core.events import ResourceChanged
from kinto.plugins.fxa.authentication import find_bearer_token
from tests.plugins.fxa.conftest import FXA_SETTINGS, MakeClient, bearer, with_fxa
from tests.support.api import Client, memory_app, new_id
from tests.support.oauth import OAuthDouble


USER = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"


def test_a_valid_token_signs_its_user_in(make_client: MakeClient, oauth: OAuthDouble) -> None:
    client = make_client()
    oauth.know("good", USER)

    user = client.get("/", headers=bearer("good")).json["user"]

    assert user["id"] == f"fxa:{USER}"
    assert set(user["principals"]) == {
        f"fxa:{USER}",
        "system.Everyone",
        "system.Authenticated",
    }


def test_the_user_owns_what_it_creates(make_client: MakeClient, oauth: OAuthDouble) -> None:
    client = make_client()
    oauth.know("good", USER)
    oauth.know("other", "ffff")
    bucket = new_id()

    created = client.put(f"/buckets/{bucket}", headers=bearer("good"))

    assert created.status == 201
    assert created.json["permissions"] == {"write": [f"fxa:{USER}"]}
    assert client.get(f"/buckets/{bucket}", headers=bearer("other")).status == 403


def test_the_scheme_ignores_case(make_client: MakeClient, oauth: OAuthDouble) -> None:
    client = make_client()
    oauth.know("good", USER)
    headers = {"Authorization": "bEaReR good"}
    assert client.get("/", headers=headers).json["user"]["id"] == f"fxa:{USER}"


@pytest.mark.parametrize("scope", [(), ("email",), ("profile:write2", "Profile")], ids=str)
def test_a_token_without_the_scope_is_401(
    make_client: MakeClient, oauth: OAuthDouble, scope: tuple[str, ...]
) -> None:
    client = make_client()
    oauth.tokens["narrow"] = {"user": USER, "scope": list(scope)}

    refused = client.get("/buckets/b", headers=bearer("narrow"))

    assert refused.status == 401
    assert "user" not in client.get("/", headers=bearer("narrow")).json


def test_an_invalid_token_is_401_with_a_challenge(
    make_client: MakeClient, oauth: OAuthDouble
) -> None:
    client = make_client()

    refused = client.get("/buckets/b", headers=bearer("bad"))

    assert refused.status == 401
    assert refused.json["errno"] == 104
    assert refused.headers["WWW-Authenticate"] == 'Bearer realm="Realm", Basic realm="Realm"'
    assert oauth.verified() == ["bad"]


def test_the_realm_is_a_setting(make_client: MakeClient) -> None:
    client = make_client({"multiauth.policies": "fxa", "multiauth.policy.fxa.realm": 'My "app"'})
    challenge = client.get("/buckets/b").headers["WWW-Authenticate"]
    assert challenge == r'Bearer realm="My \"app\""'


def test_other_policies_have_their_turn(make_client: MakeClient, oauth: OAuthDouble) -> None:
    client = make_client()
    assert client.as_user("bob").principal.startswith("basicauth:")
    assert oauth.calls == []


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer ", "Bearer a b", "Bearer a\0b", "Basic abc", "Bearer é", "abc"],
)
def test_what_is_no_token_is_not_asked_about(authorization: str | None) -> None:
    assert find_bearer_token(authorization) is None


def test_endless_tokens_are_not_asked_about() -> None:
    assert find_bearer_token(f"Bearer {'a' * 8000}") == "a" * 8000
    assert find_bearer_token(f"Bearer {'a' * 9000}") is None


def test_the_request_tells_which_policy_it_was(
    make_client: MakeClient, oauth: OAuthDouble
) -> None:
    client = make_client()
    oauth.know("good", USER)
    seen: list[Any] = []
    client.app.registry.registerHandler(
        lambda event: seen.append((event.request.authn_type, event.request.selected_userid)),
        [ResourceChanged],
    )

    client.put(f"/buckets/{new_id()}", headers=bearer("good"))

    assert seen == [("fxa", USER)]


@pytest.mark.parametrize(
    "settings",
    [
        {
            "kinto.includes": "kinto_fxa",
            "multiauth.policy.fxa.use": "kinto_fxa.authentication.FxAOAuthAuthenticationPolicy",
        },
        {"kinto.includes": ""},
    ],
    ids=["names of the former package", "policy alone"],
)
def test_other_ways_to_configure_it(
    make_client: MakeClient, oauth: OAuthDouble, settings: dict[str, str]
) -> None:
    client = make_client(settings)
    oauth.know("good", USER)
    assert client.get("/", headers=bearer("good")).json["user"]["id"] == f"fxa:{USER}"


def test_the_capability_is_announced(make_client: MakeClient) -> None:
    capability = make_client().get("/").json["capabilities"]["fxa"]
    assert capability["url"].endswith("/how-to/firefox-accounts.html")


def test_the_api_description_names_the_policy(make_client: MakeClient, oauth: OAuthDouble) -> None:
    described = security_definitions(make_client())
    assert described["fxa"]["authorizationUrl"] == f"{oauth.uri}/authorization"
    assert "fxa" not in security_definitions(Client(memory_app()))


def security_definitions(client: Client) -> Any:
    return client.get("/__api__").json["securityDefinitions"]


def test_settings_without_the_plugin_have_no_effect(oauth: OAuthDouble) -> None:
    lines = {name: value for name, value in FXA_SETTINGS.items() if name.startswith("fxa-oauth.")}
    client = Client(memory_app({**lines, "fxa-oauth.oauth_uri": oauth.uri}), user=None)

    hello = client.get("/", headers=bearer("good")).json

    assert "user" not in hello
    assert "fxa" not in hello["capabilities"]
    assert client.get("/fxa-oauth/params").status == 404
    assert list(client.get("/__heartbeat__").json) == ["storage", "permission", "cache"]
    assert oauth.calls == []


def test_without_a_server_no_token_is_accepted(
    make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        client = make_client({"fxa-oauth.oauth_uri": ""})

    assert "fxa-oauth.oauth_uri" in caplog.text
    assert client.get("/buckets/b", headers=bearer("good")).status == 401
    assert client.get("/__heartbeat__").json["oauth"] is None
    assert client.get("/__heartbeat__").status == 200


@pytest.mark.parametrize("uri", ["oauth.example.org", "ftp://x/v1", "http://", "http://x/v1?a=1"])
def test_an_address_that_is_none_stops_the_start(uri: str) -> None:
    with pytest.raises(ConfigurationError, match=r"fxa-oauth\.oauth_uri"):
        memory_app({**FXA_SETTINGS, "fxa-oauth.oauth_uri": uri})


def test_the_heartbeat_asks_the_host(make_client: MakeClient, oauth: OAuthDouble) -> None:
    client = make_client()

    assert client.get("/__heartbeat__").json["oauth"] is True
    assert oauth.calls == [("/__heartbeat__", None)]

    oauth.answer = (503, {})
    unhealthy = client.get("/__heartbeat__")
    assert unhealthy.status == 503
    assert unhealthy.json == {"storage": True, "permission": True, "cache": True, "oauth": False}


def test_the_former_scope_setting_stands_for_both(
    oauth: OAuthDouble, caplog: pytest.LogCaptureFixture
) -> None:
    settings = with_fxa(oauth, {"fxa-oauth.scope": "profile:uid", "fxa-oauth.required_scope": ""})
    with caplog.at_level(logging.WARNING):
        client = Client(memory_app(settings), user=None)
    oauth.know("narrow", USER, "profile:email")
    oauth.know("good", USER, "profile:uid")

    assert "'fxa-oauth.scope' is deprecated" in caplog.text
    assert client.get("/fxa-oauth/params").json["scope"] == "profile:uid"
    assert "user" not in client.get("/", headers=bearer("narrow")).json
    assert client.get("/", headers=bearer("good")).json["user"]["id"] == f"fxa:{USER}"


def test_a_server_that_requires_no_scope_is_warned_about(
    oauth: OAuthDouble, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        memory_app(with_fxa(oauth, {"fxa-oauth.required_scope": ""}))
    assert "'fxa-oauth.required_scope' is empty" in caplog.text
