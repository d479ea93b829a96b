"""The sections of a study's parameters, a frozen dataclass each, with the checks of single values."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from xstilts.errors import XstiltsError
from xstilts.sources.corpora import corpus_named
from xstilts.tasks import task_named
from xstilts.typed import build

RESERVED = ("combined", "control", "pooled")
NAME = r"letters, digits, '.', '-' and '_'"


def bad(key: str, value: object, allowed: str) -> XstiltsError:
    """The error for a value that a key cannot take."""
    return XstiltsError(
        f"{key} = {value!r} cannot be used", where="params.yaml", allowed=allowed, next_step=f"edit {key}"
    )


def check_fraction(key: str, value: float) -> None:
    """Refuse what is not in [0, 1]."""
    if not 0.0 <= value <= 1.0:
        raise bad(key, value, "a fraction from 0 to 1")


def check_positive(key: str, value: float) -> None:
    """Refuse what is not above 0."""
    if not value > 0:
        raise bad(key, value, "a number above 0")


def check_name(key: str, value: str) -> None:
    """Refuse a name that is no safe folder name."""
    if not value or value.startswith(".") or not all(char.isalnum() or char in ".-_" for char in value):
        raise bad(key, value, f"a name of {NAME}, not beginning with '.'")


@dataclass(frozen=True, slots=True)
class EncoderSection:
    """``encoder``: the user's own encoders, name to checkpoint folder."""

    local: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FetchSection:
    """``fetch``: what the generator makes.

    Attributes:
        seed: of the generator.
        kappa: share of synthetic sentences whose only cue is bound to the domain.
        rows: rows for each domain and split.
    """

    seed: int = 0
    kappa: float = 0.6
    rows: Mapping[str, int] = field(default_factory=lambda: {"train": 400, "dev": 100, "test": 100})

    def __post_init__(self) -> None:
        check_fraction("fetch.kappa", self.kappa)


@dataclass(frozen=True, slots=True)
class ValidateSection:
    """``validate``: overlap of text shorter than this many characters is not held against a row."""

    overlap_min_characters: int = 20


@dataclass(frozen=True, slots=True)
class Block:
    """Arms of one format and one annotation source.

    Attributes:
        corpus: where they are drawn from.
        part: the corpus's English part; ``*`` for all English parts together.
        domains: one arm for each of these; empty: one arm of the whole part.
        mixtures: further arms, name to domain to share; the shares of one arm sum to 1.
        objective: what its arms are trained on: the corpus's ``labels``, or its text alone by masked language
            modelling, ``masked_lm``. The latter needs an encoder with a head for it, and tells exposure to a domain's
            text from what its labels teach.
        targets: the targets that its arms are tried on; empty: all of them.
        labelled_items: of each of its arms; 0 for that of ``arms``, which fits one family alone: tokens for tagging,
            rows for all others.
        dev_items: the same for their English dev sets.
    """

    corpus: str
    part: str = "en"
    objective: Literal["labels", "masked_lm"] = "labels"
    domains: tuple[str, ...] = ()
    mixtures: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    targets: tuple[str, ...] = ()
    labelled_items: int = 0
    dev_items: int = 0

    def __post_init__(self) -> None:
        corpus_named(self.corpus, where="params.yaml, arms.blocks")
        for name, shares in self.mixtures.items():
            if abs(sum(shares.values()) - 1.0) > 1e-9:
                raise bad(f"arms.blocks.*.mixtures.{name}", dict(shares), "shares that sum to 1")

    def arms(self) -> dict[str, dict[str, float]]:
        """Short arm name to the share of each domain; an empty domain is the whole part."""
        pure: dict[str, dict[str, float]] = {domain: {domain: 1.0} for domain in self.domains}
        mixed = {name: dict(shares) for name, shares in self.mixtures.items()}
        return (pure | mixed) or {"all": {"": 1.0}}


