"""The one error that users see: what went wrong, where, what is allowed, what to do next."""

import difflib
from collections.abc import Iterable


class XstiltsError(Exception):
    """A mistake in input, data or environment that the user can mend.

    Args:
        what: the fault in one clause, naming the offending value.
        where: the file, key or row in which it stands.
        allowed: what would have been accepted.
        next_step: the command or edit that mends it.
    """

    def __init__(self, what: str, *, where: str = "", allowed: str = "", next_step: str = "") -> None:
        self.what, self.where, self.allowed, self.next_step = what, where, allowed, next_step
        parts = [f"{what} (in {where})." if where else f"{what}."]
        if allowed:
            parts.append(f"Allowed: {allowed}.")
        if next_step:
            parts.append(f"Next: {next_step}.")
        super().__init__(" ".join(parts))


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint such as ``Did you mean 'udpos'?``, or nothing when no known name is near."""
    matches = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"did you mean '{matches[0]}'?" if matches else ""


def unknown(kind: str, name: str, known: Iterable[str], *, where: str = "") -> XstiltsError:
    """The error for a name that no registry knows; it lists the known names and the nearest one."""
    names = sorted(known)
    hint = nearest(name, names)
    return XstiltsError(
        f"Unknown {kind} '{name}'" + (f", {hint}" if hint else ""),
        where=where,
        allowed=", ".join(names) if names else "nothing is registered",
        next_step=f"correct the name of the {kind}",
    )
