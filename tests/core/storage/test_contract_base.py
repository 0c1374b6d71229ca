"""The base class of storages, exceptions, generators of identifiers."""

from typing import Any

import pytest

from kinto.core.storage import MISSING, Missing, StorageBase, exceptions, generators


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("initialize_schema", ()),
        ("flush", ()),
        ("resource_timestamp", ("r", "p")),
        ("all_resources_timestamps", ("r",)),
        ("create", ("r", "p", {})),
        ("get", ("r", "p", "id")),
        ("update", ("r", "p", "id", {})),
        ("delete", ("r", "p", "id")),
        ("delete_all", ("r", "p")),
        ("purge_deleted", ("r", "p")),
        ("trim_objects", ("r", "p", [], 1)),
        ("list_all", ("r", "p")),
        ("count_all", ("r", "p")),
    ],
)
def test_base_leaves_methods_to_backends(method: str, arguments: tuple[Any, ...]) -> None:
    with pytest.raises(NotImplementedError):
        getattr(StorageBase(), method)(*arguments)


def test_base_has_defaults() -> None:
    storage = StorageBase("ignored", ignored=True)
    assert storage.readonly is False
    assert (storage.id_field, storage.modified_field) == ("id", "last_modified")
    assert isinstance(storage.id_generator, generators.UUID4)
    assert isinstance(MISSING, Missing)


def test_backend_error_shows_its_original() -> None:
    original = ValueError("broken")
    error = exceptions.BackendError(original=original)
    assert error.original is original
    assert str(error) == "ValueError: broken"
    assert str(exceptions.BackendError(original, "told")) == "told"
    assert str(exceptions.BackendError()) == ""


def test_unicity_error_names_the_field() -> None:
    stored = {"id": "a"}
    error = exceptions.UnicityError("id", stored)
    assert (error.field, error.original) == ("id", stored)
    assert error.msg == str(error)
    assert isinstance(error, exceptions.IntegrityError)
    assert isinstance(error, exceptions.BackendError)


def test_both_names_catch_missing_objects() -> None:
    assert issubclass(exceptions.ObjectNotFoundError, exceptions.RecordNotFoundError)


class Words(generators.Generator):
    regexp = r"^[a-z]+$"

    def __call__(self) -> str:
        return "word"


def test_generators_keep_their_configuration() -> None:
    assert Words().config is None
    assert Words("configuration").config == "configuration"


@pytest.mark.parametrize(("text", "expected"), [("abc", True), ("abc\n", False), ("", False)])
def test_generators_match_the_whole_identifier(text: str, expected: bool) -> None:
    assert bool(Words().match(text)) is expected


def test_default_pattern() -> None:
    class Default(generators.Generator):
        def __call__(self) -> str:
            return "a"

    assert Default().match("aZ9_-")
    for text in ("_a", "-a", "", "é", "a.b", "a/b"):
        assert not Default().match(text)


def test_generators_that_contradict_their_pattern_are_refused() -> None:
    class Broken(Words):
        regexp = r"^[0-9]+$"

    with pytest.raises(ValueError, match="word"):
        Broken()


def test_base_generator_generates_nothing() -> None:
    with pytest.raises(NotImplementedError):
        generators.Generator()


def test_uuids() -> None:
    generator = generators.UUID4()
    assert generator.match(generator())
    assert generator() != generator()
    assert generator.match("00000000-0000-0000-0000-000000000000")
    for text in ("00000000-0000-0000-0000-00000000000", "A" * 36, "x"):
        assert not generator.match(text)
