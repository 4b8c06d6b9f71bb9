"""Runs a program under the Keras that is given, and makes a trace of what happened.

A trace is plain data: lists, numbers, text. Its fields:

    outcome     "returned", or "raised" and the type
    message     the error's first line, where it names nothing of this machine
    trained     codes of the batches in the order trained on, a list for each epoch
    losses      of the same batches
    validated   codes of the batches of each validation, or of an evaluation
    callbacks   the calls of the callback's hooks, runs of batches as one text
    history     Keras's
    weights     when all is over, of each layer
    result      of an evaluation or a prediction
    hooks       calls of the training source's `on_epoch_end`: for each epoch, or in all
                where epochs are no passes
    validation_hooks  the same of the validation source
    reads       indices that the training source's `__getitem__` was called with; sorted
                where several threads called it
    warnings    which of the known ones came
"""

from __future__ import annotations

import contextlib
import logging
import random
import time
import warnings
from collections.abc import Iterator
from typing import Any, Callable

import numpy as np

from tests.train.program_sources import tape, training_source, validation_source
from tests.train.programs import Program

KERNEL = [[0.5], [-0.25]]
BIAS = [0.1]
LEARNING_RATE = 0.05
SEED = 7
"""Of the `random` module, before the call."""

KNOWN_WARNINGS = (
    "ran out of data",
    "generator` is deprecated",
    "may duplicate your data",
    "can interact badly",
    "worker has died",
)


def build_model(keras: Any, tf: Any, nesting: str) -> Any:
    """A linear model whose loss function notes which batches it gets."""

    def note(codes: np.ndarray) -> np.ndarray:
        tape.note("codes", [int(code) for code in np.rint(codes * 100)])
        return np.float32(0)

    def squares(y_true: Any, y_pred: Any) -> Any:
        return tf.square(y_pred[:, 0] - y_true[:, 1] - y_true[:, 2])

    def noting_squares(y_true: Any, y_pred: Any) -> Any:
        noted = tf.numpy_function(note, [y_true[:, 2]], tf.float32)
        with tf.control_dependencies([noted]):
            return tf.identity(squares(y_true, y_pred))

    losses: Any = noting_squares
    if nesting in ("lists", "dicts"):
        inputs = [keras.layers.Input((1,), name=name) for name in ("a", "b")]
        joined = keras.layers.concatenate(inputs)
    else:
        inputs = joined = keras.layers.Input((2,))
    if nesting in ("outputs", "named outputs"):
        names = ("first", "second")
        outputs = [keras.layers.Dense(1, name=name)(joined) for name in names]
        losses = {"first": noting_squares, "second": squares}
    else:
        outputs = keras.layers.Dense(1)(joined)
    model = keras.models.Model(inputs, outputs)
    # The function that notes is Python's, and not for XLA.
    options = {"jit_compile": False} if _version(keras).startswith("3.") else {}
    model.compile(keras.optimizers.SGD(LEARNING_RATE), losses, **options)
    return model


def _version(keras: Any) -> str:
    """As `tf.keras`, the last versions of Keras 2 do not say which they are."""
    return getattr(keras, "__version__", "2.")


