import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyramid.config import Configurator

from kinto.core.settings import (
    CORE_DEFAULT_SETTINGS,
    KINTO_DEFAULT_SETTINGS,
    load_default_settings,
    parse_settings,
    read_settings,
)


DEFAULTS = {**CORE_DEFAULT_SETTINGS, **KINTO_DEFAULT_SETTINGS}


def read(raw=None, environ=None, *, prefix="kinto", defaults=DEFAULTS):
    return read_settings(raw or {}, prefix=prefix, defaults=defaults, environ=environ or {})


def test_setting_is_read_with_and_without_prefix():
    assert read({"kinto.paginate_by": "10"})["paginate_by"] == 10
    assert read({"paginate_by": "10"})["paginate_by"] == 10
    assert read({"kinto.history.auto_trim_max_count": "3"})["history.auto_trim_max_count"] == 3


def test_key_stays_as_it_was_written():
    settings = read({"kinto.paginate_by": "10"})

    assert settings["kinto.paginate_by"] == "10"


@pytest.mark.parametrize(("first", "second"), [("10", "10"), (10, "10"), ("true", True)])
def test_same_value_twice_is_fine(first, second):
    assert read({"kinto.x": first, "x": second})["x"] in (10, True)


def test_different_values_conflict():
    with pytest.raises(ValueError, match="in conflict") as caught:
        read({"kinto.paginate_by": "10", "paginate_by": "11"})

    assert "'kinto.paginate_by'" in str(caught.value)
    assert "'paginate_by'" in str(caught.value)


def test_default_settings_may_be_written_with_prefix_too():
    defaults = {"kinto.paginate_by": "7", "other": "true"}

    settings = read({}, defaults=defaults)

    assert settings["paginate_by"] == 7
    assert settings["other"] is True


def test_later_default_wins_whatever_its_spelling():
    assert read({}, defaults={"paginate_by": None, "kinto.paginate_by": 7})["paginate_by"] == 7


def test_settings_that_were_read_are_settings_again():
    settings = read({"kinto.readonly": "true"}, {"KINTO_PAGINATE_BY": "3"})

    again = read(settings)

    assert parse_settings(again) == parse_settings(settings)


def test_defaults_are_valid_settings():
    assert parse_settings(read(DEFAULTS)) == parse_settings(read())


def test_environment_wins_over_file_over_default():
    raw = {"kinto.paginate_by": "10"}

    assert read()["batch_max_requests"] == 25
    assert read(raw)["paginate_by"] == 10
    assert read(raw, {"KINTO_PAGINATE_BY": "11"})["paginate_by"] == 11
    assert read(raw, {"PAGINATE_BY": "12"})["paginate_by"] == 12
    assert read(raw, {"KINTO_PAGINATE_BY": "11", "PAGINATE_BY": "12"})["paginate_by"] == 11
    assert read(raw, {"KINTO_PAGINATE_BY": ""})["paginate_by"] == ""


def test_setting_that_lost_is_not_left_under_its_other_name():
    settings = read({"kinto.storage_url": "postgresql://a"}, {"KINTO_STORAGE_URL": "b"})

    assert settings["kinto.storage_url"] == settings["storage_url"] == "b"


@pytest.mark.parametrize(
    ("variable", "name"),
    [
        ("KINTO_STORAGE_URL", "storage_url"),
        ("STORAGE_URL", "storage_url"),
        ("KINTO_MULTIAUTH_POLICIES", "multiauth.policies"),
        ("MULTIAUTH_POLICIES", "multiauth.policies"),
        ("KINTO_FXA_OAUTH_CACHE_TTL_SECONDS", "fxa-oauth.cache_ttl_seconds"),
        ("FXA_OAUTH_CACHE_TTL_SECONDS", "fxa-oauth.cache_ttl_seconds"),
        ("SENTRY_DSN", "sentry_dsn"),
        ("KINTO_STORAGE_POOL_SIZE", "storage_pool_size"),
        ("KINTO_CACHE_POOL_TIMEOUT", "cache_pool_timeout"),
        ("KINTO_BUCKET_READ_PRINCIPALS", "bucket_read_principals"),
        ("KINTO_ACCOUNT_CREATE_PRINCIPALS", "account_create_principals"),
        ("KINTO_FLUSH_ENDPOINT_ENABLED", "flush_endpoint_enabled"),
        ("KINTO_STATSD_PREFIX", "statsd_prefix"),
        ("KINTO_RECORD_CACHE_EXPIRES_SECONDS", "record_cache_expires_seconds"),
        ("KINTO_HISTORY_EXCLUDE_RESOURCES", "history.exclude_resources"),
        ("KINTO_STORAGE_STATEMENT_TIMEOUT", "storage_statement_timeout"),
    ],
)
def test_known_settings_need_no_line_in_the_file(variable, name):
    assert str(read(None, {variable: "7"}, defaults={})[name]) == "7"


