"""A changed configuration takes effect while clients keep asking, and none of them notices."""

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.production.adapted import recommended_uwsgi
from tests.support.deployment import Deployment, deployed
from tests.support.http import Site, under_load, wait_until
from tests.support.pages import adapt, read_block
from tests.support.processes import Daemon, find_program
from tests.support.webservers import new_site, running_uwsgi, wait_for_service


COLLECTION = "/v1/buckets/b/collections/c"
_LOADED = " ready in "
# Another reload is ignored before.
_CHAIN_COMPLETE = "chain reloading complete"


@dataclass(frozen=True, slots=True)
class Service:
    """A running service whose configuration can be changed."""

    deployment: Deployment
    daemon: Daemon
    site: Site
    settings: Mapping[str, str]
    section: str

    def configure(self, **changes: str) -> None:
        """Write the file anew, with more settings."""
        more = {f"kinto.{name}": value for name, value in changes.items()}
        self.deployment.write_ini({**self.settings, **more}, more=self.section)

    def backoffs(self, requests: int = 20) -> set[str | None]:
        """The header of that many answers."""
        paths = ("/v1/", "/v1/buckets/b", "/v1/nowhere", "/v1/__lbheartbeat__")
        return {
            self.site.get(paths[number % len(paths)]).headers["Backoff"]
            for number in range(requests)
        }

    def count_in_log(self, text: str) -> int:
        """How often uWSGI has said so."""
        return self.daemon.log().count(text)

    def wait_until_loaded(self, *, times: int = 0) -> None:
        """Return when each worker has loaded the application, or their master has.

        :param times: how often it had been loaded before.
        """
        expected = times + (2 if "lazy-apps = true" in self.section else 1)
        wait_until(lambda: self.count_in_log(_LOADED) >= expected, what="all workers")


@contextmanager
def serving(
    virtualenv: Path, settings: Mapping[str, str], changes: Mapping[str, str], *, is_debian: bool
) -> Iterator[Service]:
    """uWSGI with the recommended section, changed where a test wants it."""
    program = find_program("uwsgi-core", package="uwsgi-core") if is_debian else None
    with deployed(virtualenv) as deployment:
        binary = f"binary-path = {deployment.virtualenv}/bin/python"
        section = adapt(recommended_uwsgi(deployment), {"processes = 4": "processes = 2"})
        if is_debian:
            section = adapt(section, {binary: "plugin = python3"})
        section = adapt(section, changes)
        ini = deployment.write_ini(settings, more=section)
        port, site = new_site()
        options = ["--http-socket", f"127.0.0.1:{port}"]
        with running_uwsgi(deployment, ini, program=program, options=options) as daemon:
            wait_for_service(daemon, site)
            signed_in = site.as_user("owner")
            signed_in.put("/v1/buckets/b")
            signed_in.put(COLLECTION)
            service = Service(deployment, daemon, signed_in, settings, section)
            service.wait_until_loaded()
            yield service


def run_page_command(service: Service) -> None:
    """What the page tells to type."""
    completed = service.count_in_log(_CHAIN_COMPLETE)
    command = read_block("how-to/uwsgi-nginx.rst", "console", having="fifo")
    status = os.system(adapt(command, {"/run/kinto": service.deployment.folder}))
    assert status == 0
    wait_until(lambda: service.count_in_log(_CHAIN_COMPLETE) > completed, what="all workers")


def send_hangup(service: Service) -> None:
    """What `killall -HUP uwsgi` does, to this one alone."""
    loaded = service.count_in_log(_LOADED)
    os.kill(service.daemon.pid, signal.SIGHUP)
    service.wait_until_loaded(times=loaded)


def check_change_under_load(
    service: Service, reload: Callable[[Service], None], *, repeats_broken: bool = False
) -> None:
    """Set the back-off, then remove it, while clients write and read."""
    with under_load(service.site, COLLECTION, repeats_broken=repeats_broken) as load:
        service.configure(backoff="3600")
        reload(service)
        wait_until(lambda: service.backoffs() == {"3600"}, what="back-off on every response")
        load.wait_for(10)
        service.configure()
        reload(service)
        wait_until(lambda: service.backoffs() == {None}, what="no back-off on any response")
        load.wait_for(10)
    assert load.failures == []
    assert service.daemon.process.poll() is None


@pytest.mark.guide("restart", "set backoff", "unset backoff")
@pytest.mark.parametrize("is_debian", [False, True], ids=["wheel", "debian"])
def test_chain_reload_loses_no_request(
    virtualenv: Path, settings: Mapping[str, str], is_debian: bool
) -> None:
    with serving(virtualenv, settings, {}, is_debian=is_debian) as service:
        check_change_under_load(service, run_page_command)


@pytest.mark.guide("restart")
def test_killall_hup_uwsgi_loses_no_request(virtualenv: Path, settings: Mapping[str, str]) -> None:
    with serving(virtualenv, settings, {}, is_debian=True) as service:
        # All workers of uWSGI leave at once; one that has just accepted a connection breaks it.
        check_change_under_load(service, send_hangup, repeats_broken=True)


def test_hup_without_lazy_apps_loses_no_request(
    virtualenv: Path, settings: Mapping[str, str]
) -> None:
    # The master starts anew, for which the wheel needs `binary-path`.
    changes = {"lazy-apps = true": ""}
    with serving(virtualenv, settings, changes, is_debian=False) as service:
        check_change_under_load(service, send_hangup, repeats_broken=True)
