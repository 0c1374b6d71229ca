"""Storage suite: timestamps of objects, of lists."""

import threading
from typing import Any

from kinto.core.storage import exceptions
from kinto.core.storage.testing.fixture import StorageFixture


FAR_FUTURE = 4102444800000
LONG_AGO = 12


class TimestampsTest(StorageFixture):
    """Strictly rising, unless the client says otherwise."""

    def timestamp(self, **kwargs: Any) -> int:
        return int(self.storage.resource_timestamp(**{**self.storage_kw, **kwargs}))

    def update(self, object_id: str, **obj: Any) -> int:
        updated = self.storage.update(object_id=object_id, obj=obj, **self.storage_kw)
        return int(updated["last_modified"])

    def test_timestamps_are_milliseconds(self) -> None:
        timestamp = self.storage.resource_timestamp(**self.storage_kw)
        self.assertIsInstance(timestamp, int)
        self.assertGreater(timestamp, 1_600_000_000_000)
        self.assertLess(timestamp, FAR_FUTURE)

    def test_timestamp_of_an_unknown_list_is_kept(self) -> None:
        self.assertEqual(self.timestamp(), self.timestamp())
        self.assertGreater(self.create_object()["last_modified"], self.timestamp() - 1)

    def test_first_write_is_later_than_the_timestamp_read(self) -> None:
        before = self.timestamp()
        self.assertGreater(self.create_object()["last_modified"], before)

    def test_list_has_the_timestamp_of_the_newest_object(self) -> None:
        stored = self.create_object()
        self.assertEqual(self.timestamp(), stored["last_modified"])
        self.assertEqual(self.update(stored["id"]), self.timestamp())
        self.assertEqual(self.delete_object(stored["id"])["last_modified"], self.timestamp())

    def test_every_write_raises_the_timestamp(self) -> None:
        drawn = [self.timestamp()]
        for name in ("a", "b", "c"):
            drawn.append(self.create_object({"id": name})["last_modified"])
            drawn.append(self.update(name))
            drawn.append(self.delete_object(name)["last_modified"])
        self.assertEqual(drawn, sorted(set(drawn)))

    def test_deletion_of_tombstones_does_not_lower_the_timestamp(self) -> None:
        self.create_object({"id": "a"})
        self.delete_object("a")
        before = self.timestamp()
        self.storage.purge_deleted(**self.storage_kw)
        self.assertEqual(self.timestamp(), before)

    def test_deletion_without_tombstone_raises_the_timestamp(self) -> None:
        created = self.create_object({"id": "a"})
        answer = self.delete_object("a", with_deleted=False)
        self.assertGreater(answer["last_modified"], created["last_modified"])
        self.assertEqual(self.timestamp(), answer["last_modified"])

    def test_plural_deletion_that_finds_nothing_does_not_move_it(self) -> None:
        before = self.timestamp()
        self.storage.delete_all(**self.storage_kw)
        self.assertEqual(self.timestamp(), before)

    def test_lists_have_timestamps_of_their_own(self) -> None:
        before = self.timestamp()
        self.create_object({"last_modified": FAR_FUTURE}, parent_id=self.other_parent_id)
        self.create_object({"last_modified": FAR_FUTURE}, resource_name="other")
        self.assertEqual(self.timestamp(), before)

    def test_readonly_mode_writes_no_timestamp(self) -> None:
        self.storage.readonly = True
        try:
            with self.assertRaises(exceptions.ReadonlyError):
                self.timestamp()
        finally:
            self.storage.readonly = False

    def test_readonly_mode_reads_timestamps(self) -> None:
        before = self.timestamp()
        self.storage.readonly = True
        try:
            self.assertEqual(self.timestamp(), before)
        finally:
            self.storage.readonly = False

    def test_all_timestamps_of_a_resource(self) -> None:
        self.assertEqual(self.storage.all_resources_timestamps("test"), {})
        self.create_object()
        self.create_object(parent_id=self.other_parent_id)
        self.create_object(parent_id="third", resource_name="other")
        expected = {
            parent_id: self.timestamp(parent_id=parent_id)
            for parent_id in ("1234", self.other_parent_id)
        }
        self.assertEqual(self.storage.all_resources_timestamps("test"), expected)

    # -- Given by the client ---------------------------------------------------------------

    def test_given_timestamp_in_a_new_list(self) -> None:
        for given in (LONG_AGO, FAR_FUTURE):
            with self.subTest(given=given):
                where = {**self.storage_kw, "parent_id": f"new-{given}"}
                stored = self.storage.create(obj={"last_modified": given}, **where)
                self.assertEqual(stored["last_modified"], given)
                self.assertEqual(self.storage.resource_timestamp(**where), given)

    def test_given_timestamp_above_that_of_the_list(self) -> None:
        self.create_object({"id": "a"})
        self.assertEqual(
            self.create_object({"last_modified": FAR_FUTURE})["last_modified"], FAR_FUTURE
        )
        self.assertEqual(self.timestamp(), FAR_FUTURE)
        self.assertEqual(self.update("a", last_modified=FAR_FUTURE + 5), FAR_FUTURE + 5)
        self.assertEqual(self.timestamp(), FAR_FUTURE + 5)
        self.assertEqual(self.update("a"), FAR_FUTURE + 6)

    def test_given_timestamp_equal_to_that_of_the_list(self) -> None:
        highest = self.create_object()["last_modified"]
        stored = self.create_object({"last_modified": highest})
        self.assertGreater(stored["last_modified"], highest)
        self.assertEqual(self.timestamp(), stored["last_modified"])

    def test_given_timestamp_below_that_of_the_list(self) -> None:
        highest = self.create_object({"id": "a"})["last_modified"]
        self.assertEqual(
            self.create_object({"last_modified": LONG_AGO})["last_modified"], LONG_AGO
        )
        self.assertEqual(self.update("a", last_modified=LONG_AGO + 1), LONG_AGO + 1)
        self.assertEqual(self.timestamp(), highest)

    def test_given_timestamp_of_a_tombstone(self) -> None:
        for name in ("a", "b", "c"):
            self.create_object({"id": name})
        highest = self.timestamp()
        self.assertEqual(
            self.delete_object("a", last_modified=LONG_AGO)["last_modified"], LONG_AGO
        )
        self.assertEqual(self.timestamp(), highest)
        answer = self.delete_object("b", last_modified=highest)
        self.assertGreater(answer["last_modified"], highest)
        answer = self.delete_object("c", last_modified=FAR_FUTURE)
        self.assertEqual(answer["last_modified"], FAR_FUTURE)
        self.assertEqual(self.timestamp(), FAR_FUTURE)

    # -- Threads ---------------------------------------------------------------------------

    def _in_threads(self, work: Any, *, count: int = 4) -> None:
        failures: list[BaseException] = []

        def run(number: int) -> None:
            try:
                work(number)
            except BaseException as error:  # noqa: BLE001  # shown by the main thread
                failures.append(error)

        threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])

    def test_timestamps_are_unique_across_threads(self) -> None:
        drawn: list[int] = []

        def create(_: int) -> None:
            for _repetition in range(25):
                drawn.append(self.create_object()["last_modified"])

        self._in_threads(create)
        self.assertEqual(len(set(drawn)), 100)
        self.assertEqual(self.timestamp(), max(drawn))

    def test_first_reads_of_a_timestamp_agree_across_threads(self) -> None:
        read: list[int] = []
        self._in_threads(lambda _: read.append(self.timestamp()), count=8)
        self.assertEqual(len(set(read)), 1)

    def test_one_of_simultaneous_creations_wins(self) -> None:
        refused: list[str] = []

        def create(number: int) -> None:
            try:
                self.create_object({"id": "same", "number": number})
            except exceptions.UnicityError as error:
                refused.append(error.field)

        self._in_threads(create, count=6)
        self.assertEqual(refused, ["id"] * 5)
        self.assertEqual(self.storage.count_all(**self.storage_kw), 1)
