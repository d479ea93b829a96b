"""Reading XTREME's files, gold and predictions, and naming whatever is wrong with them.

Lines are read as ``evaluate.py`` reads them: white space around a line does not count, an empty line ends a sentence of
tags, a file need not end in an empty line. What it would score wrongly or fall over is a fault that ``stops``; what it
takes and scores as it should be, a question without an answer for one, is a fault that does not.
"""

import dataclasses
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xstilts.scoring.xtreme_facts import XTREME, Content, XtremeTask

BOM = b"\xef\xbb\xbf"
EMPTY_SENTENCE = "an empty line where a tag is due"


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with a file.

    Attributes:
        file: from the folder of all tasks; a task's folder when it is missing as a whole.
        line: from 1; nothing where no line can be named.
        what: the fault.
        expected: what would have been right.
        stops: whether the file cannot be scored.
    """

    file: str
    line: int | None
    what: str
    expected: str
    stops: bool = True


@dataclass(slots=True)
class Found:
    """One file's content, by its kind, and its faults.

    Attributes:
        file: from the folder of all tasks.
        faults: in the order in which they were met.
        lines: each line without white space around it; of ``Content.ANSWERS``, the text's lines.
        sentences: first line and tags of each sentence.
        answers: question id to an answer.
        gold: question id to the right answers.
    """

    file: str
    faults: list[Fault] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    sentences: list[tuple[int, list[str]]] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    gold: dict[str, list[str]] = field(default_factory=dict)

    def fault(self, line: int | None, what: str, expected: str, *, stops: bool = True) -> None:
        """Note a fault."""
        self.faults.append(Fault(self.file, line, what, expected, stops))

    def first_of(self, places: Sequence[tuple[int | None, str]], expected: str, *, stops: bool = True) -> None:
        """Note the first fault of a kind, and how many more there are."""
        if places:
            more = f" (and {len(places) - 1} more)" if len(places) > 1 else ""
            self.fault(places[0][0], places[0][1] + more, expected, stops=stops)

    @property
    def stops(self) -> bool:
        """Whether the file cannot be scored."""
        return any(fault.stops for fault in self.faults)


def folder_faults(folder: Path, *, all_tasks: bool = True) -> list[Fault]:
    """What is missing from a folder, and what does not belong there; no file is opened.

    Args:
        folder: with the tasks' folders.
        all_tasks: whether a task's folder may not be missing.
    """
    faults = [
        Fault(path.name, None, "belongs to no task", f"the folders {', '.join(XTREME)}", stops=False)
        for path in sorted(folder.iterdir())
        if path.name not in XTREME
    ]
    for task in XTREME.values():
        if not (folder / task.name).is_dir():
            files = f"a folder with {len(task.languages)} files, such as {task.file(task.languages[0])}"
            faults += [Fault(task.name, None, "the folder is missing", files)] if all_tasks else []
            continue
        faults += _names(folder, task)
    return faults


def _names(folder: Path, task: XtremeTask) -> list[Fault]:
    """Missing and needless files of one task; a file with a wrong extension is both, and told once."""
    wanted = {Path(task.file(language)).name for language in task.languages}
    there = {path.name for path in (folder / task.name).iterdir()}
    misnamed = {}
    for name in sorted(there - wanted):
        right = f"{name.split('.')[0]}.{task.extension}"
        if right in wanted - there:
            misnamed[right] = name
    faults = []
    for language in task.languages:
        file = task.file(language)
        if (name := Path(file).name) not in there:
            what = f"missing; {misnamed[name]} has a wrong extension" if name in misnamed else "missing"
            faults.append(Fault(file, None, what, f"{name}: {task.content.value}"))
    faults += [
        Fault(f"{task.name}/{name}", None, "is no file of the task", f"languages {' '.join(task.languages)}", False)
        for name in sorted(there - wanted - set(misnamed.values()))
    ]
    return faults


def read_predictions(folder: Path, task: XtremeTask, language: str) -> Found:
    """Read a language's predictions; what can be said without gold about them is checked."""
    return _read(folder, task, language, _answers)


def read_gold(folder: Path, task: XtremeTask, language: str) -> Found:
    """Read a language's gold."""
    found = _read(folder, task, language, _questions)
    if not (found.lines and (found.gold or task.content is not Content.ANSWERS)) and not found.stops:
        found.fault(None, "the gold is empty", task.content.value)
    return found


def _read(folder: Path, task: XtremeTask, language: str, read_json: Callable[[Found, str], None]) -> Found:
    found, text = _open(folder, task.file(language))
    if found.stops:
        return found
    if task.content is Content.ANSWERS:
        read_json(found, text)
    elif task.content is Content.TAGS:
        _tags(found, task)
    else:
        _lines(found, task, language)
    return found


