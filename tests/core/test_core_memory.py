"""Which errors say that memory is short."""

from __future__ import annotations

import errno

import numpy as np
import pytest
import torch

from core.memory import short_of_memory

# More than any machine can address.
FAR_TOO_MUCH = 1 << 50


def test_the_real_errors_are_known() -> None:
    for ask in (torch.empty, np.empty):
        with pytest.raises((RuntimeError, MemoryError)) as caught:
            ask(FAR_TOO_MUCH)
        assert short_of_memory(caught.value)


@pytest.mark.parametrize(
    ("error", "short"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError(""), True),
        (torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"), True),
        (RuntimeError("CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"), True),
        (RuntimeError("DefaultCPUAllocator: not enough memory: you tried 9 bytes"), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), True),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), True),
        (OSError(errno.ENOSPC, "No space left on device"), False),
        (RuntimeError("an illegal memory access was encountered"), False),
        (RuntimeError("size mismatch"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_what_says_that_memory_is_short(error: Exception, short: bool) -> None:
    assert short_of_memory(error) is short
