"""Several relying parties on one server."""

import pytest
from pyramid.exceptions import ConfigurationError

from kinto.plugins.fxa.clients import Client, find_client
from tests.plugins.fxa.conftest import FXA_SETTINGS, MakeClient, bearer
from tests.support.api import memory_app, new_id
from tests.support.oauth import OAuthDouble


CLIENTS = {
    "fxa-oauth.clients.notes.client_id": "c73e46074a948932",
    "fxa-oauth.clients.notes.required_scope": "https://identity.mozilla.com/apps/notes",
    "fxa-oauth.clients.tabs.client_id": "7f368c6886429f19",
    "fxa-oauth.clients.tabs.required_scope": "https://identity.mozilla.com/apps/tabs",
}
NOTES, TABS = "https://identity.mozilla.com/apps/notes", "https://identity.mozilla.com/apps/tabs"


def party(name: str, *scope: str, client_id: str | None = None) -> Client:
    return Client(name, client_id, None, frozenset(scope))


def test_each_client_has_users_of_its_own(make_client: MakeClient, oauth: OAuthDouble) -> None:
    client = make_client(CLIENTS)
    oauth.know("n", "ab12", NOTES)
    oauth.know("t", "ab12", TABS)
    oauth.know("p", "ab12", "profile")

    users = [client.get("/", headers=bearer(token)).json["user"] for token in "ntp"]

    assert [user["id"] for user in users] == ["fxa:ab12-notes", "fxa:ab12-tabs", "fxa:ab12"]
    assert all("fxa:ab12" in user["principals"] for user in users)
    assert "ab12-notes" not in users[0]["principals"]


def test_what_is_shared_with_the_user_is_seen_by_all_of_its_clients(
    make_client: MakeClient, oauth: OAuthDouble
) -> None:
    client = make_client(CLIENTS)
    oauth.know("n", "ab12", NOTES)
    oauth.know("t", "ab12", TABS)
    own, shared = new_id(), new_id()
    client.put(f"/buckets/{own}", headers=bearer("n"))
    client.put(f"/buckets/{shared}", headers=bearer("n"), permissions={"read": ["fxa:ab12"]})

    assert client.get(f"/buckets/{own}", headers=bearer("t")).status == 403
    assert client.get(f"/buckets/{shared}", headers=bearer("t")).status == 200
    listed = client.get("/buckets", headers=bearer("t")).data
    assert [bucket["id"] for bucket in listed] == [shared]


def test_a_token_for_nobody_is_401(make_client: MakeClient, oauth: OAuthDouble) -> None:
    client = make_client({**CLIENTS, "fxa-oauth.required_scope": ""})
    oauth.know("p", "ab12", "profile")
    assert client.get("/buckets/b", headers=bearer("p")).status == 401


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {**CLIENTS, "fxa-oauth.clients.tabs.required_scope": NOTES},
            "is already required for another config",
        ),
        (
            {**CLIENTS, "fxa-oauth.required_scope": f"b {NOTES} a",
             "fxa-oauth.clients.tabs.required_scope": f"a b {NOTES}"},
            "is already required for another config",
        ),
        (
            {"fxa-oauth.clients.notes.client_id": "c73e46074a948932"},
            r"'fxa-oauth\.clients\.notes\.required_scope' is missing",
        ),
        (
            {"fxa-oauth.clients.no tes.required_scope": NOTES},
            r"Invalid name in setting 'fxa-oauth\.clients\.no tes",
        ),
    ],
    ids=["same scope", "same words", "no scope", "name"],
)  # fmt: skip
def test_clients_that_cannot_be_told_apart_stop_the_start(
    settings: dict[str, str], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        memory_app({**FXA_SETTINGS, "fxa-oauth.oauth_uri": "https://x.org/v1", **settings})


@pytest.mark.parametrize(
    ("given", "needed", "is_accepted"),
    [
        ("profile", "profile", True),
        ("profile", "profile:email", True),
        ("profile", "profile:write", False),
        ("profile", "profile:email:write", False),
        ("profile:email", "profile", False),
        ("prof", "profile", False),
        ("https", "https://identity.mozilla.com/apps/notes", False),
        (NOTES, NOTES, True),
        (NOTES, f"{NOTES}:x", False),
        ("", "profile", False),
    ],
)
def test_scopes(given: str, needed: str, is_accepted: bool) -> None:
    assert party("", needed).accepts([given]) is is_accepted


def test_all_words_of_a_scope_are_needed() -> None:
    assert party("", "a", "b").accepts(["b", "c", "a"])
    assert not party("", "a", "b").accepts(["a"])


def test_of_several_clients_that_of_the_token_comes_first_then_the_most_demanding() -> None:
    clients = [party("", "a"), party("x", "a", "b", client_id="1"), party("y", "a", client_id="2")]
    assert find_client(clients, ["a", "b"], None) is clients[1]
    assert find_client(clients, ["a", "b"], "2") is clients[2]
    assert find_client(clients, ["a"], "1") is clients[2]
    assert find_client(clients, ["b"], "1") is None
