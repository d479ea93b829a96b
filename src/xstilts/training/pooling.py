"""What a sentence's embedding is made of, where sentences are compared and not classified."""

from torch import Tensor, nn

from xstilts.families.base import masked_mean


class Pooling(nn.Module):
    """Hidden states to one vector a sentence, without weights.

    Args:
        kind: ``mean`` of all real subwords, as XTREME's scripts have it, or ``cls``: the classification subword.
        last: whether the classification subword is the last one, as in encoders that pad left (XLNet), not the first.
    """

    def __init__(self, kind: str = "mean", *, last: bool = False) -> None:
        super().__init__()
        self.kind, self.last = kind, last

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """Pool [b, s, h] hidden states, with [b, s] 1 for real subwords, to [b, h]."""
        if self.kind == "mean":
            return masked_mean(hidden, mask)
        if self.last:
            return hidden[:, -1]
        return hidden[:, 0]
