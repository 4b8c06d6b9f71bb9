"""Names that Keras 3 has removed: back, or with a message."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

keras = pytest.importorskip("keras")
tf = pytest.importorskip("tensorflow")

import seq2data  # noqa: E402

pytestmark = pytest.mark.tensorflow

# With tf_keras, `keras` is Keras 3 and `tf.keras` is not.
KERAS_3 = {
    name: module
    for name, module in (("keras", keras), ("tensorflow.keras", tf.keras))
    if getattr(module, "__version__", "2.").startswith("3.")
}
keras_3_only = pytest.mark.skipif(not KERAS_3, reason="Keras 2 has its own")
keras_2_only = pytest.mark.skipif(len(KERAS_3) == 2, reason="Keras 3 has none")

BACK = [
    ("keras.utils", "OrderedEnqueuer"),
    ("keras.utils", "GeneratorEnqueuer"),
    ("keras.utils", "SequenceEnqueuer"),
    ("keras.utils.data_utils", "OrderedEnqueuer"),
    ("keras.utils.data_utils", "Sequence"),
    ("keras.utils.data_utils", "get_file"),
    ("tensorflow.keras.utils", "OrderedEnqueuer"),
    ("tensorflow.keras.utils", "GeneratorEnqueuer"),
    ("keras.preprocessing.image", "ImageDataGenerator"),
    ("keras.preprocessing.image", "NumpyArrayIterator"),
    ("keras.preprocessing.image", "Iterator"),
    ("keras.preprocessing.sequence", "TimeseriesGenerator"),
    ("keras.preprocessing.sequence", "skipgrams"),
    ("keras.preprocessing.text", "Tokenizer"),
    ("keras.backend", "binary_crossentropy"),
    ("keras.backend", "mean"),
    ("keras.backend.tensorflow_backend", "mean"),
    ("keras.callbacks.callbacks", "EarlyStopping"),
    ("keras.engine", "Layer"),
    ("keras.engine.topology", "Input"),
    ("keras.engine.topology", "get_source_inputs"),
    ("keras.engine.training", "Model"),
    ("keras.layers.advanced_activations", "LeakyReLU"),
    ("keras.layers.convolutional", "Conv2D"),
    ("keras.layers.core", "Dense"),
    ("keras.layers.embeddings", "Embedding"),
    ("keras.layers.merge", "concatenate"),
    ("keras.layers.normalization", "BatchNormalization"),
    ("keras.layers.pooling", "MaxPooling2D"),
    ("keras.layers.recurrent", "LSTM"),
    ("keras.layers.wrappers", "TimeDistributed"),
    ("keras.losses", "mse"),
    ("keras.objectives", "categorical_crossentropy"),
    ("keras.utils.generic_utils", "Progbar"),
    ("keras.utils.np_utils", "to_categorical"),
    ("keras.utils.vis_utils", "plot_model"),
    ("tensorflow.keras.experimental", "CosineDecay"),
    ("tensorflow.keras.layers.experimental.preprocessing", "Rescaling"),
    ("tensorflow.keras.losses", "mean_squared_error"),
]
GONE = [
    ("backend", "get_session", "tf.config"),
    ("backend", "set_session", "tf.config"),
    ("backend", "learning_phase", "training=True"),
    ("backend.tensorflow_backend", "set_session", "tf.config"),
    ("layers", "CuDNNLSTM", "keras.layers.LSTM"),
    ("mixed_precision", "experimental", "set_global_policy"),
    ("utils", "HDF5Matrix", "h5py"),
    ("utils", "io_utils", "h5py"),
    ("utils", "multi_gpu_model", "MirroredStrategy"),
    ("utils", "training_utils", "MirroredStrategy"),
    ("wrappers", "scikit_learn", "scikeras"),
]
each_gone = pytest.mark.parametrize(("module", "name", "instead"), GONE)


@pytest.fixture
def unpatched() -> Iterator[None]:
    seq2data.unpatch_keras()
    yield
    seq2data.unpatch_keras()


def contents() -> dict[str, Any]:
    """What the modules of Keras hold, by module."""
    return {
        name: dict(vars(module))
        for name, module in list(sys.modules.items())
        if f"{name}.".startswith(("keras.", "tensorflow.keras."))
        and ".src." not in name
    }


@keras_3_only
@pytest.mark.usefixtures("patched")
@pytest.mark.parametrize(("module", "name"), BACK)
def test_name_can_be_imported_again(module: str, name: str) -> None:
    root, _, path = module.partition("keras.")
    if root + "keras" not in KERAS_3:
        pytest.skip("`tf.keras` is Keras 2, which has its own")
    namespace: dict[str, Any] = {}
    exec(f"from {module} import {name}", namespace)
    for owner in KERAS_3.values():
        for part in path.split("."):
            owner = getattr(owner, part)
        assert getattr(owner, name) is namespace[name]


@pytest.mark.usefixtures("unpatched")
def test_keras_is_as_before_without_the_patches() -> None:
    importlib.import_module("tensorflow.keras.utils")
    importlib.import_module("tensorflow.keras.backend")
    importlib.import_module("tensorflow.keras.layers")
    seq2data.patch_keras()  # wrapt's finder comes with the first hook, and stays
    seq2data.unpatch_keras()
    before, finders = contents(), list(sys.meta_path)
    for _ in range(2):
        seq2data.patch_keras()
        seq2data.patch_keras()
        for root in KERAS_3:
            importlib.import_module(f"{root}.layers.experimental.preprocessing")
        assert (contents() == before) != bool(KERAS_3)
        seq2data.unpatch_keras()
        assert contents().keys() == before.keys()
        assert contents() == before
        assert sys.meta_path == finders


@keras_3_only
@pytest.mark.usefixtures("patched")
@pytest.mark.parametrize("root", KERAS_3)
@each_gone
def test_import_of_what_is_gone_says_what_to_use(
    root: str, module: str, name: str, instead: str
) -> None:
    for statement in (
        f"from {root}.{module} import {name}",
        f"import {root}.{module}.{name}",
        f"from {root}.{module}.{name} import anything",
    ):
        with pytest.raises(ImportError, match=instead) as caught:
            exec(statement, {})
        assert f"Keras 3 has no `{root}.{module}.{name}`" in str(caught.value)


@keras_3_only
@pytest.mark.usefixtures("patched")
@each_gone
def test_use_of_what_is_gone_says_what_to_use(
    module: str, name: str, instead: str
) -> None:
    for keras_3 in KERAS_3.values():
        owner = getattr(keras_3, module)
        assert not hasattr(owner, name)
        with pytest.raises(AttributeError, match=instead):
            getattr(owner, name)


USERS_MODULE = """
from keras import backend as K
from keras.engine.topology import Layer
from keras.utils import np_utils
from keras.utils.data_utils import OrderedEnqueuer, Sequence

