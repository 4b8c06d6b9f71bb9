"""`wrap`: calling a wrapped legacy class gives a dataset."""

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

    The class itself stays as it is for code that has it already. The returned class has
    its attributes, can be inherited from, and may have its name: inside the class's own
    code this name means the class itself, and calling it there makes an instance, as
    before. It is the same in worker processes, where `wrap` returns the class itself.

    Outside of that code, instances that come out of a call are datasets, also out of
    other constructors (`MySequence.from_folder(...)`) and methods, alone or in tuples,
    lists and dicts. `train` is a `tf.data.Dataset` on which there is also

    * what the instance has: `len(train)`, `train[0]`, `train.batch_size`,
      `train.on_epoch_end()`. An attribute that is set is set on the instance, and
      workers see them from the next epoch on.
    * the instance itself, as `train.source`.

    Attributes that every dataset has stay the dataset's: `train.shuffle` is its method,
    and `iter(train)` gives tensors. Setting such an attribute is an error; set it on
    the instance: `train.source.shuffle = False`.
    `dtype` and `next` are on `train.source` only, because Keras takes an object with
    these attributes for an array or an iterator.

    Args:
        source_class: The class; its name, doc and signature stay visible. One that is
            wrapped already gets these options instead of its own.
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
