"""Makes one function of seq2data raise, in a fresh interpreter, as a fault in it would.

`SEQ2DATA_INJECT` has its module and its qualified name. A call leaves a mark in the
file `SEQ2DATA_INJECTED`.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import os
import sys

_MODULE, _, _NAME = os.environ.get("SEQ2DATA_INJECT", "").partition(" ")
_RAISE = """
def injected(*args, **kwargs):
    mark()
    raise RuntimeError("injected")
"""


def _mark():
    with open(os.environ["SEQ2DATA_INJECTED"], "a") as file:
        file.write("called")


class _Finder(importlib.abc.MetaPathFinder):
    """Lets the others find the module, and changes it when it is there."""

    def find_spec(self, fullname, path=None, target=None):
        if fullname != _MODULE:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        run = spec.loader.exec_module

        def exec_module(module):
            run(module)
            namespace = {"__name__": fullname, "mark": _mark}
            exec(_RAISE, namespace)  # a frame of that module is what raises
            *owners, name = _NAME.split(".")
            owner = module
            for each in owners:
                owner = getattr(owner, each)
            kind = type(vars(owner)[name])
            injected = namespace["injected"]
            if kind in (property, classmethod, staticmethod):
                injected = kind(injected)
            setattr(owner, name, injected)

        spec.loader.exec_module = exec_module
        return spec


if _MODULE:
    sys.meta_path.insert(0, _Finder())
