-- Runs of playbooks: what holds a lock, and how often one ran by itself. Their course is on the log.

CREATE TABLE runs (
    incident   bigint NOT NULL REFERENCES incidents,
    run        text NOT NULL,
    playbook   text NOT NULL,
    lock       text,
    automatic  boolean NOT NULL,
    dry        boolean NOT NULL,
    asked_by   text NOT NULL,
    began_at   timestamptz NOT NULL,
    ended_at   timestamptz,
    outcome    text,
    PRIMARY KEY (incident, run)
);
-- Of one target only one run at a time may change anything.
CREATE UNIQUE INDEX runs_lock ON runs (lock) WHERE ended_at IS NULL AND lock IS NOT NULL;
CREATE INDEX runs_automatic ON runs (playbook, began_at) WHERE automatic;
CREATE INDEX runs_began ON runs (began_at DESC);

CREATE TABLE step_outputs (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    incident   bigint NOT NULL REFERENCES incidents,
    run        text NOT NULL,
    step       integer NOT NULL,
    direction  text NOT NULL,
    attempt    integer NOT NULL,
    began_at   timestamptz NOT NULL,
    body       text NOT NULL DEFAULT ''     -- bounded and masked before it comes here
);
CREATE INDEX step_outputs_run ON step_outputs (incident, run, step);
