"""Which target cells are scored in every language."""


def is_scored(variant: str) -> bool:
    """Whether cells of a variant are: ``main``, and those of ``none`` with more target rows (``rows-<n>``).

    Cells of the plateau gate and of tuning are judged on English dev alone.
    """
    return variant == "main" or variant.startswith("rows-")