def check_alone(found: Found) -> None:
    """What is left to say of predictions that have no gold to be held against."""
    empty = [(start, EMPTY_SENTENCE) for start, tags in found.sentences if not tags]
    found.first_of(empty, "one empty line between sentences and none elsewhere")


def compare(found: Found, gold: Found, task: XtremeTask) -> None:
    """Hold predictions against their gold: as many rows, the same sentences, the same questions."""
    if task.content is Content.ANSWERS:
        _compare_questions(found, gold)
    elif task.content is Content.TAGS:
        _compare_sentences(found, gold)
    elif task.content is not Content.PAIRS and len(found.lines) != len(gold.lines):
        few = len(found.lines) < len(gold.lines)
        found.fault(
            min(len(found.lines), len(gold.lines)) + 1,
            f"too {'few' if few else 'many'} lines: {len(found.lines)}",
            f"{len(gold.lines)} lines, as the gold has",
        )


def _open(folder: Path, file: str) -> tuple[Found, str]:
    found = Found(file)
    path = folder / file
    if not path.is_file():
        found.fault(None, "missing", Path(file).name)
        return found, ""
    content = path.read_bytes()
    if content.startswith(BOM):
        found.fault(1, "begins with a byte-order mark", "UTF-8 without one: it would stick to the first label")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        found.fault(line, f"not UTF-8: byte 0x{content[error.start]:02x}", "UTF-8")
        return found, ""
    if "\r" in text:
        line = text[: text.index("\r")].count("\n") + 1
        found.fault(line, "lines end in CR LF, or CR", "lines that end in LF alone", stops=False)
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    found.lines = [line.strip() for line in text.split("\n")]
    if not found.lines[-1]:
        found.lines.pop()
    return found, text


def _lines(found: Found, task: XtremeTask, language: str) -> None:
    """Labels, indices or pairs."""
    checks = {
        Content.LABELS: _odd_label(task),
        Content.INDICES: re.compile(r"(?!(?:0|[1-9][0-9]{0,8})$)"),
        Content.PAIRS: re.compile(rf"(?!{language}-[0-9]+\ten-[0-9]+$)"),
    }
    allowed = {
        Content.LABELS: "one of " + ", ".join(task.labels),
        Content.INDICES: "a whole number from 0",
        Content.PAIRS: f"{language}-000000001<TAB>en-000000002",
    }[task.content]
    odd = checks[task.content]
    numbered = list(enumerate(found.lines, 1))
    found.first_of([(number, "an empty line") for number, line in numbered if not line], allowed + " on every line")
    kind = {Content.LABELS: "unknown label", Content.INDICES: "no index:", Content.PAIRS: "no pair of ids:"}[
        task.content
    ]
    found.first_of(
        [(number, f"{kind} {line[:60]!r}") for number, line in numbered if line and odd.match(line)], allowed
    )
    if task.content is Content.PAIRS:
        again = {line for line, times in Counter(found.lines).items() if line and times > 1}
        twice = [(number, f"{line!r} stands more than once") for number, line in numbered if line in again]
        found.first_of(twice[:1], "each pair once", stops=False)
    if task.content is Content.INDICES and not found.stops:
        beyond = [(number, f"index {line} is out of range") for number, line in numbered if int(line) >= len(numbered)]
        found.first_of(beyond, f"0 to {len(numbered) - 1}: one English sentence for each line", stops=False)


def _odd_label(task: XtremeTask) -> re.Pattern[str]:
    return re.compile(rf"(?!(?:{'|'.join(map(re.escape, task.labels))})$)")


def _tags(found: Found, task: XtremeTask) -> None:
    """Cut the lines into sentences as ``evaluate.py`` does."""
    start, tags = 1, list[str]()
    for number, line in enumerate(found.lines, 1):
        if line:
            tags.append(line)
            continue
        found.sentences.append((start, tags))
        start, tags = number + 1, []
    if tags:
        found.sentences.append((start, tags))
    odd = _odd_label(task)
    unknown = [(at, f"unknown tag {tag[:60]!r}") for at, tag in enumerate(found.lines, 1) if tag and odd.match(tag)]
    found.first_of(unknown, "one of " + ", ".join(task.labels))


