"""A small folder in XTREME's layout: all 162 files, three rows each."""

import json
from pathlib import Path

from xstilts.scoring.xtreme import XTREME, Content, XtremeTask

TEXT = {"zh": "北京大学", "th": "กรุงเทพ", "ar": "القاهرة"}


def gold_text(task: XtremeTask, language: str) -> str:
    """What a gold file says."""
    answer = TEXT.get(language, "Denver Broncos")
    match task.content:
        case Content.LABELS:
            return "".join(f"{task.labels[place % 2]}\n" for place in range(3))
        case Content.INDICES:
            return "2\n0\n1\n"
        case Content.PAIRS:
            return "".join(f"{language}-{place:09d}\ten-{place + 5:09d}\n" for place in range(3))
        case Content.TAGS:
            first, second = task.labels[1], task.labels[2]
            return f"{first}\n{second}\n\n{first}\n\n{second}\n{second}\n"
        case _:
            questions = [{"id": f"{language}-{place}", "answers": [{"text": answer}]} for place in range(3)]
            return json.dumps({"data": [{"paragraphs": [{"context": answer, "qas": questions}]}]}, ensure_ascii=False)


def prediction_text(task: XtremeTask, language: str) -> str:
    """Predictions that are all right."""
    if task.content is Content.ANSWERS:
        answers = {f"{language}-{place}": TEXT.get(language, "Denver Broncos") for place in range(3)}
        return json.dumps(answers, ensure_ascii=False, indent=1)
    return gold_text(task, language)


def write_folders(root: Path) -> tuple[Path, Path]:
    """Write predictions and gold; all is right."""
    for side, text in (("predictions", prediction_text), ("gold", gold_text)):
        for task in XTREME.values():
            (root / side / task.name).mkdir(parents=True)
            for language in task.languages:
                (root / side / task.file(language)).write_text(text(task, language), "utf-8")
    return root / "predictions", root / "gold"
