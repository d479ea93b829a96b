"""What each task family does with rows: text for comparison, encoding, head, loss, predictions, scores."""

from collections.abc import Mapping
from types import MappingProxyType

from xstilts.families.base import FamilyCode
from xstilts.families.pair_classification import PairClassification
from xstilts.families.sentence_classification import SentenceClassification
from xstilts.families.sentence_retrieval import SentenceRetrieval
from xstilts.families.token_tagging import TokenTagging
from xstilts.tasks import Family, Task

__all__ = ["FAMILIES", "FamilyCode", "family_of"]

FAMILIES: Mapping[Family, FamilyCode] = MappingProxyType(
    {
        Family.TOKEN_TAGGING: TokenTagging(),
        Family.SENTENCE_CLASSIFICATION: SentenceClassification(),
        Family.PAIR_CLASSIFICATION: PairClassification(),
        Family.SENTENCE_RETRIEVAL: SentenceRetrieval(),
    }
)


def family_of(task: Task) -> FamilyCode:
    """The code of a task's family."""
    return FAMILIES[task.family]
