-- What comes in: who may send, every signal's bytes, and the alerts that signals are about.

-- Only the hash of a key is kept: whoever reads this table can't send.
CREATE TABLE integration_keys (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    integration text NOT NULL,
    hash        bytea NOT NULL UNIQUE,
    hint        text NOT NULL,           -- the key's last four characters, so that people can tell keys apart
    issued_at   timestamptz NOT NULL DEFAULT now(),
    revoked_at  timestamptz
);

-- One row per alert. Every statement of a storm writes here, hence:
-- the id is a hash of integration and key, because comparing 16 bytes is cheaper than comparing two texts;
-- what a mere repeat changes (last_seen, ends_at, count) is in no index and stands in front, and half of
-- each page is left free, so that a repeat stays in its page and touches no index: measured, this costs
-- less time, less WAL and in the end less disk than full pages do;
-- labels and details are JSON as text, because jsonb costs half as much again and nothing here is
-- decided in SQL; a person at a prompt writes labels::jsonb->>'alertname'.
CREATE TABLE alerts (
    id          uuid PRIMARY KEY,
    last_seen   timestamptz NOT NULL,
    ends_at     timestamptz,             -- when it ends unless it is sent again; when it ended, once resolved
    count       bigint NOT NULL,
    changed_in  bigint NOT NULL,         -- the number of the statement that changed it last
    generation  integer NOT NULL,        -- how often it began to fire; 0: only ever heard of as resolved or acknowledged
    look_at     timestamptz,             -- when to look at it again: since its change while that is pending, then at ends_at;
                                         -- 'infinity' while it is active without an end, NULL once it is resolved and settled
    pending     boolean NOT NULL,        -- whether its last change has not been brought into an incident yet
    first_seen  timestamptz NOT NULL,
    starts_at   timestamptz NOT NULL,
    incident_id bigint,                  -- no foreign key: incidents are never deleted, and it would be looked up per row
    triaged_generation integer NOT NULL DEFAULT 0,
    counted     boolean NOT NULL DEFAULT false, -- whether its incident counts it as firing
    status      text NOT NULL,
    integration text NOT NULL,
    key         text NOT NULL,
    summary     text NOT NULL,
    labels      text NOT NULL,
    details     text NOT NULL
) WITH (fillfactor = 50);

CREATE INDEX alerts_look ON alerts (look_at) WHERE look_at IS NOT NULL;
CREATE INDEX alerts_incident ON alerts (incident_id) WHERE incident_id IS NOT NULL;

-- The first bytes of each signal as they came, so that a person can see what a sender sends.
CREATE TABLE signals (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    received_at timestamptz NOT NULL,
    integration text,                    -- NULL: the key was unknown
    format      text NOT NULL,
    outcome     text NOT NULL CHECK (outcome IN ('accepted', 'partial', 'refused')),
    size        integer NOT NULL,        -- of the whole body
    refusals    text,                    -- JSON: what was refused and why
    raw         bytea NOT NULL
);
-- JSON of this size would be compressed at great cost for little: it is pruned by age anyway.
ALTER TABLE signals ALTER COLUMN raw SET STORAGE EXTERNAL;
CREATE INDEX signals_received ON signals USING brin (received_at);
CREATE INDEX signals_refused ON signals (id) WHERE outcome = 'refused';

-- PagerDuty change events: what was deployed or altered shortly before; they never notify.
CREATE TABLE changes (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    received_at timestamptz NOT NULL,
    integration text NOT NULL,
    at          timestamptz NOT NULL,
    summary     text NOT NULL,
    source      text NOT NULL,
    details     text NOT NULL            -- JSON
);
CREATE INDEX changes_at ON changes (at DESC);
