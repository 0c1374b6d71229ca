"""Storage suite: what goes in comes out as JSON has it."""

from typing import Any

from kinto.core.storage.testing.fixture import StorageFixture


TEXTS = ("é", "日本語", "𝄞 clef", "a b", "100%_\\'\"*?[]", "\u2028", "__proto__")
VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    2**53 + 1,
    12345678901234567890123,
    1.5,
    1e-7,
    "",
    [],
    {},
    [None, [1, {"a": []}]],
    {"": 1, "a.b": {"c": None}},
    *TEXTS,
)


class SerializationTest(StorageFixture):
    """Values, identifiers, parents of any kind."""

    def test_values_are_kept(self) -> None:
        for value in VALUES:
            with self.subTest(value=value):
                stored = self.create_object({"value": value, "nested": {"value": [value]}})
                found = self.storage.get(object_id=stored["id"], **self.storage_kw)
                self.assertEqual(found, stored)
                self.assertEqual(found["value"], value)
                self.assertIs(type(found["value"]), type(value))
                self.assertEqual(found["nested"], {"value": [value]})

    def test_tuples_become_lists_and_keys_text(self) -> None:
        stored = self.create_object({"tuple": (1, (2,)), "numbers": {1: "one"}})
        self.assertEqual(stored["tuple"], [1, [2]])
        self.assertEqual(stored["numbers"], {"1": "one"})
        self.assertEqual(self.storage.get(object_id=stored["id"], **self.storage_kw), stored)

    def test_names_of_members_are_kept(self) -> None:
        obj = {text: text for text in TEXTS}
        stored = self.create_object(obj)
        self.assertEqual({name: stored[name] for name in obj}, obj)

    def test_identifiers_may_be_any_text(self) -> None:
        for text in TEXTS:
            with self.subTest(text):
                where = {"resource_name": text, "parent_id": text.replace("*", "")}
                stored = self.storage.create(obj={"id": text}, **where)
                self.assertEqual(self.storage.get(object_id=text, **where), stored)
                self.assertEqual(self.storage.list_all(**where), [stored])
                self.storage.delete(object_id=text, **where)
                self.assertEqual(self.storage.count_all(**where), 0)

    def test_create_bytes_raises(self) -> None:
        with self.assertRaises(TypeError):
            self.create_object({"steak": b"hach\xc3\xa9"})
        self.assertEqual(self.list_ids(), [])

    def test_update_bytes_raises(self) -> None:
        stored = self.create_object()
        with self.assertRaises(TypeError):
            self.storage.update(
                object_id=stored["id"], obj={"steak": b"hach\xc3\xa9"}, **self.storage_kw
            )
        self.assertEqual(self.storage.get(object_id=stored["id"], **self.storage_kw), stored)
