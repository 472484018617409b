"""Operators beside those of tinygrad's ONNX front end.

Batch normalisation as one product and one sum per element. And those of ai.onnx.ml that linear models and scalers of
scikit-learn are exported to, with the meaning of the ONNX-ML operator specification, version 3; trees, vectorisers and
text are not here: they are no tensor programs.
"""

from collections.abc import Callable, Sequence
from typing import Any

from edgebounty.programs.compiler.errors import BadSource
from edgebounty.programs.compiler.onnx_recurrent import gru, lstm


def batch_normalization(
    x: Any,
    scale: Any,
    bias: Any,
    mean: Any,
    variance: Any,
    epsilon: float = 1e-5,
    training_mode: int = 0,
    **_: Any,
) -> Any:
    """(x - mean) / sqrt(variance + epsilon) * scale + bias, with everything but x put together once per channel."""
    if training_mode:
        raise BadSource("it is in training mode; export the model for inference")
    factor = (scale / (variance + epsilon).sqrt()).contiguous()
    offset = (bias - mean * factor).contiguous()
    channels = (1, -1, *[1] * (len(x.shape) - 2))
    return x * factor.reshape(channels) + offset.reshape(channels)


def matmul_integer(a: Any, b: Any, a_zero: Any = None, b_zero: Any = None) -> Any:
    """A product of 8-bit numbers with 32-bit sums."""
    from tinygrad import dtypes

    return (_centred(a, a_zero).int() @ _centred(b, b_zero).int()).cast(dtypes.int32)


def conv_integer(x: Any, w: Any, x_zero: Any = None, w_zero: Any = None, **options: Any) -> Any:
    """A convolution of 8-bit numbers with 32-bit sums. Its padding is the zero point, as onnxruntime has it."""
    from tinygrad import dtypes

    per_channel = w_zero if w_zero is None else w_zero.reshape(-1, 1, 1, 1)
    centred = _centred(x, x_zero).contiguous().cast(dtypes.int32)
    return _front("Conv")(centred, _centred(w, per_channel).cast(dtypes.int32), **options).cast(dtypes.int32)


def qlinear_matmul(
    a: Any, a_scale: Any, a_zero: Any, b: Any, b_scale: Any, b_zero: Any, y_scale: Any, y_zero: Any
) -> Any:
    """A product of 8-bit numbers with 32-bit sums, rounded to even into 8 bits again."""
    return _rounded(matmul_integer(a, b, a_zero, b_zero), a_scale * b_scale / y_scale, y_zero)


def qlinear_conv(
    x: Any,
    x_scale: Any,
    x_zero: Any,
    w: Any,
    w_scale: Any,
    w_zero: Any,
    y_scale: Any,
    y_zero: Any,
    bias: Any = None,
    **options: Any,
) -> Any:
    """A convolution of 8-bit numbers with 32-bit sums and bias, rounded to even into 8 bits again."""
    sums = conv_integer(x, w, x_zero, w_zero, **options)
    if bias is not None:
        sums = sums + bias.reshape(1, -1, 1, 1)
    return _rounded(sums, x_scale * w_scale.reshape(1, -1, 1, 1) / y_scale, y_zero)


def _centred(values: Any, zero: Any) -> Any:
    """8-bit numbers less their zero point, in 16 bits: so the factors of a product are known to be small."""
    from tinygrad import dtypes

    centred = values.contiguous().int() if zero is None else values.contiguous().int() - zero.int()
    return centred.cast(dtypes.int16)


_NO_FRACTION = 1.5 * 2**23
"""A float this large has no room behind the point: what is added to it is rounded to even, and is its last bits."""
_ITS_BITS = 0x4B400000


def _rounded(sums: Any, scale: Any, zero: Any) -> Any:
    """Brought into the range of 8 bits first, which rounding does not leave again; its bits then hold the number."""
    from tinygrad import dtypes

    low, high = (0, 255) if zero.dtype == dtypes.uint8 else (-128, 127)
    lowest, highest = low - zero.float(), high - zero.float()
    scaled = sums.float() * scale
    within = (lowest < scaled).where(scaled, lowest)  # NaN, whose bits differ between processors, becomes the lowest
    within = (within < highest).where(within, highest)
    return ((within + _NO_FRACTION).bitcast(dtypes.int32) - _ITS_BITS + zero.int()).cast(zero.dtype)


def _front(name: str) -> Any:
    """The same operator of tinygrad's front end."""
    from tinygrad.nn.onnx import onnx_ops

    return onnx_ops[name]


def scaler(x: Any, offset: Sequence[float], scale: Sequence[float]) -> Any:
    return (x.float() - _row(offset)) * _row(scale)


def linear_regressor(
    x: Any,
    coefficients: Sequence[float],
    intercepts: Sequence[float] = (),
    targets: int = 1,
    post_transform: str = "NONE",
) -> Any:
    return _transformed(_scores(x, coefficients, intercepts, targets), post_transform)


def linear_classifier(
    x: Any,
    coefficients: Sequence[float],
    intercepts: Sequence[float] = (),
    classlabels_ints: Sequence[int] = (),
    classlabels_strings: Sequence[str] = (),
    multi_class: int = 0,
    post_transform: str = "NONE",
) -> tuple[Any, Any]:
    from tinygrad import Tensor, dtypes

    if classlabels_strings or not classlabels_ints:
        raise BadSource("its class labels are no whole numbers; fit it on numbered classes")
    scores = _scores(x, coefficients, intercepts, len(classlabels_ints))
    labels = Tensor(list(classlabels_ints), dtype=dtypes.int64)
    return labels[scores.argmax(1)], _transformed(scores, post_transform)


def normalizer(x: Any, norm: str = "MAX") -> Any:
    sizes = {
        "L1": x.abs().sum(1, keepdim=True),
        "L2": x.square().sum(1, keepdim=True).sqrt(),
        "MAX": x.max(1, keepdim=True),
    }
    size = sizes[norm]
    return x / (size == 0).where(1, size)


def _scores(x: Any, coefficients: Sequence[float], intercepts: Sequence[float], outputs: int) -> Any:
    from tinygrad import Tensor

    columns = len(coefficients) // outputs
    if columns != x.shape[1] or columns * outputs != len(coefficients):
        raise BadSource(f"{len(coefficients)} coefficients do not fit {x.shape[1]} columns and {outputs} outputs")
    scores = x.float() @ Tensor(list(coefficients)).reshape(outputs, columns).transpose()
    return scores + _row(intercepts) if intercepts else scores


def _row(values: Sequence[float]) -> Any:
    from tinygrad import Tensor

    return Tensor([float(value) for value in values]).reshape(1, -1)


def _transformed(scores: Any, post_transform: str) -> Any:
    found = {"NONE": lambda: scores, "SOFTMAX": lambda: scores.softmax(-1), "LOGISTIC": lambda: scores.sigmoid()}
    if post_transform not in found:
        raise BadSource(f"post_transform {post_transform} is not known; choose NONE, SOFTMAX or LOGISTIC")
    return found[post_transform]()


OPERATORS: dict[str, Callable[..., Any]] = {
    "BatchNormalization": batch_normalization,
    "LSTM": lstm,
    "GRU": gru,
    "ConvInteger": conv_integer,
    "MatMulInteger": matmul_integer,
    "QLinearConv": qlinear_conv,
    "QLinearMatMul": qlinear_matmul,
    "Scaler": scaler,
    "LinearRegressor": linear_regressor,
    "LinearClassifier": linear_classifier,
    "Normalizer": normalizer,
}
