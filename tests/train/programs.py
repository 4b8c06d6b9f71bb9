"""The small programs that run under the legacy Kerases and under seq2data.

Rows of a table. This module and those that run a row are imported by Python 3.7 as
well, without seq2data, and by worker processes, without TensorFlow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional

VALIDATION_FROM = 50
"""Index of the first batch that is only there for validation."""


@dataclass(frozen=True)
class Program:
    """One call of a method of `Model`.

    Attributes:
        name: Of the program, in traces and tests.
        call: The method.
        source: Kind of the training source, see `program_sources`.
        length: Of the training source, in batches.
        nesting: Of its batches, see `program_sources`.
        steps: `steps_per_epoch`, or `steps` of an evaluation or prediction.
        epochs: Keras's argument, as are all those that follow and have its names.
        stop: What ends the training early: "early_stopping" after `patience=1` epochs
            without improvement, "batch" after the second batch of the second epoch.
        validation: Kind of the validation source, "" for none.
        validation_length: Of the validation source, in batches.
    """

    name: str
    call: str = "fit_generator"
    source: str = "sequence"
    length: int = 4
    nesting: str = "plain"
    steps: Optional[int] = None
    epochs: int = 2
    initial_epoch: int = 0
    stop: str = ""
    validation: str = ""
    validation_length: int = 3
    validation_steps: Optional[int] = None
    validation_freq: Any = 1
    class_weight: Any = None
    shuffle: bool = False
    workers: int = 1
    use_multiprocessing: bool = False

    @property
    def trains(self) -> bool:
        return self.call.startswith("fit")

    @property
    def has_passes(self) -> bool:
        """Whether each epoch trains, and validates, in whole passes."""
        return (
            self.trains
            and self.steps in (None, self.length)
            and self.validation_steps in (None, self.validation_length)
        )

    @property
    def has_counted_reads(self) -> bool:
        """Whether it reads whole passes, in the process that counts the reads."""
        is_indexed = self.source in ("sequence", "shifting", "shrinking")
        is_cut = self.steps is not None or self.stop or self.validation == "finite"
        return is_indexed and not is_cut and not self.use_multiprocessing


WAYS = {
    "w0": {"workers": 0},
    "w1": {"workers": 1},
    "t2": {"workers": 2},
    "p2": {"workers": 2, "use_multiprocessing": True},
}
"""Ways of reading: in the caller, one thread, two threads, two processes."""

_WEIGHTS = {0: 1.0, 1: 3.0}


def _in_ways(ways: str, name: str, **arguments: Any) -> list:
    return [
        Program(name=name + "-" + way, **dict(WAYS[way], **arguments))
        for way in ways.split()
    ]


PROGRAMS = [
    # How many batches an epoch has.
    *_in_ways("w0 w1 t2 p2", "pass"),
    *_in_ways("w1 t2", "pass-fit", call="fit", epochs=3),
    *_in_ways("w0 w1 t2 p2", "fewer-steps", length=5, steps=2, epochs=3),
    *_in_ways("w1", "fewer-steps-fit", call="fit", length=5, steps=3, epochs=4),
    *_in_ways("w0 w1 t2 p2", "more-steps", length=3, steps=5),
    *_in_ways("w1", "more-steps-fit", call="fit", length=3, steps=4, epochs=3),
    *_in_ways("w1 t2", "equal-steps", steps=4),
    # Order.
    *_in_ways("w0 w1 t2 p2", "shuffle", length=6, shuffle=True),
    *_in_ways("w1", "shuffle-fit", call="fit", length=6, shuffle=True, epochs=3),
    *_in_ways(
        "w1 t2", "shuffle-fewer-steps", length=6, steps=4, epochs=3, shuffle=True
    ),
    # What `on_epoch_end` changes.
    *_in_ways("w0 w1 t2 p2", "shifting", source="shifting", length=3, epochs=3),
    *_in_ways(
        "w1 t2", "shifting-fewer-steps", source="shifting", length=4, steps=2, epochs=4
    ),
    *_in_ways("w0 w1 t2", "growing", source="growing", length=2, epochs=3),
    *_in_ways("w1", "growing-fit", call="fit", source="growing", length=2, epochs=3),
    *_in_ways("w1", "shrinking", source="shrinking", length=4, epochs=3),
    # Generators.
    *_in_ways("w0 w1", "generator", source="generator", steps=3),
    *_in_ways("w1", "generator-fit", call="fit", source="generator", steps=3),
    Program("generator-p1", source="generator", steps=3, use_multiprocessing=True),
    *_in_ways("w1", "iterator", source="iterator", steps=3),
    *_in_ways("w0", "iterator-fit", call="fit", source="iterator", steps=3),
    *_in_ways("w1", "finite", source="finite", epochs=1),
    *_in_ways("w0 w1", "finite-exact", source="finite", length=6, steps=3),
    *_in_ways("w0 w1", "runs-out", source="finite", length=7, steps=3, epochs=4),
    *_in_ways("w1", "runs-out-at-once", source="finite", length=2, steps=5, epochs=1),
    *_in_ways("w1", "finite-two-epochs", source="finite"),
    # Validation.
    *_in_ways("w1 t2", "arrays", validation="arrays"),
    *_in_ways("w1", "arrays-fit", call="fit", validation="arrays"),
    *_in_ways("w0 w1 t2 p2", "validation", validation="sequence"),
    *_in_ways("w1", "validation-fit", call="fit", validation="sequence"),
    *_in_ways(
        "w0 w1 t2", "validation-fewer-steps", validation="sequence", validation_steps=2
    ),
    *_in_ways(
        "w1 t2",
        "validation-more-steps",
        validation="sequence",
        validation_length=2,
        validation_steps=5,
    ),
    *_in_ways(
        "w1", "validation-equal-steps", validation="sequence", validation_steps=3
    ),
    *_in_ways(
        "w0 w1",
        "validation-generator",
        validation="generator",
        validation_steps=2,
        epochs=3,
    ),
    *_in_ways("w1", "validation-finite", validation="finite"),
    *_in_ways("w1", "validation-runs-out", validation="finite", validation_steps=2),
    *_in_ways(
        "w1", "validation-freq", validation="sequence", validation_freq=2, epochs=4
    ),
    *_in_ways(
        "w1",
        "validation-epochs",
        call="fit",
        validation="sequence",
        validation_freq=[1, 3],
        epochs=3,
    ),
    *_in_ways(
        "w1",
        "generator-validation",
        source="generator",
        steps=3,
        validation="sequence",
    ),
    *_in_ways(
        "w1",
        "fewer-steps-validation",
        length=5,
        steps=3,
        validation="sequence",
    ),
    # Weights of classes and of samples.
    *_in_ways("w1 t2", "class-weight", class_weight=_WEIGHTS),
    *_in_ways("w1", "class-weight-fit", call="fit", class_weight=_WEIGHTS),
    *_in_ways(
        "w1",
        "class-weight-generator",
        source="generator",
        steps=3,
        class_weight=_WEIGHTS,
    ),
    *_in_ways("w1", "sample-weight", nesting="weighted"),
    *_in_ways("w1", "both-weights", nesting="weighted", class_weight=_WEIGHTS),
    *_in_ways(
        "w1",
        "class-weight-outputs",
        nesting="outputs",
        class_weight={"first": _WEIGHTS, "second": {0: 2.0, 1: 1.0}},
    ),
    # Nested batches.
    *_in_ways("w1 t2 p2", "lists", nesting="lists"),
    *_in_ways("w1 t2", "dicts", nesting="dicts"),
    *_in_ways("w1", "dicts-generator", source="generator", steps=3, nesting="dicts"),
    *_in_ways("w1", "list-of-x-and-y", nesting="pair"),
    *_in_ways("w1 t2", "outputs", nesting="outputs"),
    *_in_ways("w1", "outputs-by-name", nesting="named outputs"),
    *_in_ways(
        "w1", "lists-validation", nesting="lists", validation="sequence", shuffle=True
    ),
    # Where epochs begin and end.
    *_in_ways("w1", "initial-epoch", initial_epoch=2, epochs=4),
    *_in_ways(
        "w1",
        "initial-epoch-fit",
        call="fit",
        initial_epoch=1,
        epochs=4,
        validation="sequence",
        validation_freq=2,
    ),
    *_in_ways("w0 w1 t2", "early-stopping", stop="early_stopping", epochs=6),
    *_in_ways(
        "w1",
        "early-stopping-validation",
        stop="early_stopping",
        epochs=6,
        validation="sequence",
    ),
    *_in_ways("w1 t2", "stop-in-epoch", stop="batch", epochs=4),
    *_in_ways(
        "w1", "stop-in-epoch-validation", stop="batch", validation="sequence", epochs=4
    ),
    # One run.
    *_in_ways("w0 w1 t2", "evaluate", call="evaluate_generator"),
    *_in_ways("w1", "evaluate-fewer-steps", call="evaluate_generator", steps=2),
    *_in_ways("w1 t2", "evaluate-more-steps", call="evaluate_generator", steps=6),
    *_in_ways(
        "w1",
        "evaluate-generator",
        call="evaluate_generator",
        source="generator",
        steps=3,
    ),
    *_in_ways(
        "w1", "evaluate-runs-out", call="evaluate_generator", source="finite", steps=6
    ),
    *_in_ways("w0 w1 t2 p2", "predict", call="predict_generator"),
    *_in_ways("w1", "predict-fit", call="predict"),
    *_in_ways("w1", "predict-fewer-steps", call="predict_generator", steps=2),
    *_in_ways("w1 t2", "predict-more-steps", call="predict_generator", steps=6),
    *_in_ways(
        "w1", "predict-generator", call="predict_generator", source="generator", steps=3
    ),
    *_in_ways("w1", "predict-outputs", call="predict_generator", nesting="outputs"),
    # What goes wrong.
    *_in_ways("w1 t2 p2", "raises", source="raising"),
    *_in_ways("p2", "worker-dies", source="dying"),
    *_in_ways("w1", "empty", length=0),
]
