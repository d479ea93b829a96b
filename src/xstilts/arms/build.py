"""From validated rows to arms, target sets and their description."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from xstilts.arms.draw import Drawn, draw, draw_arm, item_shares, split_documents, word_order_rows
from xstilts.arms.overlap import TargetText, bare_id, by_draw, comparable_texts, distinct, without_overlap
from xstilts.config import Study
from xstilts.errors import XstiltsError
from xstilts.families import FamilyCode, family_of
from xstilts.families.multi_task import MultiTask
from xstilts.files import Json
from xstilts.sections import Block, Target
from xstilts.seeds import generator
from xstilts.sources.corpora import CORPORA
from xstilts.tables import Rows, content_sha256
from xstilts.tasks import TASKS, Task, task_with

Reader = Callable[[str, str, bool], list[dict[str, Any]]]
"""Reads (corpus, split, with gold) rows of every part."""

KEYS = ("id", "document", "domain", "language")


@dataclass(frozen=True, slots=True)
class Built:
    """Tables by path below ``data/<study>/arms/`` (columns and rows), the description, and the removed rows."""

    tables: dict[str, tuple[tuple[str, ...], Rows]] = field(default_factory=dict)
    arms: dict[str, Json] = field(default_factory=dict)
    targets: dict[str, Json] = field(default_factory=dict)
    removed: list[Json] = field(default_factory=list)


def corpus_task(corpus: str) -> tuple[Task, FamilyCode]:
    """A corpus's task and the code of its family."""
    task = TASKS[CORPORA[corpus].task]
    return task, family_of(task)


def block_task(block: Block) -> tuple[Task, FamilyCode]:
    """What a block's arms are trained on, and the code of its family."""
    if block.objective == "masked_lm":
        task = TASKS[block.objective]
        return task, family_of(task)
    return corpus_task(block.corpus)


def build(study: Study, read: Reader) -> Built:
    """Draw every arm and target set of a study.

    Args:
        study: its parameters.
        read: gives validated rows. Gold is asked for in English only.

    Raises:
        XstiltsError: if a domain, a language or a split has no or too few rows.
    """
    built = Built()
    target_text = _build_targets(study, read, built)
    pools: dict[str, list[tuple[Rows, Rows]]] = {}
    for name, block in study.arms.blocks.items():
        task = block_task(block)[0]
        pools.setdefault(task.name, []).extend(_build_block(study, name, block, read, target_text, built))
    for task_name, sides in pools.items():
        mine = [name for name, block in study.arms.blocks.items() if block_task(block)[0].name == task_name]
        largest = max(map(study.labelled_items, mine)), max(map(study.dev_items, mine))
        _build_pooled(study, TASKS[task_name], sides, largest, built)
    for name, rates in study.arms.combined.items():
        _build_combined(study, name, rates, built)
    if "word-order" in study.arms.controls:
        _build_word_order(study, built)
    return built


def _english(rows: Rows) -> list[dict[str, Any]]:
    return [dict(row) for row in rows if row["language"] == "en"]


def _build_targets(study: Study, read: Reader, built: Built) -> TargetText:
    held_out: set[str] = set()
    training: set[str] = set()
    minimum = study.arms.overlap_min_characters
    for name, target in study.targets.items():
        task, family = corpus_task(target.corpus)
        train, dev = _labelled(study, name, target, read) if task.family.trained else ({}, [])
        tests = [
            row
            for split in family.test_splits
            for row in read(target.corpus, split, False)
            if row["language"] in target.languages
        ]
        held_out |= comparable_texts(tests, family, minimum) | comparable_texts(dev, family, minimum)
        for rows in train.values():
            training |= comparable_texts(rows, family, minimum)
        built.targets[name] = _describe_target(study, name, target, task, family, (train, dev, tests), built)
    return TargetText(frozenset(held_out), frozenset(training))


def _labelled(
    study: Study, name: str, target: Target, read: Reader
) -> tuple[dict[int, list[dict[str, Any]]], list[dict[str, Any]]]:
    """A target's English training rows by their number, and dev rows; no row, and no text of it, is in both."""
    family = corpus_task(target.corpus)[1]
    source = target.train_corpus or target.corpus
    english = _english(read(source, "train", True))
    train = {
        wanted: _chosen(study, name, target, english, "train", wanted)
        for wanted in (target.train_rows, *target.more_rows)
    }
    dev = _english(read(source, target.dev_from, True))
    if target.dev_from == "train":
        largest = list(train.values())[-1]
        dev = distinct([*largest, *dev], family)[len(distinct(largest, family)) :]
    return train, _chosen(study, name, target, dev, "dev", target.dev_rows)


