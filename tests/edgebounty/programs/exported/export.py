"""Makes the ONNX files of this folder: what the exporters of PyTorch and Keras write for small models.

Run in an environment of its own, since neither library is needed anywhere else:

    python3 -m venv venv
    venv/bin/pip install torch==2.9.1 keras==3.15.1 onnx==1.23.2 onnxscript==0.7.2 numpy
    KERAS_BACKEND=torch venv/bin/python export.py

Beside each NAME.onnx it writes NAME.npz: an input `x` of 5 rows and what the model itself, not onnxruntime, says to it.
"""

import warnings
from pathlib import Path

import keras
import numpy as np
import onnx
import torch
from torch import nn

HERE = Path(__file__).parent
ROWS = 5
BATCH = torch.export.Dim("batch", min=2)


class Sequence(nn.Module):
    """Tokens to classes by an embedding and an LSTM, of which the last step counts."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(20, 8)
        self.lstm = nn.LSTM(8, 12, batch_first=True)
        self.head = nn.Linear(12, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.lstm(self.embedding(x))[0][:, -1])


class Attention(nn.Module):
    """Tokens to classes by an embedding, a transformer block and a mean."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(20, 16)
        self.block = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True, activation="gelu")
        self.head = nn.Linear(16, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.block(self.embedding(x)).mean(dim=1))


def torch_models() -> dict[str, tuple[nn.Module, torch.Tensor]]:
    rows, images = torch.randn(ROWS, 6), torch.rand(ROWS, 1, 12, 12)
    tokens = torch.randint(0, 20, (ROWS, 7))
    convolutions = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(4, 8, 3, stride=2, bias=False), nn.BatchNorm2d(8), nn.SiLU(), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Dropout(0.3), nn.Linear(8, 3),
    )  # fmt: skip
    return {
        "mlp": (nn.Sequential(nn.Linear(6, 9), nn.GELU(), nn.LayerNorm(9), nn.Linear(9, 3), nn.Softmax(-1)), rows),
        "convolutions": (convolutions, images),
        "lstm": (Sequence(), tokens),
        "attention": (Attention(), tokens),
    }


def forget_traces(path: Path) -> None:
    """Drops where in which file of the exporting machine each node came from: torch writes a whole stack for each."""
    model = onnx.load(path)
    for node in (*model.graph.node, *(node for function in model.functions for node in function.node)):
        node.doc_string = ""
        del node.metadata_props[:]
    for part in (model, model.graph, *model.graph.input, *model.graph.output, *model.graph.value_info):
        del part.metadata_props[:]
    for tensor in model.graph.initializer:
        del tensor.metadata_props[:]
    onnx.save(model, path)


def export_torch() -> None:
    for name, (model, x) in torch_models().items():
        with torch.no_grad():
            model.train()(x)  # so that batch normalisation has statistics of its own
            y = model.eval()(x)
        for exporter, options in {
            "torch": {"dynamo": True, "dynamic_shapes": ({0: BATCH},), "external_data": False},
            "torchscript": {"dynamo": False, "dynamic_axes": {"x": {0: "batch"}, "y": {0: "batch"}}},
        }.items():
            path = HERE / f"{exporter}-{name}.onnx"
            torch.onnx.export(model, (x,), path, input_names=["x"], output_names=["y"], verbose=False, **options)
            forget_traces(path)
            np.savez(path.with_suffix(".npz"), x=x.numpy(), y=y.detach().numpy())


def keras_models() -> dict[str, tuple[keras.Model, np.ndarray]]:
    random, layers = np.random.default_rng(0), keras.layers
    rows = random.normal(size=(ROWS, 6)).astype(np.float32)
    images = random.random((ROWS, 12, 12, 1)).astype(np.float32)
    tokens = random.integers(0, 20, (ROWS, 7)).astype(np.int32)
    steps = random.normal(size=(ROWS, 7, 5)).astype(np.float32)
    return {
        "mlp": (
            keras.Sequential([keras.Input((6,)), layers.Dense(9, "relu"), layers.Dense(3, "softmax")]),
            rows,
        ),
        "convolutions": (
            keras.Sequential(
                [
                    *(keras.Input((12, 12, 1)), layers.Conv2D(4, 3, padding="same"), layers.BatchNormalization()),
                    *(layers.ReLU(), layers.MaxPooling2D(), layers.DepthwiseConv2D(3)),
                    *(layers.GlobalAveragePooling2D(), layers.Dropout(0.3), layers.Dense(3)),
                ]
            ),
            images,
        ),
        "gru": (keras.Sequential([keras.Input((7, 5)), layers.GRU(6), layers.Dense(3)]), steps),
        "lstm": (keras.Sequential([keras.Input((7, 5)), layers.LSTM(6), layers.Dense(3)]), steps),
        "words": (
            keras.Sequential(
                [
                    *(keras.Input((7,), dtype="int32"), layers.Embedding(20, 8)),
                    *(layers.Conv1D(6, 3, activation="gelu"), layers.GlobalAveragePooling1D(), layers.Dense(3)),
                ]
            ),
            tokens,
        ),
    }


def export_keras() -> None:
    for name, (model, x) in keras_models().items():
        model(x, training=True)
        y = keras.ops.convert_to_numpy(model(x, training=False))
        path = HERE / f"keras-{name}.onnx"
        model.export(path, format="onnx", verbose=False)
        np.savez(path.with_suffix(".npz"), x=x, y=y)


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    torch.manual_seed(0)
    keras.utils.set_random_seed(0)
    export_torch()
    export_keras()
