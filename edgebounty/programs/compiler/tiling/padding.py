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
            self = self.contiguous().pad((None, None, (top, bottom), (left, right))).contiguous()
            padding = 0
        return original(self, weight, bias, groups, stride, dilation, padding, **rest)

    Tensor.conv2d = conv2d


def _sides(padding: Any) -> tuple[int, int, int, int]:
    """left, right, top, bottom, however it was said; zeros for a convolution of other than two dimensions."""
    if isinstance(padding, int):
        return (padding,) * 4
    if len(padding) == 2:
        return padding[1], padding[1], padding[0], padding[0]
    return tuple(padding) if len(padding) == 4 else (0, 0, 0, 0)