class Batches(Sequence):
    def __len__(self):
        return 3

    def __getitem__(self, index):
        K.batch_get_value([])
        return self.module.to_categorical([index], 3), index
"""


@keras_3_only
@pytest.mark.usefixtures("patched")
def test_workers_find_them_in_modules_that_they_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "users_module.py").write_text(USERS_MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    source = importlib.import_module("users_module").Batches()
    source.module = importlib.import_module("keras.utils.np_utils")
    dataset = seq2data.to_dataset(source, workers=1, use_multiprocessing=True)
    got = [(x.numpy().tolist(), int(y)) for x, y in dataset]
    assert got == [([np.eye(3)[index].tolist()], index) for index in range(3)]


@pytest.mark.usefixtures("patched")
def test_other_names_are_missed_as_ever() -> None:
    with pytest.raises(ImportError, match="cannot import name 'anything'"):
        exec("from keras.utils import anything", {})
    with pytest.raises(AttributeError, match="has no attribute 'anything'"):
        keras.utils.anything  # noqa: B018  # the access is the test
    with pytest.raises(ModuleNotFoundError, match="No module named"):
        importlib.import_module("keras.utils.anything")


@keras_2_only
@pytest.mark.usefixtures("unpatched")
@pytest.mark.parametrize("name", ["OrderedEnqueuer", "GeneratorEnqueuer"])
def test_keras_2_keeps_its_own(name: str) -> None:
    own = getattr(tf.keras.utils, name)
    seq2data.patch_keras()
    assert getattr(tf.keras.utils, name) is own


@keras_2_only
@pytest.mark.usefixtures("unpatched")
@each_gone
def test_keras_2_says_itself_what_it_has_not(
    module: str, name: str, instead: str
) -> None:
    del instead

    def outcome() -> str:
        try:
            exec(f"from tensorflow.keras.{module} import {name}", {})
        except ImportError as error:
            return repr(error)
        return "imported"

    own = outcome()
    seq2data.patch_keras()
    assert outcome() == own


@keras_3_only
@pytest.mark.usefixtures("patched")
def test_timeseries_generator_is_a_source() -> None:
    from keras.preprocessing.sequence import TimeseriesGenerator

    series = TimeseriesGenerator(np.arange(10), np.arange(10), length=3, batch_size=4)
    ours = list(seq2data.to_dataset(series, workers=2, use_multiprocessing=False))
    assert len(ours) == len(series) == 2
    for (x, y), (due_x, due_y) in zip(ours, (series[0], series[1])):
        np.testing.assert_array_equal(x, due_x)
        np.testing.assert_array_equal(y, due_y)


def image_data(num_images: int) -> tuple[np.ndarray, np.ndarray]:
    """Images of two classes, which differ in their brightness."""
    classes = np.arange(num_images) % 2
    return np.ones((num_images, 8, 8, 3)) * classes[:, None, None, None], classes


@pytest.mark.usefixtures("patched")
def test_image_data_generator_trains_a_model() -> None:
    from keras.preprocessing.image import ImageDataGenerator

    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(2, activation="softmax", kernel_initializer="zeros"),
        ]
    )
    loss = "sparse_categorical_crossentropy"
    model.compile(keras.optimizers.Adam(0.1), loss, metrics=["accuracy"])
    images = ImageDataGenerator(rescale=1.0)
    history = model.fit_generator(
        images.flow(*image_data(60), batch_size=16),
        epochs=8,
        verbose=0,
        validation_data=images.flow(*image_data(20), batch_size=16),
    )
    assert history.history["val_accuracy"][-1] == 1.0
    _, accuracy = model.evaluate_generator(images.flow(*image_data(60), batch_size=16))
    assert accuracy == 1.0
