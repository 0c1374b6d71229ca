import io
import os
import subprocess
import sys
import types
from pathlib import Path

import pytest

import kinto
from kinto.config.inifile import MissingIniError
from kinto.wsgi import ApplicationLoader, LazyApplication, make_application
from tests.support.services import MEMORY_SETTINGS, write_ini


ROOT = Path(__file__).parent.parent
PACKAGE = Path(kinto.__file__).parent


@pytest.fixture(autouse=True)
def no_named_ini(monkeypatch):
    monkeypatch.delenv("KINTO_INI", raising=False)


@pytest.fixture
def make_ini(tmp_path):
    def make(name="kinto.ini", **settings):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return write_ini(path, MEMORY_SETTINGS | settings)

    return make


def get(application, **environ):
    """Status and body of the root page."""
    answer = {}
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/v1/",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": io.StringIO(),
        **environ,
    }

    def start_response(status, headers, exc_info=None):
        answer["status"] = status

    body = b"".join(application(environ, start_response)).decode()
    return answer["status"], body, environ["wsgi.errors"].getvalue()


def test_files_are_the_same_everywhere():
    text = (PACKAGE / "app.wsgi").read_text()

    for path in (ROOT / "app.wsgi", ROOT / "app.py", PACKAGE / "app.py"):
        assert path.read_text() == text


def run_file(path, *, folder, **variables):
    """Load a copy of ``app.wsgi`` in a fresh process; prints the class of its application."""
    code = (
        f"import runpy; app = runpy.run_path({str(path)!r})['application'];"
        "print(type(app).__name__)"
    )
    environment = {key: value for key, value in os.environ.items() if key != "KINTO_INI"}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**environment, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("name", ["app.wsgi", "app.py"])
def test_file_beside_the_script_is_the_default(tmp_path, make_ini, name):
    script = tmp_path / name
    script.write_text((PACKAGE / name).read_text())
    make_ini("config/kinto.ini")

    result = run_file(script, folder=tmp_path.parent)

    assert result.stdout == "Router\n", result.stderr


@pytest.mark.guide("uWSGI KINTO_INI")
def test_file_that_the_environment_names(tmp_path, make_ini):
    ini = make_ini("other.ini")

    result = run_file(PACKAGE / "app.wsgi", folder=tmp_path, KINTO_INI=str(ini))

    assert result.stdout == "Router\n", result.stderr


def test_named_file_that_is_missing_fails_at_import(tmp_path):
    result = run_file(PACKAGE / "app.wsgi", folder=tmp_path, KINTO_INI="/nowhere.ini")

    assert result.returncode != 0
    assert "Could not find config file at /nowhere.ini" in result.stderr
    assert "KeyError" not in result.stderr


def test_without_any_file_the_requests_decide(tmp_path, make_ini):
    application = make_application(tmp_path)
    ini = make_ini("other.ini", **{"kinto.project_name": "from the request"})

    status, body, _ = get(application, KINTO_INI=str(ini))

    assert status == "200 OK"
    assert '"from the request"' in body


def test_missing_file_is_an_error_500_with_a_clear_line(tmp_path):
    application = make_application(tmp_path)

    status, _body, errors = get(application, KINTO_INI="/nowhere.ini")
    assert status == "500 Internal Server Error"
    assert errors == "Could not find config file at /nowhere.ini\n"

    status, _body, errors = get(application)
    assert status == "500 Internal Server Error"
    assert errors == f"Could not find config file at {tmp_path}/config/kinto.ini\n"


def test_file_that_appears_later_is_found(tmp_path, make_ini):
    application = make_application(tmp_path)
    assert get(application)[0].startswith("500")

    make_ini("config/kinto.ini")

    assert get(application)[0] == "200 OK"


def test_every_file_has_its_own_application(tmp_path, make_ini):
    application = LazyApplication(ApplicationLoader(), tmp_path / "absent.ini")
    paths = [make_ini(f"{name}.ini", **{"kinto.project_name": name}) for name in ("a", "b")]

    bodies = [get(application, KINTO_INI=str(path))[1] for path in (*paths, *paths)]

    assert ['"project_name":"a"' in body for body in bodies] == [True, False, True, False]
    assert ['"project_name":"b"' in body for body in bodies] == [False, True, False, True]


def test_one_file_has_one_application(tmp_path, make_ini):
    make_ini("config/kinto.ini")

    assert make_application(tmp_path) is make_application(tmp_path)


def test_missing_file_named_by_the_process(tmp_path, monkeypatch):
    monkeypatch.setenv("KINTO_INI", str(tmp_path / "absent.ini"))

    with pytest.raises(MissingIniError, match="Could not find config file at"):
        make_application(tmp_path)


@pytest.mark.guide("Apache KINTO_INI")
class TestUnderApache:
    @pytest.fixture(autouse=True)
    def mod_wsgi(self, monkeypatch):
        module = types.ModuleType("mod_wsgi")
        module.process_group = ""
        monkeypatch.setitem(sys.modules, "mod_wsgi", module)

    def test_requests_come_before_the_default_file(self, tmp_path, make_ini):
        make_ini("config/kinto.ini", **{"kinto.project_name": "default"})
        other = make_ini("other.ini", **{"kinto.project_name": "other"})

        application = make_application(tmp_path)

        assert '"other"' in get(application, KINTO_INI=str(other))[1]
        assert '"default"' in get(application)[1]

    def test_requests_come_before_the_file_of_the_process(self, tmp_path, make_ini, monkeypatch):
        monkeypatch.setenv("KINTO_INI", str(make_ini("a.ini", **{"kinto.project_name": "a"})))
        other = make_ini("other.ini", **{"kinto.project_name": "other"})

        application = make_application(tmp_path)

        assert '"other"' in get(application, KINTO_INI=str(other))[1]
        assert '"a"' in get(application)[1]


@pytest.mark.guide("uWSGI command")
def test_file_that_uwsgi_was_started_with(tmp_path, make_ini, monkeypatch):
    module = types.ModuleType("uwsgi")
    ini = make_ini("own.ini", **{"kinto.project_name": "own"})
    module.opt = {"ini": [b"/absent.ini", os.fsencode(ini)]}
    monkeypatch.setitem(sys.modules, "uwsgi", module)

    assert '"own"' in get(make_application(tmp_path))[1]
