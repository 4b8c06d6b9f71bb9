"""Classes of all kinds are wrapped: abstract ones, dataclasses, with metaclasses."""

from __future__ import annotations

import abc
import dataclasses
import inspect
from typing import Any, Generic, TypeVar

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from seq2data import wrap  # noqa: E402  # needs TensorFlow
from tests.wrapped_sources import Sized  # noqa: E402  # needs TensorFlow

pytestmark = pytest.mark.tensorflow

T = TypeVar("T")


class Indexed(Sized):
    def __getitem__(self, index: int) -> Any:
        return np.array([index])


def values(dataset: Any) -> list[int]:
    assert isinstance(dataset, tf.data.Dataset)
    return [int(batch[0]) for batch in dataset]


def test_abstract_class() -> None:
    class Abstract(abc.ABC):
        def __len__(self) -> int:
            return 3

        @abc.abstractmethod
        def read(self, index: int) -> int: ...

        def __getitem__(self, index: int) -> Any:
            return np.array([self.read(index)])

    Wrapped = wrap(Abstract, workers=2)
    assert inspect.isabstract(Wrapped)
    with pytest.raises(TypeError, match="abstract"):
        Wrapped()

    class Concrete(Wrapped):  # type: ignore[misc, valid-type]
        def read(self, index: int) -> int:
            return 2 * index

    assert values(Concrete()) == [0, 2, 4]
    assert isinstance(Concrete(), Wrapped)
    assert issubclass(Concrete, Wrapped)
    assert issubclass(Concrete, Abstract)


def test_dataclass() -> None:
    @dataclasses.dataclass
    class Data:
        count: int = 3
        factor: int = 2

        def __len__(self) -> int:
            return self.count

        def __getitem__(self, index: int) -> Any:
            return np.array([self.factor * index])

        def longer(self) -> Any:
            return dataclasses.replace(self, count=self.count + 1)

    Wrapped = wrap(Data, workers=2)
    assert values(Wrapped(2).longer()) == [0, 2, 4]
    assert [field.name for field in dataclasses.fields(Wrapped)] == ["count", "factor"]

    @dataclasses.dataclass
    class Shifted(Wrapped):  # type: ignore[misc, valid-type]
        shift: int = 1

        def __getitem__(self, index: int) -> Any:
            return super().__getitem__(index) + self.shift

    assert values(Shifted(2, shift=5)) == [5, 7]


@pytest.mark.parametrize("base", [object, Sized])
def test_class_with_slots(base: type) -> None:
    class Slotted(base):
        __slots__ = ("count", "offset")

        def __init__(self, count: int) -> None:
            super(Slotted, self).__init__()  # noqa: UP008  # the subject
            self.count = count
            self.offset = 1

        def __len__(self) -> int:
            return self.count

        def __getitem__(self, index: int) -> Any:
            return np.array([index + self.offset])

    Slotted = wrap(Slotted, workers=2)  # type: ignore[misc]
    train = Slotted(3)
    assert values(train) == [1, 2, 3]
    train.offset = 5
    assert values(train) == [5, 6, 7]
    assert hasattr(train.source, "__dict__") == (base is Sized)


def test_metaclass_hears_only_of_the_users_classes() -> None:
    made: list[str] = []

    class Registered(type):
        def __new__(cls, name: str, bases: Any, namespace: Any) -> Any:
            made.append(name)
            return super().__new__(cls, name, bases, namespace)

        def __call__(cls, *args: Any) -> Any:
            instance = super().__call__(*args)
            instance.offset = 1
            return instance

        def shout(cls) -> str:
            return cls.__name__.upper()

    class First(Sized, metaclass=Registered):
        def __init__(self, count: int) -> None:
            super(First, self).__init__(count)  # noqa: UP008  # the subject

        def __getitem__(self, index: int) -> Any:
            return np.array([index + self.offset])

    First = wrap(First, workers=0)  # type: ignore[misc]
    assert First.shout() == "FIRST"
    assert values(First(2)) == [1, 2]

    class Second(First):
        pass

    assert values(Second(2)) == [1, 2]
    assert made == ["First", "Second"]