def set_weights(model: Any) -> None:
    kinds = [np.array(KERNEL, np.float32), np.array(BIAS, np.float32)]
    model.set_weights(kinds * (len(model.get_weights()) // 2))


def _callback(keras: Any, program: Program, pause_s: float) -> Any:
    """Notes its hooks' calls.

    Pauses give the threads of legacy enqueuers the time to do all that they do.
    """

    def noting(name: str) -> Callable[..., None]:
        def hook(self: Any, number: Any = None, logs: Any = None) -> None:
            has_number = "epoch" in name or "batch" in name
            loss = (logs or {}).get("loss") if name.endswith("batch_end") else None
            event = (name, number) if has_number else (name,)
            tape.note(*event, *([] if loss is None else [float(loss)]))
            if name in ("epoch_end", "test_batch_end", "predict_batch_end"):
                time.sleep(pause_s)
            is_second_of_second = name == "train_batch_end" and number == 1
            if program.stop == "batch" and is_second_of_second and self.epoch == 1:
                self.model.stop_training = True
            if name == "epoch_begin":
                self.epoch = number

        return hook

    names = ["epoch_begin", "epoch_end"]
    for run in ("train", "test", "predict"):
        names += [run + "_begin", run + "_end"]
        names += [run + "_batch_begin", run + "_batch_end"]
    hooks = {"on_" + name: noting(name) for name in names}
    return type("Noting", (keras.callbacks.Callback,), hooks)()


def _callbacks(keras: Any, program: Program, pause_s: float) -> list:
    callbacks = [_callback(keras, program, pause_s)]
    if program.stop == "early_stopping":
        monitor = "val_loss" if program.validation else "loss"
        stopping = keras.callbacks.EarlyStopping(monitor, patience=1, min_delta=1e9)
        callbacks.append(stopping)
    return callbacks


def _arguments(program: Program, validation: Any) -> dict:
    queue = {
        "workers": program.workers,
        "use_multiprocessing": program.use_multiprocessing,
        "max_queue_size": 10,
        "verbose": 0,
    }
    if not program.trains:
        return dict(queue, steps=program.steps)
    training = {
        "steps_per_epoch": program.steps,
        "epochs": program.epochs,
        "initial_epoch": program.initial_epoch,
        "class_weight": program.class_weight,
        "shuffle": program.shuffle,
    }
    if validation is not None:
        training["validation_data"] = validation
        training["validation_steps"] = program.validation_steps
        training["validation_freq"] = program.validation_freq
    return dict(queue, **training)


class _Listener(logging.Handler):
    """Keeps the texts of what TensorFlow logs."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


@contextlib.contextmanager
def _heard() -> Iterator[list]:
    """The texts of the warnings in the block, complete at its end."""
    listener = _Listener()
    loggers = [logging.getLogger(name) for name in ("tensorflow", "absl")]
    for logger in loggers:
        logger.addHandler(listener)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield listener.texts
            listener.texts += [str(warning.message) for warning in caught]
    finally:
        for logger in loggers:
            logger.removeHandler(listener)


def run(
    program: Program,
    keras: Any,
    model: Any,
    call: Callable[..., Any],
    sequence_class: Any,
    pause_s: float = 0,
) -> dict:
    """The trace of a program.

    Args:
        program: What to run.
        keras: The module.
        model: Of the program's nesting, compiled.
        call: Gets the source and the arguments of the method.
        sequence_class: `Batches`, with the base that this Keras needs.
        pause_s: What a batch of a test, and an end of an epoch, take longer.
    """
    set_weights(model)
    source = training_source(program, sequence_class)
    validation = validation_source(program, sequence_class)
    arguments = _arguments(program, validation)
    arguments["callbacks"] = _callbacks(keras, program, pause_s)
    tape.events = []
    outcome, message, result = "returned", "", None
    with _heard() as texts:
        random.seed(SEED)
        try:
            result = call(source, **arguments)
        except Exception as error:  # noqa: BLE001  # whatever it is goes to the trace
            outcome = "raised " + type(error).__name__
            message = next(iter(str(error).splitlines()), "")
    # Legacy threads may go on.
    trace = _Trace(list(tape.events), program, _version(keras))
    fields = trace.fields()
    fields["outcome"] = outcome
    if message and "/" not in message and "0x" not in message:
        fields["message"] = message
    if program.trains:
        fields["weights"] = [number(w) for w in _flat(model.get_weights())]
    if outcome == "returned":
        fields.update(_returned(program, result))
    fields["warnings"] = [
        phrase for phrase in KNOWN_WARNINGS if any(phrase in text for text in texts)
    ]
    return fields


def _returned(program: Program, result: Any) -> dict:
    if not program.trains:
        return {"result": [number(value) for value in _flat(result)]}
    history = {
        key: [number(value) for value in values]
        for key, values in sorted(result.history.items())
    }
    return {"history": dict(history, epoch=list(result.epoch))}


def _flat(values: Any) -> list:
    if isinstance(values, (list, tuple)):
        return [number for value in values for number in _flat(value)]
    return [float(value) for value in np.ravel(values)]


def number(value: float) -> float:
    """As many digits as float32 has."""
    return float(f"{value:.7g}")


class _Trace:
    """Reads the events of a run."""

    def __init__(self, events: list, program: Program, version: str) -> None:
        self.events = events
        self.program = program
        # What a batch's logs have: Keras 2.3 its own loss, others the mean so far.
        self.has_means = not version.startswith("2.3.")

    def fields(self) -> dict:
        program = self.program
        trained, losses = self._runs("epoch_begin", "train_batch_")
        validated, _ = self._runs("test_begin", "test_batch_")
        fields: dict = {"callbacks": self._callbacks()}
        if program.trains:
            fields.update(trained=trained, losses=losses)
        if program.validation or program.call.startswith("evaluate"):
            fields["validated"] = validated
        if program.source not in ("generator", "iterator", "finite"):
            fields["hooks"] = self._hooks("training")
        if program.validation == "sequence":
            fields["validation_hooks"] = self._hooks("validation")
        if program.has_counted_reads:
            reads = [e[2] for e in self.events if e[:2] == ("read", "training")]
            fields["reads"] = reads if program.workers < 2 else sorted(reads)
        return fields

    def _runs(self, begin: str, batch: str) -> Any:
        """Codes and losses of the batches of each run that `begin` begins."""
        codes: list = []
        losses: list = []
        is_inside, total, size = False, 0.0, 0
        for event in self.events:
            if event[0] == begin:
                codes.append([])
                losses.append([])
                total, size = 0.0, 0
            elif event[0] == batch + "begin":
                is_inside = True
            elif event[0] == "codes" and is_inside:
                codes[-1] += sorted(set(event[1]), key=event[1].index)
                rows = len(event[1])
            elif event[0] == batch + "end":
                is_inside = False
                loss = event[2]
                if self.has_means:
                    loss = (loss * (size + rows) - total) / rows
                total, size = total + loss * rows, size + rows
                losses[-1].append(number(loss))
            elif event[0].endswith("_begin"):
                is_inside = False  # that batch has not come
        return codes, losses

    def _hooks(self, role: str) -> Any:
        counts: list = [0]
        for event in self.events:
            if event[0] == "epoch_begin":
                counts.append(0)
            counts[-1] += event == ("hook", role)
        is_list = self.program.has_passes and not counts[0]
        return counts[1:] if is_list else sum(counts)

    def _callbacks(self) -> list:
        texts: list = []
        for event in self.events:
            name = event[0]
            if name in ("codes", "read", "hook"):
                continue
            if name.endswith("batch_begin"):
                begun = event[1]
            elif name.endswith("batch_end"):
                kind = name[: -len("_batch_end")] + " batches"
                assert event[1] == begun, (event, begun)
                is_next = texts and texts[-1][0] == kind
                first = texts.pop()[1] if is_next else begun
                texts.append((kind, first, begun))
            else:
                texts.append(event)
        return [
            "{} {}-{}".format(*text)
            if len(text) == 3
            else " ".join(str(part) for part in text)
            for text in texts
        ]
