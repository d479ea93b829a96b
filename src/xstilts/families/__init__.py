"""What each task family does with rows: text for comparison, encoding, head, loss, predictions, scores."""

from collections.abc import Mapping
from types import MappingProxyType

from xstilts.families.base import FamilyCode
from xstilts.families.bitext_mining import BitextMining
from xstilts.families.masked_lm import MaskedLM
from xstilts.families.multi_task import MultiTask
from xstilts.families.multiple_choice import MultipleChoice
from xstilts.families.pair_classification import PairClassification
from xstilts.families.pair_regression import PairRegression
from xstilts.families.sentence_classification import SentenceClassification
from xstilts.families.sentence_retrieval import SentenceRetrieval
from xstilts.families.span_qa import SpanQA
from xstilts.families.token_tagging import TokenTagging
from xstilts.tasks import Family, Task

__all__ = ["FAMILIES", "FamilyCode", "family_of"]

_SINGLE: Mapping[Family, FamilyCode] = MappingProxyType(
    {
        Family.TOKEN_TAGGING: TokenTagging(),
        Family.SENTENCE_CLASSIFICATION: SentenceClassification(),
        Family.PAIR_CLASSIFICATION: PairClassification(),
        Family.SENTENCE_RETRIEVAL: SentenceRetrieval(),
        Family.BITEXT_MINING: BitextMining(),
        Family.SPAN_QA: SpanQA(),
        Family.MULTIPLE_CHOICE: MultipleChoice(),
        Family.PAIR_REGRESSION: PairRegression(),
        Family.MASKED_LM: MaskedLM(),
    }
)
FAMILIES: Mapping[Family, FamilyCode] = MappingProxyType({**_SINGLE, Family.MULTI_TASK: MultiTask(_SINGLE)})


def family_of(task: Task) -> FamilyCode:
    """The code of a task's family; of several tasks at once, with their names."""
    if task.family is Family.MULTI_TASK:
        return MultiTask(_SINGLE, task.labels)
    return FAMILIES[task.family]
