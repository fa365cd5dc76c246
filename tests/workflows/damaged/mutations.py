"""Damages a file in one of the ways that disks, editors, transfers and other programs do; seeded, so repeatable."""

import copy
import json

STRANGE = [  # values in the place of another
    None, True, False, 0, -1, 1, 2**63, 10**30, 10**400, -(10**400), 0.5, -0.0, 1e308, float("nan"), float("inf"), "",
    "x", "0", "1:3", "a\0b", "\ud800", "\u2028", "a\nb", "\x1b[31m", "=1+1", "é" * 300, [], {}, [[]], [{}], {"": 0},
    [None], ["x"], {"x": {"x": {}}}, "9" * 5000,
]  # fmt: skip
DEEP = "[" * 5000
PIECES = [
    b"\0",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"[" * 3000,
    b'{"a":' * 3000,
    b"9" * 5000,
    b"\n",
    b'"',
    b"}",
    b"NaN",
    b"\\u0000",
]


def damage_bytes(content: bytes, rng) -> bytes:
    """Flip, cut, remove, double, insert or exchange some bytes."""
    n, kind = max(1, len(content)), int(rng.integers(7))
    start, length = int(rng.integers(n)), int(rng.integers(1, 1 + min(n, 200)))
    end = start + length
    if kind == 0:
        return content[:start] + bytes([content[start] ^ (1 << int(rng.integers(8)))]) + content[start + 1 :]
    if kind == 1:
        return content[:start]
    if kind == 2:
        return content[:start] + content[end:]
    if kind == 3:
        return content[:end] + content[start:end] + content[end:]
    if kind == 4:
        return content[:start] + PIECES[int(rng.integers(len(PIECES)))] + content[start:]
    if kind == 5:
        return content[:start] + rng.bytes(length) + content[end:]
    other = int(rng.integers(n))
    return content[:start] + content[other : other + length] + content[end:]


def damage_value(value, rng):
    """Exchange, remove, double or rename one part of a JSON value, at any depth."""
    value = copy.deepcopy(value)
    places = list(_places(value))
    if not places:
        return STRANGE[int(rng.integers(len(STRANGE)))]
    holder, key = places[int(rng.integers(len(places)))]
    kind = int(rng.integers(6))
    if kind == 0:
        del holder[key]
    elif kind == 1 and isinstance(holder, list):
        holder.insert(key, copy.deepcopy(holder[key]))
    elif kind == 1:
        holder[key + "s"] = holder[key]
    elif kind == 2:
        other, name = places[int(rng.integers(len(places)))]
        holder[key] = copy.deepcopy(other[name] if name in other or isinstance(other, list) else None)
    elif kind == 3 and isinstance(holder[key], int | float):
        holder[key] = holder[key] * [-1, 0, 10**6, 1e-12, 10**60][int(rng.integers(5))]
    else:
        holder[key] = copy.deepcopy(STRANGE[int(rng.integers(len(STRANGE)))])
    return value


def _places(value):
    """Every (container, key) of a value."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, entry in inside:
        yield value, key
        yield from _places(entry)


def damage_json(content: bytes, rng) -> bytes:
    """The text, or the value in it, damaged."""
    kind = int(rng.integers(8))
    if kind < 2:
        return damage_bytes(content, rng)
    text = dumps(damage_value(json.loads(content), rng))
    if kind == 2 and '"' in text:  # one key twice
        first = text.index('"')
        name = text[first : text.index('"', first + 1) + 1]
        text = text[:first] + name + ": 1, " + text[first:]
    if kind == 3:
        text = text.replace("1", DEEP, 1)
    return text.encode("utf-8", "surrogatepass")


def dumps(value) -> str:
    """JSON, also of numbers with hundreds of digits."""
    return json.dumps(value)


def damage_lines(content: bytes, rng) -> bytes:
    """A file with a JSON value a line: lines lost, doubled, exchanged; or one of them damaged."""
    lines = content.split(b"\n")
    at, other, kind = int(rng.integers(len(lines))), int(rng.integers(len(lines))), int(rng.integers(7))
    if kind == 0:
        del lines[at]
    elif kind == 1:
        lines.insert(other, lines[at])
    elif kind == 2:
        lines[at], lines[other] = lines[other], lines[at]
    elif kind == 3 or not lines[at].startswith(b"{"):
        return damage_bytes(content, rng)
    else:
        lines[at] = damage_json(lines[at], rng).replace(b"\n", b" ")
    return b"\n".join(lines)


def damage_toml(content: bytes, rng) -> bytes:
    """A TOML file: a value exchanged, a line lost, doubled or moved, or some bytes damaged."""
    lines = content.decode().splitlines()
    at, other, kind = int(rng.integers(len(lines))), int(rng.integers(len(lines))), int(rng.integers(6))
    if kind == 0:
        del lines[at]
    elif kind == 1:
        lines.insert(other, lines[at])
    elif kind == 2 or "=" not in lines[at]:
        return damage_bytes(content, rng)
    else:
        name, _, value = lines[at].partition("=")
        strange = dumps(STRANGE[int(rng.integers(len(STRANGE)))])
        inside = strange if kind == 3 else value.replace("1", strange, 1) if kind == 4 else f" [{strange}, {strange}]"
        lines[at] = f"{name}= {inside}"
    return "\n".join(lines).encode("utf-8", "surrogatepass")
