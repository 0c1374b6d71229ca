"""Where the Python time of a request goes: ``python -m benchmarks.profile_requests``.

The application runs in this process, on PostgreSQL or in memory, and is called as a WSGI server
calls it. A timer interrupts it every millisecond of its CPU time and notes the stack, which
distorts little; a second pass with cProfile counts calls.
"""

import argparse
import base64
import cProfile
import io
import json
import pstats
import signal
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import FrameType
from typing import Any

from benchmarks.seeding import Reply, learn_facts, make_fresh_collections, seed
from benchmarks.workload import Scenario, batch_body, fill, make_scenarios
from tests.support.api import memory_app, postgresql_app


_INTERVAL_SECONDS = 0.001
DEFAULT_SCENARIOS = "hello,get_record,get_record_304,list_100,put_existing,put_new,batch_25_put"


@dataclass(frozen=True, slots=True)
class Profile:
    """What one kind of request costs.

    :param wall_us: of a request, waiting for the database included.
    :param cpu_us: of this process.
    :param own: share of the samples by innermost function.
    :param total: share of the samples by function anywhere on the stack.
    :param calls: Python and C functions called by a request.
    """

    name: str
    wall_us: float
    cpu_us: float
    own: Mapping[str, float]
    total: Mapping[str, float]
    calls: float
    most_called: str
    tree: str


