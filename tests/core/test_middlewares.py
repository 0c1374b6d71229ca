"""The agent of New Relic and the profiler, around the application, where settings ask for them."""

import pstats
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import webtest
from pyramid.exceptions import ConfigurationError

from kinto.core.middlewares import install_middlewares, name_profile


MakeApp = Callable[..., webtest.TestApp]


@pytest.fixture
def make_profiled(make_app: MakeApp, tmp_path: Path) -> Callable[[], webtest.TestApp]:
    settings = {"kinto.profiler_enabled": "true", "kinto.profiler_dir": str(tmp_path / "profiles")}
    return lambda: make_app(settings)


def profiles(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "profiles").iterdir())


def test_an_application_is_left_as_it_is() -> None:
    application = object()

    assert install_middlewares(application, {}) is application


@pytest.mark.parametrize(
    ("path", "beginning"),
    [("/v1/", "GET.v1."), ("/", "GET.root."), ("/v1/buckets/b", "GET.v1.buckets.b.")],
)
def test_each_request_leaves_a_profile(
    make_profiled: Callable[[], webtest.TestApp], tmp_path: Path, path: str, beginning: str
) -> None:
    make_profiled().get(path, expect_errors=True)

    (name,) = profiles(tmp_path)
    assert name.startswith(beginning)
    *_, milliseconds, seconds, suffix = name.split(".")
    assert milliseconds.removesuffix("ms").isdigit()
    assert int(seconds) > 1_000_000_000
    assert suffix == "prof"
    statistics: Any = pstats.Stats(str(tmp_path / "profiles" / name))
    assert any("kinto/core" in file for file, _line, _name in statistics.stats)


def test_what_is_shown_is_our_own_and_not_on_standard_output(
    make_profiled: Callable[[], webtest.TestApp], capsys: pytest.CaptureFixture[str]
) -> None:
    make_profiled().get("/v1/")

    shown = capsys.readouterr()
    assert shown.out == ""
    assert "List reduced" in shown.err
    assert "kinto/core" in shown.err


@pytest.mark.parametrize(
    "path", ["/v1/../../../etc/passwd", "/v1/%00", "/v1/" + "x" * 4000, "/v1/%2e%2e/a b"]
)
def test_no_path_leads_out_of_the_folder(
    make_profiled: Callable[[], webtest.TestApp], tmp_path: Path, path: str
) -> None:
    make_profiled().get(path, expect_errors=True)

    (name,) = profiles(tmp_path)
    assert "/" not in name
    assert len(name) < 200
    assert name.endswith(".prof")


def test_names_of_profiles() -> None:
    environ = {"REQUEST_METHOD": "PUT", "PATH_INFO": "/v1/buckets/b/"}
    environ["werkzeug.profiler"] = {"elapsed": 12.6, "time": 1234567890.2}  # type: ignore[assignment]

    assert name_profile(environ) == "PUT.v1.buckets.b.13ms.1234567890.prof"


def test_simultaneous_requests_are_profiled(
    make_profiled: Callable[[], webtest.TestApp], tmp_path: Path
) -> None:
    app = make_profiled()
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda: statuses.append(app.get("/v1/").status_code))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert statuses == [200] * 8
    assert profiles(tmp_path)


def test_the_application_keeps_its_registry(
    make_profiled: Callable[[], webtest.TestApp],
) -> None:
    assert make_profiled().registry.settings["profiler_enabled"] is True


AGENT = "[newrelic]\ndeveloper_mode = true\nlog_file = stderr\napp_name = Kinto tests\n"
# In a process of its own: the agent changes modules, for good.
WATCHED = """
import sys
import newrelic.agent
import webtest
from pyramid.config import Configurator
from pyramid.events import NewRequest
from kinto import main
from tests.support.services import MEMORY_SETTINGS

settings = {"kinto.newrelic_config": sys.argv[1], "kinto.newrelic_env": "production"}
config = Configurator(settings={**MEMORY_SETTINGS, **settings})
seen = []
config.add_subscriber(lambda _: seen.append(newrelic.agent.current_transaction()), NewRequest)
app = main({}, config=config)
newrelic.agent.register_application(timeout=10)
answer = webtest.TestApp(app).get("/v1/")
print(answer.status_code, seen[0] is not None, newrelic.agent.global_settings().app_name)
print(app.registry is config.registry)
"""


def test_the_agent_of_new_relic_watches_requests(tmp_path: Path) -> None:
    config_file = tmp_path / "newrelic.ini"
    config_file.write_text(AGENT + "[newrelic:production]\napp_name = Kinto in production\n")

    finished = subprocess.run(
        [sys.executable, "-c", WATCHED, str(config_file)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parent.parent.parent,
    )

    assert finished.stdout.splitlines() == ["200 True Kinto in production", "True"], (
        finished.stderr
    )


def test_a_configuration_file_that_is_not_there_is_named(make_app: MakeApp) -> None:
    with pytest.raises(ConfigurationError, match="no such file: /absent"):
        make_app({"kinto.newrelic_config": "/absent.ini"})


@pytest.mark.parametrize(
    ("module", "settings", "message"),
    [
        ("newrelic", {"kinto.newrelic_config": "x"}, "'kinto.newrelic_config' needs .* newrelic"),
        (
            "werkzeug.middleware.profiler",
            {"kinto.profiler_enabled": True},
            "'kinto.profiler_enabled' needs .* werkzeug",
        ),
    ],
)
def test_a_missing_package_is_named_with_the_extra(
    make_app: MakeApp,
    monkeypatch: pytest.MonkeyPatch,
    module: str,
    settings: dict[str, Any],
    message: str,
) -> None:
    without: Any = None
    monkeypatch.setitem(sys.modules, module, without)

    with pytest.raises(ConfigurationError, match=message + r": kinto\[monitoring\]"):
        make_app(settings)
