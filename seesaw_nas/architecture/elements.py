"""The element types of a deployed network, and the bytes that its numbers take."""

from __future__ import annotations

from typing import Literal, get_args

from seesaw_nas.core.errors import OptionError, known

ElementType = Literal["float32", "int8"]
ELEMENT_TYPES: tuple[ElementType, ...] = get_args(ElementType)
BIAS_BYTES = 4  # float32 beside float32 weights, int32 beside int8 weights, as TFLite and ONNX store them
_BYTES: dict[str, int] = {"float32": 4, "int8": 1}


def element_bytes(dtype: ElementType) -> int:
    """Bytes of one weight, or of one value of an activation.

    Raises:
        OptionError: the element type is unknown.
    """
    try:
        return _BYTES[dtype]
    except KeyError:
        raise OptionError(known("element type", str(dtype), ELEMENT_TYPES)) from None
