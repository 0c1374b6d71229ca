"""What the image is built from and what containers run, step by step, without a container.

The steps are read from ``Dockerfile`` and ``compose.yaml``; only their places are changed.
"""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from tests.support.deployment import ROOT, SYSTEM_PYTHON
from tests.support.http import Site
from tests.support.pages import adapt, read_block
from tests.support.postgresql import PostgreSQLServer, find_binaries
from tests.support.processes import Daemon, daemon_user, find_program, running, service_directory
from tests.support.webservers import new_site, wait_for_service


pytestmark = [pytest.mark.online, pytest.mark.slow]

COMPOSE: Mapping[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
_INTERPOLATED = re.compile(r"\$\{(\w+)(:\?[^}]*)?\}")


@dataclass(frozen=True, slots=True)
class Step:
    """One instruction of the ``Dockerfile``."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Image:
    """The folders that stand for the file system of an image."""

    folder: Path

    def adapt(self, text: str) -> str:
        """The same with places in this folder, of those that occur in the text."""
        for place in ("/opt/kinto", "/etc/kinto", "/src"):
            text = re.sub(rf"(?<![\w.]){place}\b", f"{self.folder}{place}", text)
        return text


def read_steps() -> list[Step]:
    """The instructions, in order."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = (line.strip() for line in text.splitlines())
    return [Step(*line.split(maxsplit=1)) for line in lines if line and not line.startswith("#")]


def steps_named(name: str) -> list[str]:
    return [step.arguments for step in read_steps() if step.name == name]


def copy_context(target: Path) -> None:
    """Copy what ``.dockerignore`` lets into the build."""
    rules = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    kept = [rule[1:] for rule in rules if rule.startswith("!")]
    target.mkdir(parents=True)
    for name in kept:
        subprocess.run(["cp", "-r", ROOT / name, target / name], check=True)
    ignored = [rule.removeprefix("**/") for rule in rules if rule.startswith("**/")]
    for path in [
        path for path in target.rglob("*") if any(fnmatch(path.name, i) for i in ignored)
    ]:
        subprocess.run(["rm", "-r", path], check=True)


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    """The steps of the ``Dockerfile`` that make files, done in a folder."""
    with service_directory("image") as folder:
        built = Image(folder)
        python = _python_with_pip()
        for step in read_steps():
            if step.name == "RUN":
                command = re.sub(r"^python ", f"{python} ", built.adapt(step.arguments))
                _run(command, folder / "src")
            elif step.name == "COPY" and not step.arguments.startswith("--from"):
                source, target = step.arguments.split()
                if source == ".":
                    copy_context(folder / "src")
                else:
                    destination = Path(built.adapt(target))
                    destination.parent.mkdir(parents=True)
                    destination.write_bytes((folder / "src" / source).read_bytes())
        ini = folder / "etc" / "kinto" / "kinto.ini"
        # Other machines have no business here.
        text = adapt(ini.read_text(encoding="utf-8"), {"0.0.0.0": "127.0.0.1"})
        ini.write_text(text, encoding="utf-8")
        yield built


def _python_with_pip() -> str:
    """An interpreter that makes virtual environments, one for every user if possible."""
    for python in (str(SYSTEM_PYTHON), sys.executable):
        done = subprocess.run([python, "-c", "import ensurepip, venv"], check=False)
        if done.returncode == 0:
            return python
    return sys.executable


def _run(command: str, folder: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env={**os.environ, "PIP_QUIET": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"


def variables_of_image(image: Image) -> dict[str, str]:
    """What ENV sets."""
    variables: dict[str, str] = {}
    for pair in shlex.split(" ".join(steps_named("ENV"))):
        name, _, value = pair.partition("=")
        variables[name] = image.adapt(value).replace("$PATH", os.environ["PATH"])
    return variables


def written_variables(folder: Path) -> dict[str, str]:
    """What the command of the page writes to ``.env``."""
    block = read_block("how-to/containers.rst", "console", having=".env")
    find_program("openssl", package="openssl")
    command = block.split("docker compose")[0]
    subprocess.run(["bash", "-ec", command], cwd=folder, check=True)
    lines = (folder / ".env").read_text(encoding="ascii").splitlines()
    return dict(line.split("=", 1) for line in lines)


def interpolate(value: str, variables: Mapping[str, str]) -> str:
    """As compose does: a variable that has to be there is."""
    return _INTERPOLATED.sub(lambda match: variables[match[1]], value)


def variables_of_service(variables: Mapping[str, str], image: Image, url: str) -> dict[str, str]:
    """What ``compose.yaml`` sets, with another database instead of its own."""
    password = variables["POSTGRES_PASSWORD"]
    own = f"postgresql://kinto:{password}@db:5432/kinto"
    values = {
        name: interpolate(value, variables)
        for name, value in COMPOSE["services"]["kinto"]["environment"].items()
    }
    assert values["KINTO_STORAGE_URL"] == own
    return {name: image.adapt(url if value == own else value) for name, value in values.items()}


@pytest.fixture(scope="module")
def environment(
    image: Image, new_database: Callable[[], str], tmp_path_factory: Any
) -> dict[str, str]:
    """Of a container of the service."""
    variables = written_variables(tmp_path_factory.mktemp("clone"))
    service = variables_of_service(variables, image, new_database())
    return {"HOME": "/", **variables_of_image(image), **service}


@contextmanager
def container(image: Image, environment: Mapping[str, str]) -> Iterator[tuple[Daemon, Site]]:
    """The command of the image, as a user without rights."""
    port, site = new_site()
    (text,) = steps_named("CMD")
    with running(
        json.loads(text),
        log_file=image.folder / "container.log",
        user=daemon_user(),
        env={**environment, "PORT": str(port)},
    ) as daemon:
        wait_for_service(daemon, site)
        yield daemon, site


def check_health(environment: Mapping[str, str], site: Site) -> int:
    """Status of the health check of the image."""
    (text,) = steps_named("HEALTHCHECK")
    command = text.partition("CMD ")[2]
    port = str(urlsplit(site.url).port)
    done = subprocess.run(
        ["sh", "-c", command], env={**environment, "PORT": port}, capture_output=True, check=False
    )
    return done.returncode


def test_the_image_serves_as_compose_configures_it(
    image: Image, environment: dict[str, str]
) -> None:
    with container(image, environment) as (daemon, site):
        owner = site.as_user("owner")
        assert owner.put("/v1/buckets/b", data={"a": 1}).status == 201
        assert site.get("/v1/__heartbeat__").json == {
            "storage": True,
            "permission": True,
            "cache": True,
        }
        assert check_health(environment, site) == 0
        lines = daemon.log_file.read_text(encoding="utf-8").splitlines()
        assert [line for line in lines if '"Type"' in line]

        # Container engines send it to the process of the command.
        daemon.process.send_signal(signal.SIGTERM)
        assert daemon.process.wait(20) == 0
        assert check_health(environment, site) != 0

    # What was written is there for the next one, whose `migrate` finds nothing to do.
    with container(image, environment) as (_daemon, site):
        assert site.as_user("owner").get("/v1/buckets/b").data["a"] == 1


def test_secrets_have_no_default() -> None:
    text = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    ini = (ROOT / "contrib" / "docker" / "kinto.ini").read_text(encoding="utf-8")

    for name in ("POSTGRES_PASSWORD", "KINTO_USERID_HMAC_SECRET"):
        assert f"{name}: ${{{name}:?" in text
    assert "secret =" not in ini


def test_the_service_waits_for_a_healthy_database(postgresql_server: PostgreSQLServer) -> None:
    assert COMPOSE["services"]["kinto"]["depends_on"]["db"]["condition"] == "service_healthy"
    kind, program, *arguments = COMPOSE["services"]["db"]["healthcheck"]["test"]
    parts = urlsplit(postgresql_server.url)
    command = [find_binaries() / program, *arguments]
    where = {"PGHOST": parts.hostname or "", "PGPORT": str(parts.port)}

    assert kind == "CMD"
    for port, status in ((where["PGPORT"], 0), ("1", 2)):
        done = subprocess.run(command, env={**os.environ, **where, "PGPORT": port}, check=False)
        assert done.returncode == status


def test_the_container_has_no_rights() -> None:
    service = COMPOSE["services"]["kinto"]
    (user,) = steps_named("USER")

    assert int(user.split(":")[0]) > 0
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    # Nobody but this machine gets to where any password will do.
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
