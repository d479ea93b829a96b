"""The study's parameters: typed, frozen, read the way DVC reads YAML (1.2); their sections are in ``sections``."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from xstilts.encoders.facts import ENCODERS, encoder_named
from xstilts.errors import XstiltsError
from xstilts.sections import (
    AnalyseSection,
    ArmsSection,
    DivergeSection,
    EncoderSection,
    FetchSection,
    RegisterSection,
    Runtime,
    Target,
    TargetSection,
    Training,
    TuneSection,
    ValidateSection,
    bad,
    check_name,
    check_positive,
)
from xstilts.sources.corpora import corpus_named
from xstilts.tasks import task_named
from xstilts.typed import build, unknown_key


@dataclass(frozen=True, slots=True)
class Study:
    """A study's parameters, one attribute for each key of ``params.yaml``.

    Attributes:
        study: its name, and that of its folders.
        title: what the study asks, for the report.
        wdir: from the folder of this file to the project's root; ``dvc.yaml`` needs it.
        params: this file, from the project's root; ``dvc.yaml`` needs it.
        encoders: names of the encoders under test.
        corpora: names of the corpora that are fetched.
        seeds: of the cells; the streams of the two phases are derived from them by name.
        precision: of the matrix products; ``auto`` takes bfloat16 where the processor or GPU is fast at it.
    """

    study: str
    title: str
    wdir: str
    params: str
    encoders: tuple[str, ...]
    corpora: tuple[str, ...]
    seeds: tuple[int, ...]
    precision: Literal["auto", "float32", "bfloat16"]
    arms: ArmsSection
    targets: Mapping[str, Target]
    intermediate: Training
    target: TargetSection
    encoder: EncoderSection
    fetch: FetchSection
    validate: ValidateSection
    diverge: DivergeSection
    tune: TuneSection
    analyse: AnalyseSection
    register: RegisterSection
    runtime: Runtime

    def __post_init__(self) -> None:
        check_name("study", self.study)
        for name in self.encoders:
            check_name("encoders", name)
            encoder_named(name, self.encoder.local, where=f"{self.params}, encoders")
        for name in self.corpora:
            corpus_named(name, where=f"{self.params}, corpora")
        self._check_lists()
        for name, target in self.targets.items():
            check_name("targets", name)
            self._check_target(name, target)
        for name, block in self.arms.blocks.items():
            self._check_fetched(block.corpus, "arms.blocks")
            if block.objective == "masked_lm":
                self._check_lm_heads(name)
            for chosen in block.targets:
                if chosen not in self.targets:
                    raise unknown_key(f"arms.blocks.{name}.targets", chosen, self.targets, self.params)
        for name in self.target.overrides:
            if name not in self.targets:
                raise unknown_key("target.overrides", name, self.targets, self.params)
            self.target.training(name)

    def labelled_items(self, block: str) -> int:
        """Labelled items of each arm of a block."""
        return self.arms.blocks[block].labelled_items or self.arms.labelled_items

    def dev_items(self, block: str) -> int:
        """Labelled items of the dev set of each arm of a block."""
        return self.arms.blocks[block].dev_items or self.arms.dev_items

    def tried_on(self, block: str, target: str) -> bool:
        """Whether a block's arms are tried on a target; controls are tried on all."""
        chosen = self.arms.blocks[block].targets if block in self.arms.blocks else ()
        return not chosen or target in chosen

    def _check_lists(self) -> None:
        for key, values in (("encoders", self.encoders), ("corpora", self.corpora), ("seeds", self.seeds)):
            if not values or len(set(values)) != len(values):
                raise bad(key, list(values), "at least one entry, each once")
        if not self.targets:
            raise bad("targets", {}, "at least one target task")

    def _check_lm_heads(self, block: str) -> None:
        for name in self.encoders:
            facts = encoder_named(name, self.encoder.local)
            if facts.kind != "local" and not facts.masked_lm:
                able = ", ".join(sorted(each.name for each in ENCODERS.values() if each.masked_lm))
                wanted = f"`labels`, or encoders with a head for it ({able}, or a local one); {name} has none"
                raise bad(f"arms.blocks.{block}.objective", "masked_lm", wanted)

    def _check_fetched(self, corpus: str, key: str) -> None:
        if corpus not in self.corpora:
            raise bad(key, corpus, f"a corpus that the study fetches (corpora: {', '.join(self.corpora)})")

    def _check_target(self, name: str, target: Target) -> None:
        self._check_fetched(target.corpus, f"targets.{name}.corpus")
        task = task_named(corpus_named(target.corpus).task)
        if target.train_corpus:
            self._check_fetched(target.train_corpus, f"targets.{name}.train_corpus")
            other = task_named(corpus_named(target.train_corpus).task)
            if any(getattr(other, fact) != getattr(task, fact) for fact in ("family", "labels", "unanswerable")):
                answered = " and no unanswerable questions" if other.unanswerable else ""
                wanted = f"a corpus of family {task.family.value} with labels {', '.join(task.labels)}{answered}"
                raise bad(f"targets.{name}.train_corpus", target.train_corpus, wanted)
        if task.family.trained:
            check_positive(f"targets.{name}.train_rows", target.train_rows)


def read_yaml(path: Path) -> Any:
    """Read YAML 1.2, as DVC does: ``1e-5`` is a number, ``no`` is a language."""
    try:
        return YAML(typ="safe").load(path)
    except FileNotFoundError as error:
        raise XstiltsError(
            "The file does not exist", where=str(path), next_step="run from the project's root, or `xstilts study list`"
        ) from error
    except YAMLError as error:
        raise XstiltsError(f"No valid YAML: {' '.join(str(error).split())}", where=str(path)) from error


def study_from(values: Any, file: str) -> Study:
    """Check and type a study's parameters.

    Raises:
        XstiltsError: for an unknown or missing key, a wrong type, or a value out of range.
    """
    return build(Study, values, "", file)


def load_study(root: Path, params: str) -> Study:
    """Read a study's ``params.yaml``.

    Args:
        root: the project's root.
        params: the file, from the root.
    """
    return study_from(read_yaml(root / params), params)
