"""Reading and writing the quantities that users type: Multi-Adds, bytes, times and durations."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from seesaw_nas.core.errors import UnitError

_SCALE = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9}
_BYTES = {"B": 1, "KB": 2**10, "MB": 2**20, "GB": 2**30}
_NANOSECONDS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9}
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


_NUMBER = r"(?:\d+|\d{1,3}(?:[,_]\d{3})+)(?:\.\d+)?"


def _read_number(text: str) -> Fraction:
    return Fraction(text.replace(",", "").replace("_", ""))


def parse_count(text: str, of: str = "Multi-Adds") -> int:
    """A whole number with an optional suffix K, M or G: ``110M`` is 110,000,000 and ``1.5M`` is 1,500,000.

    Args:
        of: what is counted, for the error text.

    Raises:
        UnitError: the text is not such a number, is not positive, or is not whole.
    """
    match = re.fullmatch(rf"({_NUMBER})\s*([kKmMgG]?)", text.strip(), re.ASCII)
    if match is None:
        raise UnitError(f"cannot read '{text}' as a number of {of}; write it like 110M, 1.5G or 110000000")
    value = _read_number(match[1]) * _SCALE[match[2].upper()]
    if value.denominator != 1 or value <= 0:
        raise UnitError(f"'{text}' is not a positive whole number of {of}; write it like 110M or 110000000")
    return int(value)


def parse_bytes(text: str) -> int:
    """Whole bytes from ``256KB``, ``1MB``, ``1.5MiB`` or ``4096B``: as data sheets of boards do, 1 KB is 1,024 bytes.

    Raises:
        UnitError: the text is not such a size, or is less than a byte.
    """
    match = re.fullmatch(rf"({_NUMBER})\s*([KMG]?)i?B", text.strip(), re.IGNORECASE | re.ASCII)
    value = int(_read_number(match[1]) * _BYTES[f"{match[2].upper()}B"]) if match else 0
    if value <= 0:
        raise UnitError(f"cannot read '{text}' as a size in bytes; write it like 256KB, 1.5MB or 4096B")
    return value


def write_bytes(value: int) -> str:
    """A size to three digits as a user writes it, such as ``27.5KB``."""
    unit = next((unit for unit in ("GB", "MB", "KB") if value >= _BYTES[unit]), "B")
    return f"{_to_three_digits(value / _BYTES[unit])}{unit}" if unit != "B" else f"{value}B"


def format_bytes(value: int) -> str:
    """A short, rounded form for people, 1 KB being 1,024 bytes: 262,144 is ``256 KB``."""
    unit = next((unit for unit in ("GB", "MB", "KB") if value >= _BYTES[unit]), "B")
    return f"{round(value / _BYTES[unit], 1):,} {unit}".replace(".0 ", " ")


def parse_nanoseconds(text: str) -> int:
    """Nanoseconds from ``4ms``, ``0.5ms``, ``800us`` or ``1s``.

    Raises:
        UnitError: the text is not such a time or is not positive.
    """
    match = re.fullmatch(rf"({_NUMBER})\s*([nuµμm]?s)", text.strip().lower(), re.ASCII)
    value = int(_read_number(match[1]) * _NANOSECONDS[re.sub("[µμ]", "u", match[2])]) if match else 0
    if value <= 0:
        raise UnitError(f"cannot read '{text}' as a time; write it like 4ms, 0.5ms or 800us")
    return value


def write_nanoseconds(value: int) -> str:
    """A time to three digits as a user writes it, such as ``4ms``."""
    unit, of = ("ms", 10**6) if value >= 10**6 else ("us", 10**3)
    return f"{_to_three_digits(value / of)}{unit}"


def _to_three_digits(value: float) -> str:
    return f"{float(f'{value:.3g}'):.15g}"


def format_nanoseconds(value: int) -> str:
    """Milliseconds, with three significant digits: 4,000,000 is ``4 ms`` and 812,345 is ``0.812 ms``."""
    return f"{value / 10**6:.3g} ms"


BudgetLike = str | float | tuple[float, float] | Mapping[str, Any]


def write_budget(value: object) -> str:
    """A budget that a program passes, as a user would write it; texts stay as they are.

    600,000 and 6e5 are ``600000``; the pair (500_000, 6e5) is the band ``500000:600000``; a dictionary has a bound for
    each cost: ``{"macs": 600_000, "memory": "28KB"}`` is ``600000 macs, 28KB memory``.

    Raises:
        UnitError: it is neither a text nor a whole number, nor a pair of these.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, tuple | list) and len(value) == 2:
        return ":".join(map(write_budget, value))
    if isinstance(value, Mapping) and value:
        return ", ".join(f"{write_budget(bound)} {cost}" for cost, bound in value.items())
    if not isinstance(value, bool) and hasattr(value, "__index__"):
        return str(operator.index(value))
    whole: Any = value
    if not isinstance(value, bool) and hasattr(value, "is_integer") and whole.is_integer():  # NumPy's have it, too
        return str(int(whole))
    raise UnitError(
        "a budget is a text such as 110M or 100M:110M, a whole number of Multi-Adds, a pair of these as a band, or a "
        f"dictionary with one of these for each cost; got {value!r}"
    )


def format_count(value: int) -> str:
    """A short, rounded form for people: 108,212,736 is ``108.2M``."""
    for suffix in ("G", "M", "K"):
        if 20_000 * value >= 19_999 * _SCALE[suffix]:  # 999,950 would round to 1000.0K
            return f"{value / _SCALE[suffix]:.1f}{suffix}"
    return str(value)


def write_count(value: int) -> str:
    """A number of Multi-Adds to three significant digits as a user writes it, such as ``27.5M``; never 0."""
    digits = 10 ** max(0, len(str(value)) - 3)
    rounded = max(1, (value + digits // 2) // digits * digits)
    suffix = next((suffix for suffix in "GMK" if rounded >= _SCALE[suffix]), "")
    return f"{rounded / _SCALE[suffix]:.3g}{suffix}" if suffix else str(rounded)


def format_large(value: int) -> str:
    """An exact integer while it is short, three significant digits and a power of ten beyond."""
    if value < 10**9:
        return f"{value:,}"
    return f"{Decimal(value):.2e}".replace("e+", "e")


def format_figure(value: float) -> str:
    """A positive measured figure with three significant digits, or all digits before the point: ``9.60``, ``1,234``."""
    return f"{value:,.0f}" if value >= 99.95 else f"{value:#.3g}"


def parse_duration(text: str) -> float:
    """Seconds from ``90``, ``90s``, ``30m``, ``2h``, ``1.5h`` or ``1d``.

    Raises:
        UnitError: the text is not such a duration or is not positive.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd]?)", text.strip())
    if match is None or float(match[1]) == 0:
        raise UnitError(f"cannot read '{text}' as a duration; write it like 90s, 30m or 2h")
    return float(match[1]) * _SECONDS[match[2] or "s"]


def format_duration(seconds: float) -> str:
    """``42 s``, ``3 min 20 s``, ``2 h 05 min`` or ``3 d 4 h``."""
    whole = max(0, math.ceil(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def format_top1(value: float) -> str:
    """A fraction as ``48.35%``; any other number, such as an evaluator's own score, as it is: ``483.791``."""
    return f"{value:.2%}" if 0 <= value <= 1 else f"{value:.6g}"
