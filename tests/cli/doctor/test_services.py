"""Cache servers, StatsD, disks: the real ones."""

import shutil
import socket
from pathlib import Path
from typing import Any

import pytest

from kinto.cli.doctor import caches, disk, monitoring
from kinto.cli.doctor.caches import CacheAnswer, CachePlace
from kinto.cli.doctor.findings import Problem, Verdict
from tests.support.doctor import make_context, only
from tests.support.processes import free_port


CONTEXT = make_context()


def cache_settings(kind: str, address: str) -> dict[str, Any]:
    name = "cache_hosts" if kind == "memcached" else "cache_url"
    return {"cache_backend": f"kinto.core.cache.{kind}", name: address, "cache_prefix": "doctor:"}


def places(kind: str, address: str) -> list[CachePlace]:
    return list(caches.find_caches(cache_settings(kind, address)))


class TestCache:
    @pytest.mark.parametrize("kind", ["memcached", "redis"])
    def test_that_works(self, kind: str, request: pytest.FixtureRequest) -> None:
        (place,) = places(kind, request.getfixturevalue(f"{kind}_server"))

        answer = caches.try_cache(place)

        assert isinstance(answer, CacheAnswer)
        assert answer.title == place.title
        assert answer.seconds > 0

    def test_each_memcached_is_asked(self, memcached_server: str) -> None:
        gone = f"127.0.0.1:{free_port()}"

        found = [
            caches.try_cache(place) for place in places("memcached", f"{memcached_server} {gone}")
        ]

        assert isinstance(found[0], CacheAnswer)
        assert found[1] == Problem(
            f"memcached {gone} does not give back what was set",
            "start the server, or mend kinto.cache_hosts",
        )

    def test_redis_that_is_gone(self) -> None:
        (place,) = places("redis", f"redis://:hidden-one@127.0.0.1:{free_port()}/0")

        found = caches.try_cache(place)

        assert isinstance(found, Problem)
        assert "refused" in found.text
        assert found.fix == "start the server, or mend kinto.cache_url"
        assert "hidden-one" not in str(found)

    def test_of_another_kind_is_not_asked(self) -> None:
        for kind in ("memory", "postgresql"):
            assert places(kind, "") == []

    @pytest.mark.parametrize(
        ("seconds", "expected"), [(0.001, Verdict.OK), (0.2, Verdict.WARNING)]
    )
    def test_that_is_slow_is_a_warning(self, seconds: float, expected: Verdict) -> None:
        answer = CacheAnswer("memcached a:1", seconds)

        assert only(caches.judge_cache(answer, CONTEXT)).verdict is expected


class TestStatsd:
    def test_none(self) -> None:
        host = monitoring.resolve_statsd(None)

        assert isinstance(host, monitoring.StatsdHost)
        assert only(monitoring.judge_statsd(host, CONTEXT)).verdict is Verdict.OK

    def test_a_host_with_an_address(self) -> None:
        host = monitoring.resolve_statsd("udp://127.0.0.1:8125")

        assert host == monitoring.StatsdHost("udp://127.0.0.1:8125", "127.0.0.1")
        assert only(monitoring.judge_statsd(host, CONTEXT)).verdict is Verdict.OK

    def test_another_protocol(self) -> None:
        host = monitoring.resolve_statsd("http://127.0.0.1:8125")

        assert isinstance(host, monitoring.StatsdHost)
        assert only(monitoring.judge_statsd(host, CONTEXT)).verdict is Verdict.FAILURE

    def test_a_host_without_an_address(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*args: object, **options: object) -> None:
            raise socket.gaierror(-2, "Name or service not known")

        monkeypatch.setattr(socket, "getaddrinfo", fail)

        found = monitoring.resolve_statsd("udp://nowhere.invalid:8125")

        assert isinstance(found, Problem)
        assert "nowhere.invalid" in found.text
        assert "not known" in found.text


class TestDisk:
    def test_folders_of_embedded_databases(self) -> None:
        written = {
            "storage_backend": "kinto.core.storage.postgresql",
            "storage_url": "embedded:///var/a",
            "permission_backend": "kinto.core.permission.postgresql",
            "permission_url": "embedded:///var/a",
            "cache_backend": "kinto.core.cache.memory",
            "cache_url": "embedded:///var/b",
        }

        assert list(disk.find_embedded_folders(written, Path("/etc"))) == [Path("/var/a")]
        assert list(disk.find_embedded_folders({"storage_url": "embedded://"}, Path("/"))) == []

    def test_a_folder_that_is_not_made_yet(self, tmp_path: Path) -> None:
        space = disk.measure(tmp_path / "not" / "yet")

        assert isinstance(space, disk.DiskSpace)
        assert space.total_bytes == shutil.disk_usage(tmp_path).total

    @pytest.mark.parametrize(
        ("total_gib", "free_gib", "expected"),
        [
            (100, 50, Verdict.OK),
            (100, 1, Verdict.WARNING),
            (10, 1, Verdict.OK),
            (10, 0.1, Verdict.FAILURE),
        ],
    )
    def test_room(self, total_gib: float, free_gib: float, expected: Verdict) -> None:
        gib = 1024**3
        space = disk.DiskSpace(Path("/d"), int(total_gib * gib), int(free_gib * gib))

        assert only(disk.judge_disk(space, CONTEXT)).verdict is expected
