"""Scheme and host that links show."""

from collections.abc import Callable
from typing import Any

import pytest
import webtest
from pyramid.request import Request

from kinto.core import DEFAULT_SETTINGS
from kinto.core.exceptions import InvalidParameter
from kinto.core.origin import settle_origin
from kinto.core.settings import parse_settings


MakeApp = Callable[..., webtest.TestApp]


def hello_url(app: webtest.TestApp, **environ: str) -> str:
    url: str = app.get("/v1/", extra_environ=environ).json["url"]
    return url


@pytest.mark.guide("http_host", "http_scheme")
@pytest.mark.parametrize(
    ("settings", "environ", "expected"),
    [
        ({}, {}, "http://localhost/v1/"),
        ({}, {"HTTP_HOST": "h.example:8000"}, "http://h.example:8000/v1/"),
        ({"http_scheme": "https"}, {"HTTP_HOST": "localhost:80"}, "https://localhost:80/v1/"),
        (
            {"http_host": "cdn.example", "http_scheme": "https"},
            {"HTTP_HOST": "inner:8888", "HTTP_X_FORWARDED_HOST": "evil"},
            "https://cdn.example/v1/",
        ),
        ({}, {"HTTP_X_FORWARDED_PROTO": "https"}, "http://localhost/v1/"),
        ({}, {"HTTP_X_FORWARDED_HOST": "evil.example"}, "http://localhost/v1/"),
        (
            {},
            {"HTTP_X_FORWARDED_PROTO": "https", "wsgi.url_scheme": "https"},
            "http://localhost/v1/",
        ),
        (
            {},
            {
                "HTTP_X_FORWARDED_PROTO": "https",
                "wsgi.url_scheme": "https",
                "HTTPS": "on",
                "HTTP_HOST": "h.example",
            },
            "https://h.example/v1/",
        ),
        (
            {"trusted_proxies": "10.0.0.0/8"},
            {
                "REMOTE_ADDR": "10.1.2.3",
                "HTTP_X_FORWARDED_PROTO": "HTTPS, http",
                "HTTP_X_FORWARDED_HOST": "outer.example, inner",
            },
            "https://outer.example/v1/",
        ),
        (
            {"trusted_proxies": "10.0.0.0/8"},
            {"REMOTE_ADDR": "11.1.2.3", "HTTP_X_FORWARDED_HOST": "outer.example"},
            "http://localhost/v1/",
        ),
        (
            {"trusted_proxies": "10.0.0.0/8"},
            {"REMOTE_ADDR": "unix", "HTTP_X_FORWARDED_HOST": "outer.example"},
            "http://localhost/v1/",
        ),
    ],
)
def test_links_name_settings_then_trusted_proxies_then_the_connection(
    make_app: MakeApp, settings: dict[str, Any], environ: dict[str, str], expected: str
) -> None:
    app = make_app(settings)

    assert hello_url(app, **{"HTTP_HOST": "localhost", **environ}) == expected


@pytest.mark.parametrize(
    "host", ["a b", "evil.example/path", "evil.example:port"], ids=["blank", "path", "port"]
)
def test_what_is_no_host_is_400(make_app: MakeApp, host: str) -> None:
    response = make_app().get("/v1/", extra_environ={"HTTP_HOST": host}, status=400)

    assert response.json["errno"] == 107
    assert response.json["details"][0]["name"] == "Host"


def test_what_is_no_scheme_is_refused() -> None:
    request = Request.blank("/v1/", environ={"wsgi.url_scheme": "javascript"})

    with pytest.raises(InvalidParameter) as refused:
        settle_origin(request, parse_settings(DEFAULT_SETTINGS).deployment)

    assert refused.value.name == "X-Forwarded-Proto"