def _chosen(
    study: Study, name: str, target: Target, rows: list[dict[str, Any]], use: str, wanted: int
) -> list[dict[str, Any]]:
    rows = [row for row in rows if not target.domain or row["domain"] == target.domain]
    split = target.dev_from if use == "dev" else "train"
    if len(rows) < wanted:
        raise XstiltsError(
            f"Target '{name}' has {len(rows)} English {use} rows in split {split} of corpus "
            f"'{target.train_corpus or target.corpus}', "
            f"{wanted} wanted",
            where=f"params.yaml, targets.{name}",
            allowed=f"at most {len(rows)}",
            next_step=f"lower targets.{name}.{use}_rows, or fetch more data",
        )
    order = generator(study.arms.seed, "target", name, use).permutation(len(rows))
    return by_draw(rows, [int(index) for index in order], wanted)


def _describe_target(
    study: Study,
    name: str,
    target: Target,
    task: Task,
    family: FamilyCode,
    sets: tuple[Mapping[int, Rows], Rows, Rows],
    built: Built,
) -> Json:
    training, dev, tests = sets
    labelled = (*KEYS, *family.columns)
    train = training.get(target.train_rows, [])
    facts: Json = {
        "corpus": target.corpus,
        "task": task.name,
        "kind": task.kind,
        "languages": list(target.languages),
        "train": _facts(train, family, labelled),
        "dev": _facts(dev, family, labelled),
        "inputs": {},
    }
    if target.more_rows:
        facts["more"] = {str(count): _facts(training[count], family, labelled) for count in target.more_rows}
    if task.family.trained:
        for count in target.more_rows:
            built.tables[f"targets/{name}/train-{count}.parquet"] = (labelled, training[count])
        built.tables[f"targets/{name}/train.parquet"] = (labelled, train)
        built.tables[f"targets/{name}/dev.parquet"] = (labelled, dev)
    for language in target.languages:
        mine = [dict(row) for row in tests if row["language"] == language]
        mine = [row for row in mine if not target.domain or row["domain"] == target.domain]
        if not mine:
            raise XstiltsError(
                f"Target '{name}' has no test rows in language '{language}'",
                where=f"params.yaml, targets.{name}.languages",
                allowed=", ".join(sorted({str(row["language"]) for row in tests})) or "no language has rows",
                next_step="remove the language, or fetch its data",
            )
        rows = _drawn_tests(study, name, target, mine, family)
        columns = (*KEYS, *family.inputs)
        built.tables[f"targets/{name}/inputs/{language}.parquet"] = (columns, rows)
        facts["inputs"][language] = _facts(rows, family, columns)
    return facts


def _drawn_tests(study: Study, name: str, target: Target, rows: list[dict[str, Any]], family: FamilyCode) -> Rows:
    """The same source ids in every language of a parallel corpus; retrieval and mining keep all their candidates."""
    if not corpus_task(target.corpus)[0].family.trained:
        return rows
    rows = sorted(rows, key=lambda row: bare_id(row["id"]))
    keys = [generator(study.arms.seed, "test", name, bare_id(row["id"])).random() for row in rows]
    order = sorted(range(len(rows)), key=keys.__getitem__)
    return by_draw(rows, order, target.test_rows)


def _facts(rows: Rows, family: FamilyCode, columns: tuple[str, ...]) -> Json:
    return {
        "rows": len(rows),
        "labelled_items": sum(family.items(row) for row in rows),
        "documents": len({row["document"] for row in rows}),
        "words": sum(family.length(row) for row in rows),
        "sha256": content_sha256(rows, columns),
    }


def _build_block(
    study: Study, name: str, block: Block, read: Reader, target_text: TargetText, built: Built
) -> list[tuple[Rows, Rows]]:
    """Draw a block's arms.

    The length histogram and the pools are those of the whole part, whichever of its domains are arms: one arm more or
    less leaves every other arm, and what tuning is done on, as they were.

    Returns:
        (training rows, dev rows) of every domain of the part.
    """
    task, family = block_task(block)
    rows = [
        row if block.objective == "labels" else _unlabelled(row, corpus_task(block.corpus)[1])
        for split in ("train", "dev")
        for row in read(block.corpus, split, True)
        if row["language"] == "en" and block.part in ("*", row["part"])
    ]
    pools: dict[str, tuple[Rows, Rows]] = {}
    for domain in _pool_domains(name, block, rows):
        mine = [row for row in rows if not domain or row["domain"] == domain]
        kept, removed = without_overlap(distinct(mine, family), family, target_text, study.arms.remove)
        built.removed.extend({"block": name, "domain": domain, **asdict(row)} for row in removed)
        pools[domain] = split_documents(kept, family, study.dev_items(name), study.arms.seed, name, domain)
    histograms = [item_shares(train, family) for train, _ in pools.values() if train]
    shares: np.ndarray[Any, np.dtype[np.float64]] = (
        np.mean(histograms, axis=0) if histograms else item_shares([], family)
    )
    sizes = (study.labelled_items(name), study.dev_items(name))
    source = block.corpus if block.objective == "labels" else f"{block.corpus} without labels"
    for short, mixture in block.arms().items():
        arm = f"{name}.{short}"
        drawn = draw_arm(pools, mixture, family, sizes, shares, study.arms.seed, arm)
        _add_arm(built, arm, task, family, drawn, block=name, domains=mixture, corpus=source)
    return list(pools.values())


