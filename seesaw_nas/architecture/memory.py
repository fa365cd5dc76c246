"""Peak activation memory of inference, by arithmetic on the spec: the most that is alive at once, for one image.

The schedule is that of the deployed network on a runtime with a memory planner, layer by layer:

- Batch norm is folded, and the permutation is an order of channels (``network/wiring.py``), so neither has a tensor of
  its own. What remains are the stem; pw1, dw and pw2 of every block; head, global pool and classifier.
- While a layer computes, its input and its output are alive together. Each is one tensor, whatever its groups.
- Activations work in place, and so does the residual addition, into the output of pw2.
- A tensor is freed after its last reader. The input of a block with a residual is alive until the block ends.
- The image is freed after the stem; the logits are counted.

A second tensor for the residual's sum would change nothing: where there is a residual, the inner layer is at least as
wide as the output, so dw needs more. The peak is the highest of the stem's, each block's and the head's, and what a
block needs depends on the block and its shapes alone.

Left out is what a runtime adds: scratch buffers (im2col, packed or padded copies), alignment, gaps of a planner that
does not find the optimum, weights that are copied to memory, and its own state.
"""

from __future__ import annotations

from seesaw_nas.architecture.elements import ElementType, element_bytes
from seesaw_nas.architecture.spec import Architecture, Block, has_residual, output_size


def stem_elements(input_channels: int, input_size: int, channels: int, size_out: int) -> int:
    """Values alive while the stem computes: the image and the stem's output."""
    return input_channels * input_size**2 + channels * size_out**2


def block_elements(block: Block, c_in: int, c_out: int, size_in: int, size_out: int, stride: int) -> int:
    """Most values alive at once while a block computes, its input included.

    Args:
        c_in, c_out: channels before and after; the block is known to fit between them.
        size_in, size_out: side of the square feature map before and after, in pixels.
        stride: decides with the channels whether there is a residual; the sizes do not, for a 1x1 map stays one.
    """
    read, inner = c_in * size_in**2, block.expansion * c_in
    expanded, filtered, written = inner * size_in**2, inner * size_out**2, c_out * size_out**2
    held = read if has_residual(c_in, c_out, stride) else 0
    return max(read + expanded, held + expanded + filtered, held + filtered + written)


def head_elements(c_in: int, channels: int, classes: int, size: int) -> int:
    """Most values alive at once while head, global pool and classifier compute, the last feature map included."""
    whole = channels * size**2
    return max(c_in * size**2 + whole, whole + channels, channels + classes)


def peak_elements(architecture: Architecture) -> int:
    """Most values alive at once in the whole network, for one image."""
    stem, last = architecture.stem, architecture.placed[-1]
    channels, size = architecture.input_channels, architecture.input_size
    return max(
        stem_elements(channels, size, stem.channels, output_size(size, stem.stride)),
        *(
            block_elements(at.block, at.c_in, at.c_out, at.size_in, at.size_out, at.stride)
            for at in architecture.placed
        ),
        head_elements(last.c_out, architecture.head.channels, architecture.classes, last.size_out),
    )


def peak_bytes(architecture: Architecture, dtype: ElementType) -> int:
    """Bytes of the activations that are alive at once at most, for one image.

    Raises:
        OptionError: the element type is unknown.
    """
    return peak_elements(architecture) * element_bytes(dtype)
