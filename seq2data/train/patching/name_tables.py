"""Lists the names of Keras 2 that Keras 3 has moved or removed.

To restore one more name, add a line to one of these tables. No other file changes but
the test: `tests/train/patching/test_restored_names.py` has a list of examples. All
paths are below `keras`.

    MOVED       a module whose names are elsewhere now
    REPLACED    a name that seq2data implements
    GONE        a name without a successor, with the advice for the error message
"""

from __future__ import annotations

MOVED = {
    "callbacks.callbacks": ("callbacks",),
    "engine": ("layers", "models", "utils"),
    "engine.base_layer": ("layers",),
    "engine.input_layer": ("layers",),
    "engine.network": ("models", "utils"),
    "engine.sequential": ("models",),
    "engine.topology": ("layers", "models", "utils"),
    "engine.training": ("models",),
    "backend.tensorflow_backend": ("backend",),
    "experimental": ("optimizers.schedules",),
    "layers.advanced_activations": ("layers",),
    "layers.convolutional": ("layers",),
    "layers.convolutional_recurrent": ("layers",),
    "layers.core": ("layers",),
    "layers.embeddings": ("layers",),
    "layers.experimental": ("layers",),
    "layers.experimental.preprocessing": ("layers",),
    "layers.merge": ("layers",),
    "layers.noise": ("layers",),
    "layers.normalization": ("layers",),
    "layers.pooling": ("layers",),
    "layers.recurrent": ("layers",),
    "layers.wrappers": ("layers",),
    "objectives": ("losses",),
    "preprocessing.text": ("preprocessing.text",),
    "utils.data_utils": ("utils",),
    "utils.generic_utils": ("utils",),
    "utils.layer_utils": ("utils",),
    "utils.np_utils": ("utils",),
    "utils.vis_utils": ("utils",),
}
"""Modules of Keras 2, and the modules of `tf.keras` that have their names now."""

REPLACED = {
    f"{module}.{name}": "seq2data.train.enqueuers"
    for module in ("utils", "utils.data_utils")
    for name in ("GeneratorEnqueuer", "OrderedEnqueuer", "SequenceEnqueuer")
}
"""Names that seq2data implements, and the module, which is imported on first use."""

_NO_SESSION = (
    "Keras has no session now, so leave the call out; the options of a GPU are in "
    "`tf.config`"
)
_NO_PHASE = "pass `training=True` or `training=False` where the model is called"
_HDF5 = "open the file with `h5py` in `__getitem__` of a `keras.utils.Sequence`"
_SEVERAL_GPUS = (
    "build and compile the model in the scope of a `tf.distribute.MirroredStrategy`"
)

GONE = {
    "backend.get_session": _NO_SESSION,
    "backend.set_session": _NO_SESSION,
    "backend.tensorflow_backend.get_session": _NO_SESSION,
    "backend.tensorflow_backend.set_session": _NO_SESSION,
    "backend.learning_phase": _NO_PHASE,
    "backend.set_learning_phase": _NO_PHASE,
    "layers.CuDNNGRU": "use `keras.layers.GRU`, which runs on cuDNN where it can",
    "layers.CuDNNLSTM": "use `keras.layers.LSTM`, which runs on cuDNN where it can",
    "mixed_precision.experimental": "use `keras.mixed_precision.set_global_policy` and "
    "`keras.mixed_precision.Policy`",
    "utils.HDF5Matrix": f"{_HDF5}, and slice its dataset there",
    "utils.io_utils": f"`HDF5Matrix` was in it: {_HDF5}, and slice its dataset there",
    "utils.multi_gpu_model": _SEVERAL_GPUS,
    "utils.training_utils": f"`multi_gpu_model` was in it: {_SEVERAL_GPUS}",
    "wrappers.scikit_learn": "use `keras.wrappers.SKLearnClassifier` and "
    "`keras.wrappers.SKLearnRegressor`, or the package `scikeras`",
}
"""Names without a successor, and the advice for the error message."""

INCOMPLETE = (
    "losses",
    "metrics",
    "preprocessing.image",
    "preprocessing.sequence",
    *sorted(
        {path.rpartition(".")[0] for path in (*MOVED, *GONE)} - set(MOVED),
    ),
)
"""Modules of Keras 3 that lack some of those names, or names of `tf.keras`."""
