"""One vector of a whole sequence: for a label of it, or where sentences are compared."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, slots=True)
class Pooling:
    """Hidden states to one vector a sequence.

    Attributes:
        kind: ``mean`` of all real subwords, or ``cls``: the classification subword.
        last: whether the classification subword is the last one, as in encoders that pad left (XLNet), not the first.
    """

    kind: str = "mean"
    last: bool = False

    def __call__(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """Pool [b, s, h] hidden states, with [b, s] 1 for real subwords, to [b, h]."""
        if self.kind == "mean":
            weights = mask.unsqueeze(-1).to(hidden.dtype)
            return (hidden * weights).sum(1) / weights.sum(1).clamp(min=1.0)
        return hidden[:, -1] if self.last else hidden[:, 0]