@dataclass(frozen=True, slots=True)
class ArmsSection:
    """``arms``: how arms are drawn and matched.

    Attributes:
        blocks: name to block; an arm's name is ``<block>.<short name>``.
        labelled_items: of each arm's training set: tokens for tagging, sentences for classification.
        dev_items: of each arm's English dev set.
        combined: further arms of several tasks at once, name to arm to sampling rate: its share of the arm's rows. The
            rates of one arm sum to 1, and so it has about as many labelled items as the arms that it is made of.
        controls: control arms; ``word-order`` is real against shuffled word order.
        overlap_min_characters: shorter text is not held to overlap.
        remove: what goes when a row overlaps with text that a target is scored on: its whole ``document``, or the
            ``row`` alone. Overlap with a target's training text always removes the row alone.
        seed: of the draws.
    """

    blocks: Mapping[str, Block]
    labelled_items: int
    dev_items: int
    combined: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    controls: tuple[Literal["word-order"], ...] = ()
    overlap_min_characters: int = 20
    remove: Literal["document", "row"] = "document"
    seed: int = 0

    def __post_init__(self) -> None:
        check_positive("arms.labelled_items", self.labelled_items)
        check_positive("arms.dev_items", self.dev_items)
        for block in self.blocks:
            check_name("arms.blocks", block)
            if block in RESERVED:
                raise bad("arms.blocks", block, f"a name other than {', '.join(RESERVED)}: these are the project's")
        there = [f"{name}.{short}" for name, block in self.blocks.items() for short in block.arms()]
        for name, rates in self.combined.items():
            check_name("arms.combined", name)
            for arm in rates:
                if arm not in there:
                    raise bad(f"arms.combined.{name}", arm, f"arms of the blocks: {', '.join(there)}")
            if len(rates) < 2 or min(rates.values()) <= 0 or abs(sum(rates.values()) - 1.0) > 1e-9:
                raise bad(f"arms.combined.{name}", dict(rates), "two arms or more, with rates above 0 that sum to 1")
        if not self.blocks or not any(block.arms() for block in self.blocks.values()):
            raise XstiltsError(
                "The study has no arms",
                where="params.yaml, arms.blocks",
                allowed="at least one block with a corpus; four arms or more for a verdict",
                next_step="add a block, such as `pos: {corpus: udpos_domain, part: en_gum, domains: [news]}`",
            )


@dataclass(frozen=True, slots=True)
class Target:
    """One target task.

    Attributes:
        corpus: where its rows come from; decides the task.
        train_corpus: where its English training and dev rows come from, when its own corpus has none; a corpus of the
            same family and labels. XTREME's XNLI is trained on MultiNLI, XQuAD and MLQA on SQuAD.
        languages: scored languages; English must be among them, but for retrieval, whose candidates are English.
        train_rows: English training rows; 0 for retrieval, which is not trained.
        dev_rows: English dev rows; 0 for retrieval.
        test_rows: test rows of each language at most; 0 for all.
        domain: only rows of this domain; empty for all.
        slices: whether the domains of the test text are scored apart.
        dev_from: the split that dev rows are drawn from; ``train`` takes rows that are not trained on, for a corpus
            whose dev split is too small to see a plateau.
        layer: whose states make a sentence's embedding, in retrieval and mining; 0 for the last one. XTREME's scripts
            take the 7th of 12 and the 13th of 24.
        pooling: how they make it: ``mean`` of all subwords, as in XTREME's scripts, or ``cls``, the classification
            subword.
        more_rows: larger English training sets for the arm ``none`` alone, each with the smaller ones in it: they tell
            how many labelled target examples a gain is worth.
    """

    corpus: str
    languages: tuple[str, ...]
    train_rows: int
    dev_rows: int
    test_rows: int = 0
    train_corpus: str = ""
    domain: str = ""
    slices: bool = False
    dev_from: Literal["dev", "train"] = "dev"
    layer: int = 0
    pooling: Literal["mean", "cls"] = "mean"
    more_rows: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        task = task_named(corpus_named(self.corpus, where="params.yaml, targets").task)
        embedded = not task.family.trained
        if list(self.more_rows) != sorted({*self.more_rows} - set(range(self.train_rows + 1))):
            raise bad(
                "targets.*.more_rows", list(self.more_rows), f"rising numbers above train_rows, {self.train_rows}"
            )
        if not embedded:
            check_positive("targets.*.dev_rows", self.dev_rows)
        if self.layer < 0 or (not embedded and self.layer):
            raise bad("targets.*.layer", self.layer, "0 or more, for retrieval and mining; no other target has one")
        if not embedded and self.pooling != "mean":
            raise bad("targets.*.pooling", self.pooling, "retrieval and mining; others have target.default.pooling")
        if "en" not in self.languages and not embedded:
            raise bad("targets.*.languages", list(self.languages), "a list with 'en', the source language")
        if len(set(self.languages)) != len(self.languages):
            raise bad("targets.*.languages", list(self.languages), "each language once")


@dataclass(frozen=True, slots=True)
class DivergeSection:
    """``diverge``: the distance of each arm to each target's English text.

    Attributes:
        primary: the features of the one proxy A-distance that the verdict uses: the encoder-free ``char_ngrams``.
        rows: rows drawn from each side at most; both sides always have equally many.
        folds: of the cross-validation, grouped by document.
        repeats: draws, for the standard error.
        components: dimensions of the features.
        shuffles: draws for the floor of the word divergence.
        seed: of the draws.
    """

    primary: Literal["char_ngrams"] = "char_ngrams"
    rows: int = 400
    folds: int = 5
    repeats: int = 5
    components: int = 100
    shuffles: int = 20
    seed: int = 0


