"""The driver is optional: only the use of PostgreSQL needs it."""

import subprocess
import sys

import pytest


_SCRIPT = """
import sys
for name in {missing}:
    sys.modules[name] = None
from pyramid.config import Configurator
from kinto.core.{kind} import postgresql
try:
    postgresql.load_from_config(Configurator(settings={{"{kind}_url": "postgresql://"}}))
except ImportWarning as warning:
    print(warning)
"""


@pytest.mark.guide("optional driver")
@pytest.mark.parametrize("kind", ["storage", "permission", "cache"])
@pytest.mark.parametrize("missing", [["psycopg2"], ["sqlalchemy"]])
def test_missing_package_is_named_when_a_client_is_made(kind: str, missing: list[str]) -> None:
    script = _SCRIPT.format(kind=kind, missing=missing)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )

    assert done.stderr == ""
    assert "pip install kinto[postgresql]" in done.stdout


_START = """
import sys
from kinto import main
main({{}}, **{{
    **{{f"kinto.{{kind}}_backend": f"kinto.core.{{kind}}.postgresql" for kind in {kinds}}},
    **{{f"kinto.{{kind}}_url": "postgresql://nobody@127.0.0.1:1/none" for kind in {kinds}}},
    "kinto.userid_hmac_secret": "secret",
}})
print("sqlalchemy" in sys.modules, "sqlalchemy.orm" in sys.modules)
"""


def test_workers_do_without_the_orm_of_sqlalchemy() -> None:
    script = _START.format(kinds=["storage", "permission", "cache"])
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True, check=True
    )

    assert done.stdout == "True False\n"
