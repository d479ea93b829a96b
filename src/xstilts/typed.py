"""From the plain values of a YAML file to frozen, typed dataclasses, or to an error that says what is wanted."""

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any, Literal, TypeVar

from xstilts.errors import XstiltsError, nearest

T = TypeVar("T")


def unknown_key(where: str, key: str, known: typing.Iterable[str], file: str) -> XstiltsError:
    """The error for a key that does not exist, with the nearest one that does."""
    names = sorted(known)
    hint = nearest(key, names)
    return XstiltsError(
        f"Unknown key '{key}'" + (f", {hint}" if hint else ""),
        where=f"{file}, {where}" if where else file,
        allowed=", ".join(names),
        next_step="correct or remove the key",
    )


def _typed(kind: Any, value: Any, key: str, file: str) -> Any:
    """Turn a YAML value into a field's type, or say what the field wants."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return value
    if dataclasses.is_dataclass(kind):
        return build(typing.cast(type[Any], kind), value, key, file)
    if origin is Literal:
        if value in inner:
            return value
    elif origin is tuple and isinstance(value, list):
        kinds = [inner[0]] * len(value) if len(inner) == 2 and inner[1] is Ellipsis else list(inner)
        if len(kinds) == len(value):
            return tuple(
                _typed(each, item, f"{key}[{number}]", file)
                for number, (each, item) in enumerate(zip(kinds, value, strict=True))
            )
    elif origin in (Mapping, typing.get_origin(Mapping[str, int])) and isinstance(value, dict):
        return types.MappingProxyType(
            {str(name): _typed(inner[1], item, f"{key}.{name}", file) for name, item in value.items()}
        )
    elif kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    elif isinstance(kind, type) and isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
        return value
    wanted = " or ".join(repr(item) for item in inner) if origin is Literal else _kind_name(kind)
    raise XstiltsError(f"{key} = {value!r} has the wrong type", where=file, allowed=wanted, next_step=f"edit {key}")


def _kind_name(kind: Any) -> str:
    names = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
    if kind in names:
        return names[kind]
    return "a list" if typing.get_origin(kind) is tuple else "a mapping"


def build(kind: type[T], value: Any, key: str, file: str) -> T:
    """Make a frozen dataclass of a mapping, its fields typed, those of inner dataclasses too.

    Args:
        kind: the dataclass.
        value: what stands in the file.
        key: where it stands there; empty for the whole file.
        file: for messages.

    Raises:
        XstiltsError: for an unknown or missing key, a wrong type, or what the dataclass itself refuses.
    """
    if not isinstance(value, dict):
        raise XstiltsError(f"{key} = {value!r} has the wrong type", where=file, allowed="a mapping")
    hints = typing.get_type_hints(kind)
    fields = dataclasses.fields(kind)  # type: ignore[arg-type]
    for name in value:
        if name not in hints:
            raise unknown_key(key, str(name), hints, file)
    for entry in fields:
        required = entry.default is dataclasses.MISSING and entry.default_factory is dataclasses.MISSING
        if required and entry.name not in value:
            raise XstiltsError(
                f"Key '{entry.name}' is missing", where=f"{file}, {key}" if key else file, next_step="add the key"
            )
    prefix = f"{key}." if key else ""
    return kind(**{name: _typed(hints[name], item, prefix + name, file) for name, item in value.items()})