def test_unknown_settings_need_a_line_in_the_file():
    environ = {"KINTO_MAIL_HOST": "b", "KINTO_B_RECORD_CACHE_EXPIRES_SECONDS": "3"}

    assert "mail.host" not in read({}, environ)
    assert read({"kinto.mail.host": "a"}, environ)["mail.host"] == "b"
    assert "b_record_cache_expires_seconds" not in read({}, environ)


def test_options_of_listeners_need_no_line_in_the_file():
    environ = {"KINTO_EVENT_LISTENERS_REDIS_USE": "a.b", "EVENT_LISTENERS_DEMO_ACTIONS": "read"}

    settings = read({"kinto.event_listeners": "redis x.demo"}, environ)

    assert settings["event_listeners.redis.use"] == "a.b"
    assert settings["event_listeners.demo.actions"] == "read"


def test_another_prefix_makes_other_names():
    settings = read({"myapp.paginate_by": "1"}, {"MYAPP_READONLY": "true"}, prefix="myapp")

    assert settings["paginate_by"] == 1
    assert settings["readonly"] is True


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("userid_hmac_secret", "0123", "0123"),
        ("userid_hmac_secret", "123", "123"),
        ("userid_hmac_secret", '"a b"', "a b"),
        ("userid_hmac_secret", "null", "null"),
        ("project_version", "1.10", "1.10"),
        ("http_api_version", "1.10", "1.10"),
        ("eos", "2030", "2030"),
        ("eos", "null", None),
        ("eos_message", '"Client is too old"', "Client is too old"),
        ("http_host", "true", "true"),
        ("bucket_create_principals", "123", "123"),
        ("bucket_create_principals", '["a"]', ["a"]),
        ("project_docs", "[]", "[]"),
        ("statsd_url", "12", "12"),
        ("storage_backend", "1", "1"),
        ("multiauth.policies", "1", "1"),
        ("multiauth.policy.google.client_secret", "0123", "0123"),
        ("multiauth.policy.google.verification_ttl_seconds", "60", 60),
        ("cors_origins", '["a"]', ["a"]),
        ("pyramid.default_locale_name", "1", "1"),
        ("mail.port", "25", 25),
    ],
)
def test_text_is_used_as_it_was_written(name, text, value):
    assert read({f"kinto.{name}": text})[name] == value


def test_frameworks_get_their_settings_untouched():
    raw = {"tm.attempts": "3", "pyramid.debug_all": "true", "handle_exceptions": "false"}

    assert raw.items() <= read(raw).items()


@given(
    st.dictionaries(st.sampled_from(sorted(CORE_DEFAULT_SETTINGS)), st.text(max_size=5)),
    st.text(max_size=5),
)
def test_every_setting_is_there_whatever_is_written(raw, text):
    settings = read(raw, {"KINTO_PROJECT_NAME": text})

    assert DEFAULTS.keys() <= settings.keys()


class TestDefaultsOfPlugins:
    def config(self, **settings):
        return Configurator(settings={"settings_prefix": "kinto", **settings})

    def test_file_wins_over_default(self):
        config = self.config(**{"kinto.mail.host": "a", "mail.host": "a"})

        load_default_settings(config, {"mail.host": "b", "mail.port": "25"})

        assert config.registry.settings["mail.host"] == "a"
        assert config.registry.settings["mail.port"] == 25

    def test_environment_wins_over_default(self, monkeypatch):
        monkeypatch.setenv("KINTO_MAIL_PORT", "26")
        config = self.config()

        load_default_settings(config, {"kinto.mail.port": 25})

        assert config.registry.settings["mail.port"] == 26

    def test_other_settings_are_left_alone(self):
        config = self.config(other='"1"', **{"kinto.paginate_by": "1", "paginate_by": 2})

        load_default_settings(config, {"mail.port": 25})

        assert config.registry.settings["other"] == '"1"'
        assert config.registry.settings["paginate_by"] == 2

    def test_settings_that_nobody_read_yet_are_read(self):
        config = Configurator(settings={"kinto.mail.port": "26"})

        load_default_settings(config, {"mail.port": 25})

        assert config.registry.settings["mail.port"] == 26

    def test_different_values_conflict(self):
        config = self.config(**{"kinto.mail.port": 25, "mail.port": 26})

        with pytest.raises(ValueError, match="in conflict"):
            load_default_settings(config, {"mail.port": 27})
