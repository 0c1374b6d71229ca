"""What bad input must not change, with the check that it did not."""

import time
from typing import Any

from tests.support.api import Answer, Client


BUCKET = "/buckets/world"
COLLECTION = f"{BUCKET}/collections/c"
RECORDS = f"{COLLECTION}/records"
RECORD = f"{RECORDS}/r"
GROUP = f"{BUCKET}/groups/g"

# Of this thread alone: the machine may be busy with other things.
MAX_CPU_SECONDS = 2.0
MAX_SECONDS = 8.0
_PATHS = (
    "/buckets",
    f"{BUCKET}/groups",
    f"{BUCKET}/collections",
    f"{RECORDS}?_since=0&_sort=n",
    RECORD,
)


class World:
    """A bucket with a group, a collection, a few records.

    :param client: its owner.
    """

    def __init__(self, client: Client) -> None:
        self.client = client
        self._state: list[Any] | None = None

    def check(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: dict[str, str] | None = None,
        environ: dict[str, Any] | None = None,
    ) -> Answer:
        """Send a request, which must be answered soon and without an error of the server.

        One that is refused must change nothing. After one that is not, all must be readable.
        """
        before = self._prepare()
        start, start_cpu = time.monotonic(), time.thread_time()
        answer = self.client.call(method, path, body, headers, environ)
        elapsed, cpu = time.monotonic() - start, time.thread_time() - start_cpu

        assert answer.status < 500, answer.text
        assert cpu < MAX_CPU_SECONDS
        assert elapsed < MAX_SECONDS
        after = self._read()
        if answer.status >= 400:
            assert after == before
            if method != "HEAD":
                self._check_error(answer)
        elif after != before:
            self._state = None
        return answer

    def _check_error(self, answer: Answer) -> None:
        error = answer.json
        assert error["code"] == answer.status
        assert {"errno", "error"} <= set(error)
        assert "Traceback" not in answer.text

    def _prepare(self) -> list[Any]:
        if self._state is None:
            self.client.delete("/buckets")
            answer = self.client.batch(
                *(
                    {"method": "PUT", "path": path, "body": {"data": data}}
                    for path, data in (
                        (BUCKET, {}),
                        (GROUP, {"members": ["somebody"]}),
                        (COLLECTION, {}),
                        (RECORD, {"n": 1, "text": "one", "list": [1, "a"], "o": {"p": None}}),
                        (f"{RECORDS}/s", {"n": "2", "text": None}),
                        (f"{RECORDS}/t", {}),
                    )
                )
            )
            assert {item["status"] for item in answer.json["responses"]} == {201}
            self._state = self._read()
        return self._state

    def _read(self) -> list[Any]:
        answers = [self.client.get(path) for path in _PATHS]
        for answer in answers:
            assert answer.status in (200, 403, 404), answer.text
        return [(answer.status, answer.headers.get("ETag"), answer.text) for answer in answers]