def _json(found: Found, text: str) -> Any:
    """The JSON value, or nothing after a fault; a key that stands twice is a fault."""
    twice: list[str] = []

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        twice.extend(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
        return dict(pairs)

    try:
        value = json.loads(text, object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        line = error.lineno if isinstance(error, json.JSONDecodeError) else None
        found.fault(line, f"invalid JSON: {getattr(error, 'msg', 'nested too deeply')}", "one JSON value")
        return None
    _first_key(found, twice, lambda key: f"'{key}' stands more than once", "each key once", stops=False)
    return value


def _answers(found: Found, text: str) -> None:
    value = _json(found, text)
    if found.stops:
        return
    if not isinstance(value, dict):
        found.fault(1, "no JSON object", Content.ANSWERS.value)
        return
    odd = [key for key, answer in value.items() if not isinstance(answer, str)]
    allowed = 'text; "" where there is no answer'
    _first_key(found, odd, lambda key: f"the answer to '{key}' is {json.dumps(value[key])[:40]}, no text", allowed)
    found.answers = {key: answer for key, answer in value.items() if isinstance(answer, str)}


def _questions(found: Found, text: str) -> None:
    """Gold in SQuAD's JSON, with or without its ``data``."""
    value = _json(found, text)
    if found.stops:
        return
    try:
        for article in value["data"] if isinstance(value, Mapping) else value:
            for question in (each for paragraph in article["paragraphs"] for each in paragraph["qas"]):
                texts = [answer["text"] for answer in question["answers"]]
                if not texts or not all(isinstance(each, str) for each in (question["id"], *texts)):
                    raise ValueError
                found.gold[question["id"]] = texts
    except (KeyError, TypeError, ValueError):
        found.fault(None, "the gold is not in SQuAD's form", "data, paragraphs, qas with id and one answer or more")


def _first_key(
    found: Found, keys: Sequence[str], what: Callable[[str], str], expected: str, *, stops: bool = True
) -> None:
    """Note the first of some keys of a JSON file, with its line."""
    if keys:
        wanted = {json.dumps(keys[0]), json.dumps(keys[0], ensure_ascii=False)}
        line = next((at for at, text in enumerate(found.lines, 1) if any(each in text for each in wanted)), None)
        found.first_of([(line, what(key)) for key in keys], expected, stops=stops)


def _compare_questions(found: Found, gold: Found) -> None:
    missing = [key for key in gold.gold if key not in found.answers]
    expected = f"an answer to each of the {len(gold.gold)} questions; none counts 0"
    _first_key(found, missing, lambda key: f"no answer to '{key}'", expected, stops=False)
    unknown = [key for key in found.answers if key not in gold.gold]
    allowed = "ids of the gold's questions alone"
    _first_key(found, unknown, lambda key: f"unknown question '{key}'", allowed, stops=False)


def _compare_sentences(found: Found, gold: Found) -> None:
    """Sentences must have the gold's lengths: ``evaluate.py`` looks at their number only, and scores shifted tags."""
    ours, theirs = ([len(tags) for _, tags in side.sentences] for side in (found, gold))
    if ours == theirs:
        return
    place = next((at for at, pair in enumerate(zip(ours, theirs, strict=False)) if pair[0] != pair[1]), None)
    place = min(len(ours), len(theirs)) if place is None else place
    line = found.sentences[place][0] if place < len(ours) else len(found.lines) + 1
    wanted = f"{sum(theirs)} tags in {len(theirs)} sentences"
    if place < len(ours) and not ours[place]:
        what = EMPTY_SENTENCE
    elif sum(ours) == sum(theirs):
        what = f"a sentence boundary has moved: sentence {place + 1} begins here with {_at(ours, place)} tags"
    else:
        few = sum(ours) < sum(theirs)
        what = f"too {'few' if few else 'many'} lines: {sum(ours)} tags in {len(ours)} sentences; sentence {place + 1} "
        what += f"begins here with {_at(ours, place)} tags"
    found.fault(line, what, f"{wanted}, {_at(theirs, place)} of them in sentence {place + 1}")


def _at(lengths: Sequence[int], place: int) -> int:
    return lengths[place] if place < len(lengths) else 0


def check_folder(folder: Path, gold: Path | None = None) -> list[Fault]:
    """Every fault of a folder of predictions.

    Args:
        folder: with all nine tasks' folders.
        gold: the same of gold, to check numbers of lines, sentences and ids; a task that it lacks goes without.
    """
    faults = folder_faults(folder)
    for task, language in _present(folder):
        if gold and (gold / task.name).is_dir():
            faults += compared(folder, gold, task, language)[2]
            continue
        found = read_predictions(folder, task, language)
        check_alone(found)
        faults += found.faults
    return faults


def compared(folder: Path, gold: Path, task: XtremeTask, language: str) -> tuple[Found, Found, list[Fault]]:
    """Read a language's predictions and gold and hold them against each other.

    Returns:
        Predictions, gold, and the faults of both; those of the gold are told as such.
    """
    found, right = read_predictions(folder, task, language), read_gold(gold, task, language)
    if not (found.stops or right.stops):
        compare(found, right, task)
    of_gold = [dataclasses.replace(fault, file=f"gold: {fault.file}") for fault in right.faults]
    return found, right, [*found.faults, *of_gold]


def _present(folder: Path) -> Iterable[tuple[XtremeTask, str]]:
    for task in XTREME.values():
        for language in task.languages:
            if (folder / task.file(language)).is_file():
                yield task, language
