"""Runs found by their tags, made once, and cleaned of twins."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from xstilts.files import Json
from xstilts.tracking.store import Store

KIND, IDENTITY, COMPLETE, PARENT = "xstilts.kind", "xstilts.identity", "xstilts.complete", "mlflow.parentRunId"
PARAM_LIMIT, TAG_LIMIT, BATCH = 6000, 8000, 900


@dataclass
class Runs:
    """The live runs of one experiment, by identity.

    Attributes:
        store: the open store.
        experiment: its id.
        known: identity to run id.
        complete: run id to the fingerprint of what was logged last.
        made: runs created in this sync.
    """

    store: Store
    experiment: str
    known: dict[str, str] = field(default_factory=dict)
    complete: dict[str, str] = field(default_factory=dict)
    made: int = 0

    @classmethod
    def of(cls, store: Store, name: str) -> "Runs":
        """Read an experiment's runs, making it if need be; of twins, the oldest stays."""
        found = store.client.get_experiment_by_name(name)
        if found and found.lifecycle_stage == "deleted":
            store.client.restore_experiment(found.experiment_id)
        artifacts = f"{store.artifacts}/{name.replace('/', '-')}" if store.artifacts else None
        experiment = found.experiment_id if found else store.client.create_experiment(name, artifact_location=artifacts)
        runs = cls(store, experiment)
        token = None
        while True:
            page = store.client.search_runs([experiment], order_by=["attributes.start_time ASC"], page_token=token)
            for run in page:
                runs._keep(run)
            token = page.token
            if not token:
                return runs

    def _keep(self, run: Any) -> None:
        identity = run.data.tags.get(IDENTITY)
        if identity is None:
            return
        if identity in self.known:
            self.store.client.delete_run(run.info.run_id)
            return
        self.known[identity] = run.info.run_id
        self.complete[run.info.run_id] = run.data.tags.get(COMPLETE, "")

    def run(
        self,
        kind: str,
        identity: str,
        name: str,
        tags: Mapping[str, str],
        parent: str | None,
        started_ms: int | None = None,
    ) -> str:
        """The run of an identity; made when there is none."""
        if identity not in self.known:
            everything = {KIND: kind, IDENTITY: identity, **tags, **({PARENT: parent} if parent else {})}
            made = self.store.client.create_run(
                self.experiment, start_time=started_ms or int(time.time() * 1000), run_name=name,
                tags={key: str(value)[:TAG_LIMIT] for key, value in everything.items()},
            )  # fmt: skip
            self.known[identity] = made.info.run_id
            self.made += 1
        return self.known[identity]

    def log(
        self,
        run: str,
        *,
        params: Mapping[str, Json] | None = None,
        metrics: Iterable[tuple[str, float, int, int]] = (),
        tags: Mapping[str, Json] | None = None,
    ) -> None:
        """Log parameters, metric points (name, value, time in ms, step) and tags in as few calls as allowed."""
        from mlflow.entities import Metric, Param, RunTag

        points = [Metric(name, value, when, step) for name, value, when, step in metrics]
        texts = [Param(key, str(value)[:PARAM_LIMIT]) for key, value in (params or {}).items()]
        labels = [RunTag(key, str(value)[:TAG_LIMIT]) for key, value in (tags or {}).items()]
        for start in range(0, max(len(points), 1), BATCH):
            self.store.client.log_batch(run, metrics=points[start : start + BATCH])
        for start in range(0, len(texts), 100):
            self.store.client.log_batch(run, params=texts[start : start + 100])
        self.store.client.log_batch(run, tags=labels)

    def finish(self, run: str, fingerprint: str, ended_ms: int | None = None) -> None:
        """Mark a run complete, so that the next sync passes over it."""
        self.store.client.set_tag(run, COMPLETE, fingerprint)
        self.store.client.set_terminated(run, "FINISHED", ended_ms)
        self.complete[run] = fingerprint

    def is_complete(self, identity: str, fingerprint: str) -> bool:
        """Whether this identity's run holds exactly this already."""
        run = self.known.get(identity)
        return run is not None and self.complete.get(run) == fingerprint