@dataclass(frozen=True, slots=True)
class TuneSection:
    """``tune``: one Optuna study for each phase, told nothing but English dev scores.

    Attributes:
        trials: of each study; 0 leaves the sections ``intermediate`` and ``target`` as they stand.
        batch: trials that are asked for together; part of the result, unlike the number of workers.
        seed: of the sampler.
        learning_rate: lowest and highest, searched on a log scale.
        intermediate_learning_rate: the same for the intermediate phase; empty: no other than above.
        warmup_fraction: lowest and highest.
    """

    trials: int = 8
    batch: int = 4
    seed: int = 0
    learning_rate: tuple[float, float] = (3e-5, 5e-4)
    intermediate_learning_rate: tuple[float, ...] = ()
    warmup_fraction: tuple[float, float] = (0.0, 0.3)

    def __post_init__(self) -> None:
        for key in ("learning_rate", "intermediate_learning_rate", "warmup_fraction"):
            ends = getattr(self, key) or self.learning_rate
            if len(ends) != 2 or not 0 <= ends[0] < ends[1]:
                raise bad(f"tune.{key}", list(ends), "two numbers, the lower one first")


@dataclass(frozen=True, slots=True)
class Training:
    """Settings of one phase.

    Attributes:
        learning_rate: peak, of AdamW.
        passes: passes over the training rows; with ``batch_size`` it fixes the optimizer steps.
        batch_size: sequences for each optimizer step.
        warmup_fraction: of the steps, in [0, 1].
        weight_decay: on matrices other than the word embedding.
        max_length: subwords at most, special ones included.
        frozen_layers: the embeddings and so many of the lowest layers stay as they are; 0 trains everything. Frozen
            lower layers keep languages aligned (Wu and Dredze 2019, arXiv 1904.09077). They run without dropout, and
            BERT-like encoders run them once for each text: steps and predictions then cost what the upper layers cost.
        pooling: what the label of a whole text is read off: the ``mean`` of its subwords, or ``cls``, the
            classification subword, as XTREME's scripts have it. BERT-like encoders then run their last layer for that
            subword alone. Without meaning for families that read each subword.
    """

    learning_rate: float
    passes: float
    batch_size: int
    warmup_fraction: float = 0.1
    weight_decay: float = 0.01
    max_length: int = 128
    frozen_layers: int = 0
    pooling: Literal["mean", "cls"] = "mean"

    def __post_init__(self) -> None:
        check_fraction("warmup_fraction", self.warmup_fraction)
        for key in ("learning_rate", "passes", "batch_size"):
            check_positive(key, getattr(self, key))
        if self.max_length < 8:
            raise bad("max_length", self.max_length, "8 subwords or more")
        if self.frozen_layers < 0:
            raise bad("frozen_layers", self.frozen_layers, "0 or more layers")

    def steps(self, rows: int) -> int:
        """Optimizer steps on this many rows."""
        return max(1, round(self.passes * rows / self.batch_size))


@dataclass(frozen=True, slots=True)
class TargetSection:
    """``target``: settings of the target phase, for all targets and arms alike, and what differs for a target.

    Attributes:
        default: settings of every target.
        overrides: target to the settings that differ.
        plateau_factor: how many times the updates the plateau cells of ``none`` get.
    """

    default: Training
    overrides: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    plateau_factor: int = 2

    def training(self, target: str) -> Training:
        """The untuned settings of a target."""
        values = {entry.name: getattr(self.default, entry.name) for entry in dataclasses.fields(Training)}
        for key, value in self.overrides.get(target, {}).items():
            whole = isinstance(values.get(key), int) and isinstance(value, float) and value.is_integer()
            values[key] = int(value) if whole else value
        return build(Training, values, f"target.overrides.{target}", "params.yaml")


@dataclass(frozen=True, slots=True)
class AnalyseSection:
    """``analyse``: gates and thresholds, fixed before any test score is read.

    Attributes:
        confidence: of the intervals.
        plateau_points: doubling the updates may move ``none`` by less than this on English dev.
        negligible_share: a loss of less than this share of the matched gain, over the observed distances, does not
            matter.
        seed: of the permutations.
    """

    confidence: float = 0.95
    plateau_points: float = 0.3
    negligible_share: float = 0.25
    seed: int = 0


@dataclass(frozen=True, slots=True)
class RegisterSection:
    """``register``: which intermediate checkpoints go to the registry beside the champions."""

    intermediate: Literal["champions", "all", "none"] = "champions"


@dataclass(frozen=True, slots=True)
class Runtime:
    """``runtime``: what changes no result; no training stage tracks it.

    Attributes:
        workers: processes for cells; 0 for one a core (one in all on a GPU).
        device: ``auto`` takes a GPU when there is one.
    """

    workers: int = 0
    device: Literal["auto", "cpu", "cuda"] = "auto"
