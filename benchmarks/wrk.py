"""The load generator wrk, with `load.lua` to make its requests."""

import json
import os
import subprocess
import tempfile
import urllib.parse
from pathlib import Path
from typing import Any

from benchmarks.client import authorization
from benchmarks.runs import Load, Run
from benchmarks.workload import SPREAD, Scenario, records_path


_SCRIPT = Path(__file__).with_name("load.lua")
# Characters that Lua text may have as they are.
_PLAIN = frozenset(" -_/.,:;{}[]()?=&%+*'@")


def generate(run: Run) -> Load:
    """Run wrk with one thread.

    :raises RuntimeError: it gave no result.
    """
    parts = urllib.parse.urlsplit(run.url)
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(f"return {_lua(_configuration(run, parts.path))}\n")
        file.flush()
        done = subprocess.run(
            [
                "wrk", "-t1", f"-c{run.connections}", f"-d{run.seconds:.0f}s", "--timeout", "60s",
                "-s", str(_SCRIPT), f"{parts.scheme}://{parts.netloc}",
            ],
            env={**os.environ, "BENCH_CFG": file.name}, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
    for line in done.stdout.splitlines():
        if line.startswith("RESULT "):
            return _read_result(json.loads(line[7:]))
    raise RuntimeError(f"wrk gave no result: {done.stdout}\n{done.stderr}")


def _configuration(run: Run, prefix: str) -> dict[str, Any]:
    scenario = run.scenario
    headers = {"Authorization": authorization(scenario.user), **scenario.headers}
    if scenario.body:
        headers["Content-Type"] = "application/json"
    item_path = prefix + records_path(f"{run.stem}-{{k}}", f"/{run.stem}-b{{j}}")
    return {
        "method": scenario.method, "path": prefix + scenario.path, "headers": headers,
        "body": scenario.body, "expect": scenario.expected_status, "cycle": scenario.cycle,
        "spread": SPREAD, "one": scenario.one_collection, "stem": run.stem, "unique": run.stem,
        "batch": scenario.batch_size, "batch_path": item_path,
        "walk": scenario.follows_pages, "pool": run.pool, "static": _is_static(scenario),
    }  # fmt: skip


def _is_static(scenario: Scenario) -> bool:
    is_template = "{" in scenario.path or "{" in (scenario.body or "")
    return not (is_template or scenario.follows_pages or scenario.batch_size)


def _read_result(result: dict[str, Any]) -> Load:
    failed = result["bad_status"] + result["socket_errors"] + result["timeouts"]
    return Load(
        requests=result["requests"] - result["stale"] - result["bad_status"],
        errors=failed,
        seconds=result["duration_us"] / 1e6,
        p50_ms=result["p50_us"] / 1000,
        p99_ms=result["p99_us"] / 1000,
        sample_error=result["sample"],
    )


def _lua(value: Any) -> str:
    """A value of JSON's kinds as Lua source."""
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, str):
        encoded = (c if c.isalnum() or c in _PLAIN else f"\\{ord(c):03d}" for c in value)
        return f'"{"".join(encoded)}"'
    items = (f"[{_lua(name)}]={_lua(item)}" for name, item in value.items())
    return f"{{{','.join(items)}}}"
