"""``kinto start``: what is under way is answered before it stops, changes are taken over."""

import signal
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from tests.support.databases import locked_objects
from tests.support.deployment import Deployment
from tests.support.http import Reply, Site, under_load, wait_until
from tests.support.processes import Daemon, running
from tests.support.services import MEMORY_SETTINGS, running_kinto
from tests.support.webservers import new_site, wait_for_service


COLLECTION = "/v1/buckets/b/collections/c"


@contextmanager
def served(settings: Mapping[str, str]) -> Iterator[tuple[Daemon, Site]]:
    """``kinto start`` with a bucket of the owner's."""
    with running_kinto(settings) as (url, daemon):
        owner = Site(url.removesuffix("/v1"), "owner")
        owner.put("/v1/buckets/b")
        owner.put(COLLECTION)
        owner.put(f"{COLLECTION}/records/r", data={"a": 1})
        yield daemon, owner


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_request_in_flight_is_answered_before_the_stop(
    settings: Mapping[str, str], signum: signal.Signals, method: str
) -> None:
    with served(settings) as (daemon, site), ThreadPoolExecutor(1) as threads:
        with locked_objects(settings["kinto.storage_url"]) as is_waited_for:
            body = {"data": {"a": 2}} if method == "PUT" else None
            reply: Future[Reply] = threads.submit(
                site.call, method, f"{COLLECTION}/records/r", body
            )
            wait_until(is_waited_for, what="a request that waits for the database")
            daemon.process.send_signal(signum)
        assert reply.result().status == 200
        assert daemon.process.wait(20) == 0


def test_it_stops_under_load(settings: Mapping[str, str]) -> None:
    with served(settings) as (daemon, site), under_load(site, COLLECTION) as load:
        daemon.process.send_signal(signal.SIGTERM)
        assert daemon.process.wait(20) == 0
    # Afterwards nobody listens; before, everything was answered.
    assert set(load.statuses) <= {200, 201}
    assert load.failures
    refused = [failure for failure in load.failures if "Refused" in failure]
    assert len(load.failures) - len(refused) <= 2


_PLUGIN = """
def includeme(config):
    config.add_api_capability("{name}", description="", url="")
"""


def test_reload_takes_over_a_changed_module(deployment: Deployment) -> None:
    plugin = deployment.write("changing_plugin.py", _PLUGIN.format(name="before"))
    ini = deployment.write_ini({**MEMORY_SETTINGS, "kinto.includes": "changing_plugin"})
    port, site = new_site()
    command = [deployment.script("kinto"), "start", "--ini", str(ini), "--port", str(port)]
    with running(
        [*command, "--reload"],
        log_file=deployment.folder / "kinto.log",
        env=deployment.environment(PYTHONPATH=str(deployment.folder)),
    ) as daemon:
        wait_for_service(daemon, site)
        assert "before" in site.get("/v1/").json["capabilities"]
        plugin.write_text(_PLUGIN.format(name="afterwards"), encoding="utf-8")

        def is_seen() -> bool:
            # What changed before it was watched goes unnoticed; times are compared.
            plugin.touch()
            return "changed; reloading" in daemon.log()

        wait_until(is_seen, what="a reload")
        wait_until(lambda: "afterwards" in _capabilities(site), what="the changed module")
        # The watcher ends its worker, too.
        daemon.process.send_signal(signal.SIGTERM)
        daemon.process.wait(20)
        wait_until(lambda: not _capabilities(site), what="the end of the service")


def _capabilities(site: Site) -> Mapping[str, object]:
    """Of the service; none while it does not answer."""
    try:
        capabilities: Mapping[str, object] = site.get("/v1/").json["capabilities"]
    except OSError:
        return {}
    return capabilities
