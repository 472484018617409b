"""Convolutions pad their input once, in memory: so their inner loops are free of conditions."""

from typing import Any


def install() -> None:
    """Replaces `Tensor.conv2d` of this process by one that gives the same values."""
    from tinygrad import Tensor

    original = Tensor.conv2d

    def conv2d(
        self: Any,
        weight: Any,
        bias: Any = None,
        groups: int = 1,
        stride: Any = 1,
        dilation: Any = 1,
        padding: Any = 0,
        **rest: Any,
    ) -> Any:
        sides = _sides(padding)
        if len(weight.shape) == 4 and any(sides):
            left, right, top, bottom = sides
            # Without the first copy the padding would compute what it pads once more for each place it is read from.
            wanted, kept = self.dtype, _narrowest(self)
            self = kept.contiguous().pad((None, None, (top, bottom), (left, right))).contiguous().cast(wanted)
            padding = 0
        return original(self, weight, bias, groups, stride, dilation, padding, **rest)

    Tensor.conv2d = conv2d


def _narrowest(tensor: Any) -> Any:
    """What a whole number was widened from: padded as that it takes less memory, and is known to be small."""
    from tinygrad import Tensor, dtypes

    uop = tensor.uop
    while uop.op.name == "CAST" and dtypes.is_int(uop.dtype) and dtypes.is_int(uop.src[0].dtype):
        narrow, wide = uop.src[0].dtype, uop.dtype
        if narrow.min < wide.min or narrow.max > wide.max:
            break
        uop = uop.src[0]
    return tensor if uop is tensor.uop else Tensor(uop)


def _sides(padding: Any) -> tuple[int, int, int, int]:
    """left, right, top, bottom, however it was said; zeros for a convolution of other than two dimensions."""
    if isinstance(padding, int):
        return (padding,) * 4
    if len(padding) == 2:
        return padding[1], padding[1], padding[0], padding[0]
    return tuple(padding) if len(padding) == 4 else (0, 0, 0, 0)
