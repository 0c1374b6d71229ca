"""A load generator without dependencies: a thread and a connection each, plain sockets."""

import itertools
import json
import socket
import threading
import time
import urllib.parse
from dataclasses import dataclass, field

from benchmarks.client import authorization
from benchmarks.runs import Load, Run, percentile
from benchmarks.workload import batch_body, fill


_TIMEOUT_SECONDS = 60
_CHUNK = 262144


@dataclass(slots=True)
class _Tally:
    """What one connection saw."""

    latencies: list[float] = field(default_factory=list)
    errors: int = 0
    sample: str = ""


def generate(run: Run) -> Load:
    """Send requests until the time is up."""
    numbers = itertools.count()
    tallies = [_Tally() for _ in range(run.connections)]
    started = time.perf_counter()
    threads = [
        threading.Thread(target=_send_all, args=(run, numbers, tally), daemon=True)
        for tally in tallies
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - started
    latencies = [latency * 1000 for tally in tallies for latency in tally.latencies] or [0.0]
    latencies *= 2 if len(latencies) == 1 else 1
    return Load(
        requests=sum(len(tally.latencies) for tally in tallies),
        errors=sum(tally.errors for tally in tallies),
        seconds=seconds,
        p50_ms=percentile(latencies, 50),
        p99_ms=percentile(latencies, 99),
        sample_error=next((tally.sample for tally in tallies if tally.sample), ""),
    )


def _send_all(run: Run, numbers: "itertools.count[int]", tally: _Tally) -> None:
    parts = urllib.parse.urlsplit(run.url)
    address = (parts.hostname or "127.0.0.1", parts.port or 80)
    deadline = time.perf_counter() + run.seconds
    next_path: str | None = None
    with socket.create_connection(address, timeout=_TIMEOUT_SECONDS) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for number in numbers:
            now = time.perf_counter()
            if now > deadline or (run.pool and number >= run.pool):
                return
            request = _make_request(run, number, parts, next_path)
            began = time.perf_counter()
            connection.sendall(request)
            status, head, body = _receive(connection)
            if _is_expected(run, status, body):
                tally.latencies.append(time.perf_counter() - began)
            else:
                tally.errors += 1
                tally.sample = tally.sample or f"{status} {body[:200].decode(errors='replace')}"
            if run.scenario.follows_pages:
                next_path = _find_next_page(head)


def _make_request(
    run: Run, number: int, parts: urllib.parse.SplitResult, next_path: str | None
) -> bytes:
    scenario, stem = run.scenario, run.stem
    path = next_path or parts.path + fill(scenario.path, scenario, number, stem=stem, unique=stem)
    body = fill(scenario.body, scenario, number, stem=stem, unique=stem) if scenario.body else ""
    if scenario.batch_size:
        body = json.dumps(batch_body(scenario, number, stem=stem, unique=stem, prefix=parts.path))
    headers = {
        "Host": parts.netloc, "Authorization": authorization(scenario.user), **scenario.headers
    }  # fmt: skip
    if body:
        headers |= {"Content-Type": "application/json", "Content-Length": str(len(body.encode()))}
    lines = [f"{scenario.method} {path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + f"\r\n\r\n{body}").encode()


def _receive(connection: socket.socket) -> tuple[int, bytes, bytes]:
    received = b""
    while b"\r\n\r\n" not in received:
        received += _read(connection)
    head, _, body = received.partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    status = int(head[9:12])
    chunks, missing = [body], length - len(body)
    while missing > 0 and status != 304:
        chunk = _read(connection)
        chunks.append(chunk)
        missing -= len(chunk)
    return status, head, b"".join(chunks)


def _read(connection: socket.socket) -> bytes:
    if chunk := connection.recv(_CHUNK):
        return chunk
    raise ConnectionError("The server closed the connection")


def _is_expected(run: Run, status: int, body: bytes) -> bool:
    if status != run.scenario.expected_status:
        return False
    if not run.scenario.batch_size:
        return True
    answered = [response["status"] for response in json.loads(body)["responses"]]
    return len(answered) == run.scenario.batch_size and {*answered} <= {200, 201}


def _find_next_page(head: bytes) -> str | None:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"next-page":
            parts = urllib.parse.urlsplit(value.decode().strip())
            return f"{parts.path}?{parts.query}"
    return None
