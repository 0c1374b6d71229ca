import re
from configparser import RawConfigParser
from datetime import UTC, datetime

import pytest

import kinto
from kinto.config.template import Choices, render_ini
from kinto.core.settings import DEFINITIONS, parse_settings, read_settings


NOW = datetime(2026, 11, 23, 17, 21, 59, tzinfo=UTC)


def render(backend="memory", cache_backend="memory", **choices):
    return render_ini(Choices(backend, cache_backend, **choices), now=NOW)


def parse(text):
    parser = RawConfigParser()
    parser.read_string(text)
    return parser


def app_settings(text):
    return dict(parse(text)["app:main"])


def parse_app(settings):
    return parse_settings(read_settings(settings, prefix="kinto", defaults={}, environ={}))


def test_first_lines_tell_when_and_by_whom():
    first, second, *_ = render().splitlines()

    assert first == "# Created at Mon, 23 Nov 2026 17:21:59 +0000"
    assert second == f"# Using Kinto version {kinto.__version__}"


def test_server_section():
    server = parse(render(host="0.0.0.0"))["server:main"]

    assert dict(server) == {
        "use": "egg:waitress#main",
        "host": "0.0.0.0",
        "port": "%(http_port)s",
    }


@pytest.mark.guide("defaults")
def test_every_setting_is_there_once():
    text = render()

    for definition in DEFINITIONS.values():
        name = re.escape(definition.written_name("kinto"))
        assert len(re.findall(rf"^(?:# )?{name} =", text, re.MULTILINE)) == 1, name


@pytest.mark.guide("defaults")
def test_commented_lines_are_the_defaults():
    text = render()
    written = re.sub(r"^# (?=[a-z.-]+\S+ =|    )", "", text, flags=re.MULTILINE)
    names = {definition.written_name("kinto") for definition in DEFINITIONS.values()}

    everything = {name: value for name, value in app_settings(written).items() if name in names}

    assert names <= everything.keys()
    assert parse_app(everything) == parse_app(app_settings(text))


@pytest.mark.parametrize(
    ("cache_backend", "expected"),
    [
        ("redis", {"kinto.cache_url": "redis://127.0.0.1/0"}),
        ("memcached", {"kinto.cache_hosts": "127.0.0.1:11211", "kinto.cache_url": ""}),
    ],
)
def test_cache_servers(cache_backend, expected):
    settings = parse(render(cache_backend=cache_backend))["app:main"]

    assert expected.items() <= dict(settings).items()


def test_logging_sections():
    text = parse(render())

    assert text["handler_console"]["class"] == "kinto.core.StreamHandlerWithRequestID"
    assert text["handler_console"]["args"] == "(sys.stderr,)"
    assert text["formatter_color"]["class"] == "logging_color_formatter.ColorFormatter"
    assert text["formatter_json"]["class"] == "kinto.core.JsonLogFormatter"
    assert text["logger_root"]["level"] == "INFO"
    assert text["logger_kinto"]["level"] == "DEBUG"
    assert text["logger_kinto"]["propagate"] == "0"
