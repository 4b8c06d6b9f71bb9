"""`wrap`: a legacy class whose instances come out as datasets."""

from __future__ import annotations

from typing import Any

from seq2data.errors import SourceError
from seq2data.pipeline.wrapped_class import stand_in
from seq2data.source.own_code import own_code
from seq2data.source.wrapped import wrapped_by


def wrap(source_class: type, **options: Any) -> Any:
    """Wraps a legacy class, so that making an instance gives its dataset.

        >>> MySequence = seq2data.wrap(MySequence, workers=8)
        >>> train = MySequence(files, labels, batch_size=32)
        >>> model.fit(train, epochs=5)

    The class keeps working as it is for whoever has it already. What is returned has
    its attributes, can be inherited from, and may have its name: inside its own code
    this means the class itself, and calling it there makes an instance, as it always
    did. So it is in worker processes, where `wrap` returns the class as it is.

    Outside of that code, instances that come out of a call are datasets, also out of
    other constructors (`MySequence.from_folder(...)`) and methods, alone or in tuples,
    lists and dicts. `train` is a `tf.data.Dataset` on which there is also

    * what the instance has: `len(train)`, `train[0]`, `train.batch_size`,
      `train.on_epoch_end()`. Attributes that are set are set on the instance, and
      workers see them from the next pass on.
    * the instance itself, as `train.source`.

    What every dataset has stays the dataset's: `train.shuffle` is its method and
    `iter(train)` gives tensors. To set it is an error: `train.source.shuffle = False`.
    `dtype` and `next` are reached by `train.source` alone, since Keras takes what has
    them for an array or an iterator.

    Args:
        source_class: The class; its name, doc and signature stay visible. One that is
            wrapped already gets these options in the place of its own.
        **options: Keyword arguments of `to_dataset`. With `batch_size`, `train[0]` is a
            sample, and `len(train)` counts batches.

    Returns:
        A class with the same attributes; calling it returns a `tf.data.Dataset`.

    Raises:
        SourceError: `source_class` is not a class, but for instance an instance.
        TypeError: An option is none of `to_dataset`'s.
    """
    if not isinstance(source_class, type):
        raise SourceError(
            f"`wrap` takes a class; received an instance of "
            f"`{type(source_class).__qualname__}`: pass it to `to_dataset`"
        )
    if own_code.is_worker:
        return source_class
    # TensorFlow, which workers do not load for the sake of a class.
    from seq2data.pipeline.dataset import to_dataset

    unknown = set(options) - set(to_dataset.__kwdefaults__ or {})
    if unknown:
        raise TypeError(f"`to_dataset` has no argument {sorted(unknown)}")
    return stand_in(wrapped_by(source_class) or source_class, options)