class InProcess:
    """Sends requests to an application without a network."""

    def __init__(self, app: Any) -> None:
        self._app = app

    def environ(
        self, user: str, method: str, path: str, *, body: bytes, headers: Mapping[str, str]
    ) -> dict[str, Any]:
        """A request as uWSGI hands it over."""
        plain, _, query = path.partition("?")
        credentials = base64.b64encode(f"{user}:secret".encode()).decode()
        environ = {
            "REQUEST_METHOD": method, "SCRIPT_NAME": "", "PATH_INFO": f"/v1{plain}",
            "QUERY_STRING": query, "SERVER_NAME": "localhost", "SERVER_PORT": "80",
            "HTTP_HOST": "localhost", "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1", "HTTP_AUTHORIZATION": f"Basic {credentials}",
            "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(body), "wsgi.errors": sys.stderr,
            "wsgi.multithread": True, "wsgi.multiprocess": True, "wsgi.run_once": False,
            "wsgi.version": (1, 0),
        }  # fmt: skip
        if body:
            environ |= {"CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body))}
        for name, value in headers.items():
            environ["HTTP_" + name.upper().replace("-", "_")] = value
        return environ

    def call(self, environ: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        """Status, headers, body of the answer."""
        started: list[Any] = []
        chunks = self._app(environ, lambda status, headers, *_: started.extend((status, headers)))
        body = b"".join(chunks)
        if hasattr(chunks, "close"):
            chunks.close()
        return int(started[0][:3]), dict(started[1]), body

    def __call__(
        self,
        user: str,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """The answer, decoded."""
        text = body if isinstance(body, str) else json.dumps(body)
        data = b"" if body is None else text.encode()
        environ = self.environ(user, method, path, body=data, headers=headers or {})
        status, answered, content = self.call(environ)
        return Reply(status, answered, json.loads(content) if content else None)


def make_request(client: InProcess, scenario: Scenario, number: int, stem: str) -> dict[str, Any]:
    """The WSGI environment of request number ``number``."""
    body = fill(scenario.body, scenario, number, stem=stem, unique=stem) if scenario.body else ""
    if scenario.batch_size:
        body = json.dumps(batch_body(scenario, number, stem=stem, unique=stem, prefix="/v1"))
    path = fill(scenario.path, scenario, number, stem=stem, unique=stem)
    return client.environ(
        scenario.user, scenario.method, path, body=body.encode(), headers=scenario.headers
    )


class Sampler:
    """Stacks of the main thread, one for each millisecond of CPU time."""

    def __init__(self) -> None:
        self.own: Counter[str] = Counter()
        self.total: Counter[str] = Counter()
        self.stacks: Counter[tuple[str, ...]] = Counter()
        self.samples = 0

    def __enter__(self) -> "Sampler":
        signal.signal(signal.SIGPROF, self._sample)
        signal.setitimer(signal.ITIMER_PROF, _INTERVAL_SECONDS, _INTERVAL_SECONDS)
        return self

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)

    def _sample(self, _signal: int, frame: FrameType | None) -> None:
        self.samples += 1
        if frame is None:
            return
        self.own[_name(frame)] += 1
        stack = []
        while frame is not None:
            stack.append(_name(frame))
            frame = frame.f_back
        self.total.update(set(stack))
        self.stacks[tuple(reversed(stack))] += 1


def _name(frame: FrameType) -> str:
    code = frame.f_code
    return f"{_short(code.co_filename)}:{code.co_qualname}"


def _short(filename: str) -> str:
    for marker in ("/site-packages/", "/lib/python3"):
        if marker in filename:
            return (
                filename.partition(marker)[2].partition("/")[2]
                if marker[1] == "l"
                else (filename.partition(marker)[2])
            )
    return filename[filename.find("/kinto/") + 1 :] if "/kinto/" in filename else filename


def profile(client: InProcess, scenario: Scenario, *, seconds: float, stem: str) -> Profile:
    """Measure one scenario, then sample it, then count its calls."""
    if scenario.is_fresh:
        make_fresh_collections(client, stem)
    number = 0

    def run(duration: float, each: Callable[[dict[str, Any]], Any]) -> tuple[int, float, float]:
        nonlocal number
        cpu: list[float] = []
        wall: list[float] = []
        deadline = time.monotonic() + duration
        while time.monotonic() < deadline:
            environ = make_request(client, scenario, number, stem)
            number += 1
            cpu_before, wall_before = time.process_time(), time.perf_counter()
            status = each(environ)[0]
            wall.append(time.perf_counter() - wall_before)
            cpu.append(time.process_time() - cpu_before)
            if status != scenario.expected_status:
                raise RuntimeError(f"{scenario.name}: {status}")
        return len(cpu), _first_quartile(cpu), _first_quartile(wall)

    run(0.3, client.call)
    count, cpu, wall = run(seconds, client.call)
    sampler = Sampler()
    # A timer set for each request would never fire on short ones: sample one long stretch.
    environs = [make_request(client, scenario, number + i, stem) for i in range(count)]
    number += count
    with sampler:
        for environ in environs:
            client.call(environ)
    profiler = cProfile.Profile()
    few = [make_request(client, scenario, number + i, stem) for i in range(20)]
    number += 20
    profiler.enable()
    for environ in few:
        client.call(environ)
    profiler.disable()
    stats = pstats.Stats(profiler)
    calls = Counter(
        {f"{_short(k[0])}:{k[2]}": v[0] / len(few) for k, v in stats.stats.items()}  # type: ignore[attr-defined]
    )
    samples = max(sampler.samples, 1)
    return Profile(
        scenario.name, wall * 1e6, cpu * 1e6,
        {name: n / samples for name, n in sampler.own.most_common(40)},
        {name: n / samples for name, n in sampler.total.most_common(90)},
        sum(calls.values()),
        ", ".join(f"{name} {n:.0f}" for name, n in calls.most_common(12)),
        draw_tree(sampler.stacks, scale=cpu * 1e6 / samples),
    )  # fmt: skip


def _first_quartile(values: list[float]) -> float:
    """Steadier than the mean on a machine that does something else as well."""
    return statistics.quantiles(values, n=4)[0] if len(values) > 1 else values[0]


def draw_tree(stacks: Mapping[tuple[str, ...], int], *, scale: float) -> str:
    """Who calls what, most expensive first; a call that is all its caller does is left out.

    :param scale: what one sample is worth.
    """
    smallest = sum(stacks.values()) * 0.012
    lines: list[str] = []

    def descend(node: Mapping[tuple[str, ...], int], depth: int, indent: int) -> None:
        children: dict[str, Counter[tuple[str, ...]]] = {}
        for stack, count in node.items():
            if len(stack) > depth:
                children.setdefault(stack[depth], Counter())[stack] += count
        weights = {name: sum(below.values()) for name, below in children.items()}
        total = sum(node.values())
        for name in sorted(weights, key=lambda name: -weights[name]):
            if weights[name] < smallest:
                continue
            is_pass_through = weights[name] > 0.985 * total
            if not is_pass_through:
                lines.append(f"{weights[name] * scale:8.1f} {'  ' * indent}{name}")
            descend(children[name], depth + 1, indent + (not is_pass_through))

    descend(stacks, 0, 0)
    return "\n".join(lines)


def show(result: Profile) -> str:
    """A profile as text."""
    lines = [
        f"## {result.name}: {result.cpu_us:.0f} us CPU of ours, {result.wall_us:.0f} us wall,"
        f" {result.calls:.0f} calls",
        "",
        "   own us  function",
    ]
    lines += [f"{s * result.cpu_us:9.1f}  {n}" for n, s in result.own.items()]
    lines += ["", " total us  function (with what it calls)"]
    lines += [f"{s * result.cpu_us:9.1f}  {n}" for n, s in result.total.items() if s < 0.995]
    lines += ["", "      us  tree", result.tree]
    lines += ["", f"most called: {result.most_called}", ""]
    return "\n".join(lines)


def main() -> None:
    """Profile the scenarios that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="of an empty PostgreSQL database; in memory without it")
    parser.add_argument("--scenarios", default=DEFAULT_SCENARIOS)
    parser.add_argument("--records", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=3.0)
    args = parser.parse_args()
    app = postgresql_app(args.url) if args.url else memory_app()
    client = InProcess(app)
    seed(client, records=args.records, log=lambda text: print(text, file=sys.stderr))
    facts = learn_facts(client, records=args.records)
    wanted = args.scenarios.split(",")
    for scenario in make_scenarios(facts):
        if scenario.name in wanted:
            stem = f"{scenario.name.replace('_', '-').replace('batch', 'bulk')}-{time.time_ns()}"
            result = profile(client, scenario, seconds=args.seconds, stem=stem)
            print(show(result), flush=True)


if __name__ == "__main__":
    main()