def _unlabelled(row: Mapping[str, Any], family: FamilyCode) -> dict[str, Any]:
    """A row's text alone."""
    return {**{key: row[key] for key in (*KEYS, "part")}, "text": family.text(row)}


def _pool_domains(name: str, block: Block, rows: Rows) -> list[str]:
    """Every domain of a block's part, or the whole part (an empty name) when its arm is the whole part."""
    wanted = {domain for mixture in block.arms().values() for domain in mixture}
    there = {str(row["domain"]) for row in rows if row["domain"]}
    missing = sorted(wanted - there - {""})
    if missing or not rows:
        raise XstiltsError(
            f"Block '{name}' finds no rows of domain '{missing[0] if missing else 'any'}' in {block.corpus}, part "
            f"{block.part}",
            where=f"params.yaml, arms.blocks.{name}",
            allowed=", ".join(sorted(there)) or "the part has no rows",
            next_step="correct the domain or the part",
        )
    return [""] if "" in wanted else sorted(there)


def _add_arm(
    built: Built,
    arm: str,
    task: Task,
    family: FamilyCode,
    drawn: Drawn,
    *,
    block: str,
    domains: Mapping[str, float],
    corpus: str,
) -> None:
    columns = (*KEYS, *family.columns)
    built.tables[f"arms/{arm}/train.parquet"] = (columns, drawn.train)
    built.tables[f"arms/{arm}/dev.parquet"] = (columns, drawn.dev)
    built.arms[arm] = {
        "block": block,
        "corpus": corpus,
        "task": task.name,
        "kind": task.kind,
        "domain": "+".join(domains),
        "mixture": dict(domains),
        "train": _facts(drawn.train, family, columns),
        "dev": _facts(drawn.dev, family, columns),
        "length_distance": round(drawn.length_distance, 4),
    }


def _build_pooled(
    study: Study, task: Task, pools: Sequence[tuple[Rows, Rows]], items: tuple[int, int], built: Built
) -> None:
    """One set drawn evenly from all domains of a task's blocks; tuning uses it, so that no arm is favoured."""
    family = family_of(task)
    seed = study.arms.seed
    rows, dev = (distinct((dict(row) for pool in pools for row in pool[side]), family) for side in (0, 1))
    train = draw(rows, family, items[0], item_shares(rows, family), seed, "pooled", task.name)
    dev = draw(dev, family, items[1], item_shares(dev, family), seed, "pooled-dev", task.name)
    _add_arm(built, f"pooled.{task.name}", task, family, Drawn(train, dev, 0.0), block="pooled", domains={}, corpus="")


def _build_combined(study: Study, name: str, rates: Mapping[str, float], built: Built) -> None:
    """An arm of several tasks: of each arm that it is made of the share of rows that its rate says."""
    arm = f"combined.{name}"
    names = list(dict.fromkeys(str(built.arms[part]["task"]) for part in rates))
    task = task_with("multi_task", names)
    family = family_of(task)
    assert isinstance(family, MultiTask)
    sets = []
    for split in ("train", "dev"):
        rows: list[dict[str, Any]] = []
        for part, rate in rates.items():
            drawn = built.tables[f"arms/{part}/{split}.parquet"][1]
            order = generator(study.arms.seed, "combined", name, part, split).permutation(len(drawn))
            chosen = [drawn[int(index)] for index in order[: max(1, round(rate * len(drawn)))]]
            rows += family.rows_of(str(built.arms[part]["task"]), chosen)
        sets.append([{column: row[column] for column in (*KEYS, *family.columns)} for row in rows])
    corpora = "+".join(dict.fromkeys(str(built.arms[part]["corpus"]) for part in rates))
    drawn_sets = Drawn(sets[0], sets[1], 0.0)
    _add_arm(built, arm, task, family, drawn_sets, block="combined", domains=rates, corpus=corpora)
    built.arms[arm]["tasks"] = names


def _build_word_order(study: Study, built: Built) -> None:
    task = TASKS["word_order"]
    family = family_of(task)
    sets = []
    source = next(arm for arm, facts in built.arms.items() if facts["block"] == "pooled")
    source_family = family_of(TASKS[built.arms[source]["task"]])
    for split in ("train", "dev"):
        rows = built.tables[f"arms/{source}/{split}.parquet"][1]
        texts = [(str(row["id"]), source_family.text(row)) for row in rows]
        made = word_order_rows(texts, study.arms.seed)
        sets.append([{**row, **new} for row, new in zip(rows, made, strict=True)])
    drawn = Drawn(sets[0], sets[1], 0.0)
    _add_arm(built, "control.word-order", task, family, drawn, block="control", domains={}, corpus="")
