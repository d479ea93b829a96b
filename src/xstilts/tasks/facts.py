"""The fact sheets of the tasks.

Languages and their order are those of XTREME's ``evaluate.py`` (google-research/xtreme at 838c13b). A label's
place in ``labels`` is its class id.
"""

import dataclasses
import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from xstilts.errors import unknown
from xstilts.tasks.supertags import CATEGORIES, OTHER


class Family(enum.StrEnum):
    """What kind of input a task has and what is predicted for it."""

    TOKEN_TAGGING = "token_tagging"
    PAIR_CLASSIFICATION = "pair_classification"
    SENTENCE_CLASSIFICATION = "sentence_classification"
    SENTENCE_RETRIEVAL = "sentence_retrieval"
    BITEXT_MINING = "bitext_mining"
    SPAN_QA = "span_qa"
    MULTIPLE_CHOICE = "multiple_choice"
    PAIR_REGRESSION = "pair_regression"
    MASKED_LM = "masked_lm"
    MULTI_TASK = "multi_task"

    @property
    def trained(self) -> bool:
        """Whether its tasks are trained on; sentences that are compared are embedded as they are."""
        return self not in (Family.SENTENCE_RETRIEVAL, Family.BITEXT_MINING)


@dataclass(frozen=True, slots=True)
class Task:
    """One task's facts.

    Attributes:
        name: the field's name for it; XTREME's own key where it is one of its nine tasks.
        family: decides input columns, head, loss and metrics.
        languages: every language that XTREME scores, ISO 639-1.
        labels: class names; the index is the class id. Empty for retrieval; the ends of the range for regression; of
            several tasks at once their names.
        main_metric: the metric of the headline, in percent.
        version: raised when any score could change.
        in_xtreme: whether it is one of XTREME's nine tasks.
        kind: tasks of one kind predict the same sort of label; an arm and a target of one kind are "same-task".
        unanswerable: whether a question may have no answer.
        tested_on: what XTREME calls the test set; empty for tasks that are not XTREME's.
        without_dev: languages that XTREME scores and that have no dev set there.
    """

    name: str
    family: Family
    languages: tuple[str, ...]
    labels: tuple[str, ...]
    main_metric: str
    version: int
    in_xtreme: bool
    kind: str
    unanswerable: bool = False
    tested_on: str = ""
    without_dev: tuple[str, ...] = ()


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


UPOS = (
    "ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "INTJ", "NOUN", "NUM", "PART", "PRON", "PROPN", "PUNCT", "SCONJ",
    "SYM", "VERB", "X",
)  # fmt: skip
INTENTS = (
    "accept_reservations account_blocked alarm application_status apr are_you_a_bot balance bill_balance bill_due "
    "book_flight book_hotel calculator calendar calendar_update calories cancel cancel_reservation car_rental "
    "card_declined carry_on change_accent change_ai_name change_language change_speed change_user_name change_volume "
    "confirm_reservation cook_time credit_limit credit_limit_change credit_score current_location damaged_card date "
    "definition direct_deposit directions distance do_you_have_pets exchange_rate expiration_date find_phone "
    "flight_status flip_coin food_last freeze_account fun_fact gas gas_type goodbye greeting how_busy how_old_are_you "
    "improve_credit_score income ingredient_substitution ingredients_list insurance insurance_change interest_rate "
    "international_fees international_visa jump_start last_maintenance lost_luggage make_call maybe meal_suggestion "
    "meaning_of_life measurement_conversion meeting_schedule min_payment mpg new_card next_holiday next_song no "
    "nutrition_info oil_change_how oil_change_when order order_checks order_status pay_bill payday pin_change "
    "play_music plug_type pto_balance pto_request pto_request_status pto_used recipe redeem_rewards reminder "
    "reminder_update repeat replacement_card_duration report_fraud report_lost_card reset_settings "
    "restaurant_reservation restaurant_reviews restaurant_suggestion rewards_balance roll_dice rollover_401k routing "
    "schedule_maintenance schedule_meeting share_location shopping_list shopping_list_update smart_home spelling "
    "spending_history sync_device taxes tell_joke text thank_you time timer timezone tire_change tire_pressure "
    "todo_list todo_list_update traffic transactions transfer translate travel_alert travel_notification "
    "travel_suggestion uber update_playlist user_name vaccines w2 weather what_are_your_hobbies what_can_i_ask_you "
    "what_is_your_name what_song where_are_you_from whisper_mode who_do_you_work_for who_made_you yes"
)
"""Of CLINC150, without the out-of-scope rows."""
WIKIANN = ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC")