def test_init_subclass_hears_only_of_the_users_classes() -> None:
    keys: list[str] = []

    class Keyed(Indexed):
        def __init_subclass__(cls, *, key: str) -> None:
            keys.append(key)

    class First(Keyed, key="first"):
        pass

    First = wrap(First, workers=0)  # type: ignore[misc]

    class Second(First, key="second"):  # type: ignore[misc]
        pass

    assert keys == ["first", "second"]
    assert values(First(2)) == values(Second(2)) == [0, 1]


def test_class_with_new_and_call() -> None:
    class Called(Indexed):
        def __new__(cls, count: int = 3) -> Any:
            made = super(Called, cls).__new__(cls)  # noqa: UP008  # the subject
            made.offset = 10
            return made

        def __call__(self, value: int) -> int:
            return value + self.offset

    Called = wrap(Called, workers=2)  # type: ignore[misc]
    train = Called(2)
    assert values(train) == [0, 1]
    assert train(1) == 11


@pytest.mark.parametrize("bases", [(Indexed, Generic[T]), (Generic[T], Indexed)])
def test_generic_class(bases: Any) -> None:
    class Typed(*bases):  # type: ignore[misc]
        def __init__(self, count: int) -> None:
            super(Typed, self).__init__(count)  # noqa: UP008  # the subject

    Typed = wrap(Typed, workers=2)  # type: ignore[misc]
    assert values(Typed(2)) == values(Typed[int](2)) == [0, 1]

    class Heir(Typed[int]):  # type: ignore[misc, valid-type]
        pass

    assert values(Heir(2)) == [0, 1]


def test_list_and_its_heir() -> None:
    class Batches(list):  # type: ignore[type-arg]
        def __init__(self, *args: Any) -> None:
            super(Batches, self).__init__(*args)  # noqa: UP008  # the subject

    batches = [np.array([1]), np.array([2])]
    assert values(wrap(list, workers=0)(batches)) == [1, 2]
    Batches = wrap(Batches, workers=2)  # type: ignore[misc]
    train = Batches(batches)
    train.append(np.array([3]))
    train[0] = np.array([9])
    assert (len(train), values(train)) == (3, [9, 2, 3])


def test_context_manager() -> None:
    class Opened(Indexed):
        is_open = False

        def __enter__(self) -> Any:
            self.is_open = True
            return self

        def __exit__(self, *_: object) -> None:
            self.is_open = False

    with wrap(Opened, workers=0)(2) as train:
        assert train.is_open
        assert values(train) == [0, 1]
    assert not train.is_open


def test_iterables_cannot_be_indexed() -> None:
    class Iterable:
        def __iter__(self) -> Any:
            return (np.array([i]) for i in range(3))

    train = wrap(Iterable, workers=0)()
    assert values(train) == [0, 1, 2]
    assert not hasattr(train, "__getitem__")


def test_class_that_is_wrapped_twice_takes_the_last_options() -> None:
    signature = tf.TensorSpec([None], tf.int64)
    first = wrap(Indexed, workers=0)
    second = wrap(first, workers=0, output_signature=signature)
    assert second(2).element_spec == signature
    assert first(2).element_spec == tf.TensorSpec([None], tf.int64)
    assert values(first(2)) == values(second(2)) == [0, 1]
    assert second.__wrapped__ is first.__wrapped__ is Indexed


def test_signatures_stay() -> None:
    Wrapped = wrap(Indexed, workers=0)

    class Heir(Wrapped):  # type: ignore[misc, valid-type]
        def __init__(self, count: int, *, extra: int = 1) -> None:
            super().__init__(count)

    assert inspect.signature(Wrapped) == inspect.signature(Indexed)
    assert list(inspect.signature(Heir).parameters) == ["count", "extra"]
