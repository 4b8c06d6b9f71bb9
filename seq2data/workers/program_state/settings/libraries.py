"""Settings of numpy, OpenCV, pandas, torch and Keras that are not in their globals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from seq2data.workers.program_state.settings.registry import Setting, register_setting

_PLAIN = (bool, int, float, str, type(None), tuple)
_KERAS = ("image_data_format", "floatx", "epsilon")


def _set_printing(numpy: Any, options: dict[str, Any]) -> None:
    if numpy.get_printoptions() != options:
        numpy.set_printoptions(**options)


def _opencv(cv2: Any) -> tuple[int, bool]:
    return cv2.getNumThreads(), cv2.useOptimized()


def _set_opencv(cv2: Any, values: tuple[int, bool]) -> None:
    if _opencv(cv2) != values:
        cv2.setNumThreads(values[0])
        cv2.setUseOptimized(values[1])


def _pandas(pandas: Any) -> dict[str, Any]:
    return dict(_flat(getattr(pandas.options, "d", {})))


def _flat(options: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in options.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        elif isinstance(value, _PLAIN):
            yield prefix + key, value


def _set_pandas(pandas: Any, options: dict[str, Any]) -> None:
    present = _pandas(pandas)
    for name, value in options.items():
        if present.get(name, value) != value:
            pandas.set_option(name, value)


def _keras(keras: Any) -> dict[str, Any]:
    return {name: getattr(keras.backend, name)() for name in _KERAS}


def _set_keras(keras: Any, values: dict[str, Any]) -> None:
    present = _keras(keras)
    for name, value in values.items():
        if present[name] != value:
            getattr(keras.backend, f"set_{name}")(value)


register_setting(
    "numpy's reaction to errors",
    Setting(
        "numpy",
        lambda numpy: numpy.geterr(),
        lambda numpy, reactions: numpy.seterr(**reactions),
        is_of_thread=True,
    ),
)
register_setting(
    "numpy's printing",
    Setting(
        "numpy",
        lambda numpy: numpy.get_printoptions(),
        _set_printing,
        is_of_thread=True,
    ),
)
register_setting("OpenCV's threads", Setting("cv2", _opencv, _set_opencv))
register_setting("pandas's options", Setting("pandas", _pandas, _set_pandas))
register_setting(
    "torch's default dtype",
    Setting(
        "torch",
        # By its name: to unpickle a dtype would import torch.
        lambda torch: str(torch.get_default_dtype()).rpartition(".")[2],
        lambda torch, name: torch.set_default_dtype(getattr(torch, name)),
    ),
)
for _library in ("keras", "tf_keras"):
    register_setting(f"{_library}'s settings", Setting(_library, _keras, _set_keras))
