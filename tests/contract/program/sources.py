"""Sources whose batches depend on what the program has set in modules."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

import tests.contract.program.other
from tests.contract.program import config
from tests.contract.program.config import SETTINGS, Settings


class Source:
    """Four batches; `value` is what the kinds differ in."""

    def __len__(self) -> int:
        return 4

    def value(self) -> Any:
        raise NotImplementedError

    def __getitem__(self, index: int) -> np.ndarray:
        return np.atleast_1d(np.asarray(self.value())) * 10 + index


class Scale(Source):
    def value(self) -> Any:
        return config.SCALE


class ByName(Source):
    """Asks for a name that it makes."""

    def value(self) -> Any:
        return getattr(config, "sca".upper() + "LE")


class Table(Source):
    def value(self) -> Any:
        return config.TABLE["offset"], config.TABLE["inner"]["deep"][-1]


class Default(Source):
    def value(self) -> Any:
        return config.offset()


class Scaled(Source):
    def value(self) -> Any:
        return config.scaled_offset()


class Closure(Source):
    def value(self) -> Any:
        return config.COUNT(), len(config.NAMES), len(config.SEEN)


class Alias(Source):
    def value(self) -> Any:
        return tests.contract.program.other.of_both()


class Function(Source):
    def value(self) -> Any:
        return config.replaced(), config.decorated(), config.offset()


class ClassAttribute(Source):
    def value(self) -> Any:
        return Settings.factor, Settings().value(), Settings.table["offset"]


class Methods(Source):
    def value(self) -> Any:
        own = Settings()
        return own.value(), own.fixed(), own.named(), own.doubled


class Instance(Source):
    def value(self) -> Any:
        return SETTINGS.bias, config.SETTINGS.bias


class Arguments(Source):
    def value(self) -> Any:
        return config.ARGS.width, config.ARGS.height


class Weights(Source):
    def value(self) -> Any:
        return float(np.sum(config.WEIGHTS))


class Added(Source):
    def value(self) -> Any:
        return config.ADDED  # type: ignore[attr-defined]  # the program adds it


class Member(Source):
    def value(self) -> Any:
        return config.KIND.value


class LocalImport(Source):
    def value(self) -> Any:
        from tests.contract.program import hidden

        return hidden.LEVEL


class ImportedByName(Source):
    def value(self) -> Any:
        return importlib.import_module("tests.contract.program.hidden").LEVEL


class HeldModule(Source):
    def __init__(self) -> None:
        self.module = config

    def value(self) -> Any:
        return self.module.SCALE, self.module.offset()


class HeldFunction(Source):
    def __init__(self) -> None:
        self.function = config.replaced

    def value(self) -> Any:
        return self.function()


class Handle(Source):
    def value(self) -> Any:
        return 0 if config.HANDLE is None else 1


class Locked(Source):
    def value(self) -> Any:
        with config.LOCK:
            return config.SCALE


class Own(Source):
    """Its own class attribute is set from outside."""

    gain = 1

    def value(self) -> Any:
        return self.gain


class Derived(Own):
    pass
