-- The log is the truth: events are only ever added. Everything else about an incident can be
-- derived from them and is kept beside them because a list, a timer or a decision needs it at once.

CREATE TABLE manuals (
    sha        text PRIMARY KEY,
    name       text NOT NULL,
    document   bytea NOT NULL,
    loaded_at  timestamptz NOT NULL DEFAULT now()
);

-- One row: which manual decides now.
CREATE TABLE current_manual (
    one_row    boolean PRIMARY KEY DEFAULT true CHECK (one_row),
    sha        text NOT NULL REFERENCES manuals,
    since      timestamptz NOT NULL DEFAULT now()
);

-- Secrets that all processes on this database share, made once at random.
CREATE TABLE secrets (
    name       text PRIMARY KEY,
    value      bytea NOT NULL,
    made_at    timestamptz NOT NULL DEFAULT now()
);

CREATE SEQUENCE incident_ids;

CREATE TABLE incidents (
    id          bigint PRIMARY KEY,
    number      text NOT NULL UNIQUE,
    group_key   text,
    open        boolean NOT NULL,
    phase       text NOT NULL,
    severity    text NOT NULL,
    type        text,
    service     text,
    title       text NOT NULL,
    drill       boolean NOT NULL,
    opened_at   timestamptz NOT NULL,
    ended_at    timestamptz,
    acknowledged_by text,
    alerts      integer NOT NULL,
    firing      integer NOT NULL,
    seq         integer NOT NULL,
    look_at     timestamptz,
    state       bytea NOT NULL,          -- the fold up to seq, msgpack
    state_form  integer NOT NULL,        -- the release's form of it; another form is folded anew
    trouble     text,                    -- why deciding it failed last, if it did
    updated_at  timestamptz NOT NULL DEFAULT now()
);

-- Two replicas cannot open two incidents for one group of alerts.
CREATE UNIQUE INDEX incidents_open_group ON incidents (group_key) WHERE open AND group_key IS NOT NULL;
CREATE INDEX incidents_ended_group ON incidents (group_key, ended_at DESC) WHERE NOT open AND group_key IS NOT NULL;
CREATE INDEX incidents_look ON incidents (look_at) WHERE look_at IS NOT NULL;
CREATE INDEX incidents_list ON incidents (open DESC, opened_at DESC);

CREATE TABLE events (
    incident   bigint NOT NULL REFERENCES incidents ON DELETE RESTRICT,
    seq        integer NOT NULL,
    at         timestamptz NOT NULL,
    actor      text NOT NULL,
    kind       text NOT NULL,
    body       json NOT NULL,            -- json, not jsonb: the bytes that were hashed stay as they were
    hash       bytea NOT NULL,           -- SHA-256 over the former hash and this entry
    PRIMARY KEY (incident, seq)
);

-- What an event asks to be done outside; the job that does it spends this row first.
CREATE TABLE effects (
    incident   bigint NOT NULL,
    seq        integer NOT NULL,
    claimed_at timestamptz,
    claimed_by text,
    done_at    timestamptz,
    look_at    timestamptz NOT NULL DEFAULT now() + interval '15 seconds', -- not done by then: queue it again
    PRIMARY KEY (incident, seq),
    FOREIGN KEY (incident, seq) REFERENCES events
);
CREATE INDEX effects_open ON effects (look_at) WHERE done_at IS NULL;