_ENTRIES = (
    Task(
        name="xnli",
        family=Family.PAIR_CLASSIFICATION,
        languages=_names("ar bg de el en es fr hi ru sw th tr ur vi zh"),
        labels=("contradiction", "entailment", "neutral"),
        main_metric="accuracy",
        version=1,
        in_xtreme=True,
        kind="natural language inference",
        tested_on="the test set of XNLI, 5,010 pairs in each language",
    ),
    Task(
        name="pawsx",
        family=Family.PAIR_CLASSIFICATION,
        languages=_names("de en es fr ja ko zh"),
        labels=("0", "1"),
        main_metric="accuracy",
        version=1,
        in_xtreme=True,
        kind="paraphrase identification",
        tested_on="the test set of PAWS-X, 2,000 pairs in each language",
    ),
    Task(
        name="udpos",
        family=Family.TOKEN_TAGGING,
        languages=_names(
            "af ar bg de el en es et eu fa fi fr he hi hu id it ja kk ko mr nl pt ru ta te th tl tr ur vi yo zh"
        ),
        labels=UPOS,
        main_metric="token_accuracy",
        version=1,
        in_xtreme=True,
        kind="part-of-speech tagging",
        tested_on="the test sets of Universal Dependencies 2.5 treebanks",
        without_dev=_names("kk th tl yo"),
    ),
    Task(
        name="panx",
        family=Family.TOKEN_TAGGING,
        languages=_names(
            "ar he vi id jv ms tl eu ml ta te af nl en de el bn hi mr ur fa fr it pt es bg ru ja ka ko th sw yo my "
            "zh kk tr et fi hu"
        ),
        labels=WIKIANN,
        main_metric="span_f1",
        version=1,
        in_xtreme=True,
        kind="named-entity recognition",
        tested_on="1,000 to 10,000 sentences of WikiANN",
    ),
    Task(
        name="tatoeba",
        family=Family.SENTENCE_RETRIEVAL,
        languages=_names(
            "ar he vi id jv tl eu ml ta te af nl de el bn hi mr ur fa fr it pt es bg ru ja ka ko th sw zh kk tr et "
            "fi hu"
        ),
        labels=(),
        main_metric="accuracy",
        version=1,
        in_xtreme=True,
        kind="sentence retrieval",
        tested_on="up to 1,000 pairs with English; nothing is trained, so there is no dev set",
    ),
    Task(
        name="bucc2018",
        family=Family.BITEXT_MINING,
        languages=_names("de fr ru zh"),
        labels=(),
        main_metric="f1",
        version=1,
        in_xtreme=True,
        kind="bitext mining",
        tested_on="the training set of BUCC 2018; its sample set is the dev set",
    ),
    *(
        Task(
            name=name,
            family=Family.SPAN_QA,
            languages=_names(languages),
            labels=("start", "end"),
            main_metric="f1",
            version=1,
            in_xtreme=True,
            kind="extractive question answering",
            tested_on=tested_on,
            without_dev=_names(without_dev),
        )
        for name, languages, tested_on, without_dev in (
            (
                "xquad",
                "en es de el ru tr ar vi th zh hi",
                "all of XQuAD: 1,190 questions of SQuAD's dev set, translated",
                "es de el ru tr ar vi th zh hi",
            ),
            ("mlqa", "en es de ar hi vi zh", "the test set of MLQA, question and context in one language", ""),
            ("tydiqa", "en ar bn fi id ko ru sw te", "the dev set of TyDiQA-GoldP", "ar bn fi id ko ru sw te"),
        )
    ),
    Task(
        name="squad_v2",
        family=Family.SPAN_QA,
        languages=("en",),
        labels=("start", "end"),
        main_metric="f1",
        version=1,
        in_xtreme=False,
        kind="extractive question answering",
        unanswerable=True,
    ),
    Task(
        name="ccg",
        family=Family.TOKEN_TAGGING,
        languages=("en",),
        labels=(*CATEGORIES, OTHER),
        main_metric="token_accuracy",
        version=1,
        in_xtreme=False,
        kind="supertagging",
    ),
    Task(
        name="sentiment",
        family=Family.SENTENCE_CLASSIFICATION,
        languages=_names("de en es fr"),
        labels=("negative", "positive"),
        main_metric="accuracy",
        version=1,
        in_xtreme=False,
        kind="sentiment",
    ),
    Task(
        name="tweet_sentiment",
        family=Family.SENTENCE_CLASSIFICATION,
        languages=_names("ar de en es fr hi"),
        labels=("negative", "neutral", "positive"),
        main_metric="accuracy",
        version=1,
        in_xtreme=False,
        kind="sentiment",
    ),
    Task(
        name="topic",
        family=Family.SENTENCE_CLASSIFICATION,
        languages=_names("ar de el en es fi fr he hi hu id it ja ko ru sw ta te th tr ur vi yo zh"),
        labels=(
            "entertainment",
            "geography",
            "health",
            "politics",
            "science/technology",
            "sports",
            "travel",
        ),
        main_metric="accuracy",
        version=1,
        in_xtreme=False,
        kind="topic classification",
    ),
    Task(
        name="intent",
        family=Family.SENTENCE_CLASSIFICATION,
        languages=("en",),
        labels=_names(INTENTS),
        main_metric="accuracy",
        version=1,
        in_xtreme=False,
        kind="intent classification",
    ),
    *(
        Task(
            name=name,
            family=Family.MULTIPLE_CHOICE,
            languages=_names(languages),
            labels=tuple(str(place) for place in range(choices)),
            main_metric="accuracy",
            version=1,
            in_xtreme=False,
            kind="commonsense reasoning",
        )
        for name, languages, choices in (
            ("xcopa", "en et ht id it qu sw ta th tr vi zh", 2),
            ("cosmosqa", "en", 4),
            ("hellaswag", "en", 4),
            ("commonsenseqa", "en", 5),
            ("socialiqa", "en", 3),
        )
    ),
    Task(
        name="stsb",
        family=Family.PAIR_REGRESSION,
        languages=_names("de en es fr it ja ko nl pl pt ru zh"),
        labels=("0", "5"),
        main_metric="spearman",
        version=1,
        in_xtreme=False,
        kind="semantic similarity",
    ),
    Task(
        name="masked_lm",
        family=Family.MASKED_LM,
        languages=("en",),
        labels=(),
        main_metric="masked_accuracy",
        version=1,
        in_xtreme=False,
        kind="masked language modelling",
    ),
    Task(
        name="multi_task",
        family=Family.MULTI_TASK,
        languages=("en",),
        labels=(),
        main_metric="mean_of_tasks",
        version=1,
        in_xtreme=False,
        kind="several tasks",
    ),
    Task(
        name="word_order",
        family=Family.SENTENCE_CLASSIFICATION,
        languages=("en",),
        labels=("real", "shuffled"),
        main_metric="accuracy",
        version=1,
        in_xtreme=False,
        kind="word-order control",
    ),
)


def _registry(entries: Iterable[Task]) -> Mapping[str, Task]:
    found: dict[str, Task] = {}
    for entry in entries:
        if entry.name in found:
            raise ValueError(f"task {entry.name!r} is registered twice")
        found[entry.name] = entry
    return MappingProxyType(found)


TASKS: Mapping[str, Task] = _registry(_ENTRIES)


def task_with(name: str, labels: Iterable[str]) -> Task:
    """A task as a cell has it: several tasks at once are named by its labels."""
    task = TASKS[name]
    return dataclasses.replace(task, labels=tuple(labels)) if task.family is Family.MULTI_TASK else task


def task_named(name: str, *, where: str = "") -> Task:
    """Look a task up; an unknown name is answered with the nearest known one."""
    if name not in TASKS:
        raise unknown("task", name, TASKS, where=where)
    return TASKS[name]
