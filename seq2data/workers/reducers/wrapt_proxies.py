"""Functions under decorators of wrapt, and its proxies: wrapped again.

wrapt refuses to pickle them, since only who makes a proxy knows what it is for.
"""

from __future__ import annotations

import operator
from typing import Any, Optional

import wrapt

from seq2data.workers.program_state.replaced import Reference
from seq2data.workers.reducers.modules import is_found_in_workers
from seq2data.workers.reducers.registry import Recipe, register


def _reduce_function(value: Any) -> Optional[Recipe]:
    reference = Reference.to(value)
    if reference is not None and is_found_in_workers(reference.module):
        return reference.resolve, ()
    if type(value) is not wrapt.FunctionWrapper:
        return None  # a class of the user's own, who knows how it is made
    parts = value.__wrapped__, value._self_wrapper, value._self_enabled
    return _wrap_function, parts


# The classes themselves do not pickle: they name a module that is not there.
def _wrap_function(wrapped: Any, wrapper: Any, enabled: Any) -> Any:
    return wrapt.FunctionWrapper(wrapped, wrapper, enabled)


def _wrap(wrapped: Any) -> Any:
    return wrapt.ObjectProxy(wrapped)


def _reduce_bound(value: Any) -> Recipe:
    return operator.attrgetter(value.__wrapped__.__name__), (value._self_instance,)


def _reduce_proxy(value: Any) -> Optional[Recipe]:
    if type(value) is not wrapt.ObjectProxy:
        return None
    return _wrap, (value.__wrapped__,)


register(wrapt.FunctionWrapper, _reduce_function)
register(wrapt.BoundFunctionWrapper, _reduce_bound)
register(wrapt.ObjectProxy, _reduce_proxy)
