"""Chunks of a tag sequence, as XTREME's evaluator sees them.

XTREME scores PAN-X and UD-POS with seqeval 0.0.12, which follows ``conlleval``: the first character of a tag is its
prefix, and what stands after its last hyphen is its type. Bare part-of-speech tags have no prefix, and so

- neighbours with one tag merge into one chunk: NOUN NOUN is one chunk of two tokens;
- tags that begin with S (SCONJ, SYM) read as the prefix "single": neighbours never merge;
- every tag is a type of its own: CCONJ and SCONJ differ.

seqeval 1.x takes the first letter off a bare tag, so CCONJ and SCONJ become one type and X vanishes: its figures are
not comparable. The golden cases were computed with seqeval 0.0.12 itself.
"""

from collections.abc import Sequence


def chunks(tags: Sequence[str]) -> set[tuple[str, int, int]]:
    """The chunks of one sentence.

    Args:
        tags: n tags, bare (``NOUN``) or with a prefix (``B-PER``, ``I-PER``, ``O``); none is empty.

    Returns:
        (type, first token, last token), with tokens counted from 0 and the last one included.
    """
    found: set[tuple[str, int, int]] = set()
    start, before, kind_before = 0, "O", ""
    for place, tag in enumerate([*tags, "O"]):
        prefix, kind = tag[0], tag.rsplit("-", 1)[-1]
        if _ends(before, prefix, kind != kind_before):
            found.add((kind_before, start, place - 1))
        if _starts(before, prefix, kind != kind_before):
            start = place
        before, kind_before = prefix, kind
    return found


def _ends(before: str, prefix: str, other_type: bool) -> bool:
    """Whether a chunk ends between two tokens."""
    return before in "ES" or (before in "BI" and prefix in "BSO") or (before not in "O." and other_type)


def _starts(before: str, prefix: str, other_type: bool) -> bool:
    """Whether a chunk starts at the second of two tokens."""
    return prefix in "BS" or (before in "ESO" and prefix in "EI") or (prefix not in "O." and other_type)
