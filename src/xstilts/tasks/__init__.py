"""Facts about every task: its family, languages, labels and metric. Importing this costs no torch."""

from xstilts.tasks.facts import TASKS, Family, Task, task_named, task_with

__all__ = ["TASKS", "Family", "Task", "task_named", "task_with"]
