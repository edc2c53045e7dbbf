-- Who may do what. Nothing here can be used by whoever reads it: of passwords, sessions, tokens and
-- links only hashes are kept.

-- A login is a person's id in the manual, or a name of its own for whom the manual never calls.
CREATE TABLE accounts (
    login        text PRIMARY KEY CHECK (login ~ '^[a-z0-9][a-z0-9_.-]{0,62}$'),
    name         text NOT NULL,
    role         text NOT NULL CHECK (role IN ('viewer', 'responder', 'commander', 'admin')),
    lang         text CHECK (lang IN ('ko', 'en')),   -- null: what the manual says, or the browser
    password     text,                                -- argon2id; null: signs in by links alone
    disabled_at  timestamptz,
    signed_in_at timestamptz,
    made_at      timestamptz NOT NULL
);

CREATE TABLE sessions (
    key          bytea PRIMARY KEY,                   -- SHA-256 of the cookie's value
    login        text NOT NULL REFERENCES accounts ON DELETE CASCADE,
    made_at      timestamptz NOT NULL,
    seen_at      timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    address      text NOT NULL,
    agent        text NOT NULL
);
CREATE INDEX sessions_login ON sessions (login);
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE api_tokens (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key          bytea NOT NULL UNIQUE,               -- SHA-256 of the token
    login        text NOT NULL REFERENCES accounts ON DELETE CASCADE,
    name         text NOT NULL,
    role         text NOT NULL CHECK (role IN ('viewer', 'responder', 'commander', 'admin')),
    made_by      text NOT NULL,
    made_at      timestamptz NOT NULL,
    expires_at   timestamptz,
    used_at      timestamptz,
    revoked_at   timestamptz
);
CREATE INDEX api_tokens_login ON api_tokens (login);

-- One-time links by which somebody signs in without a password.
CREATE TABLE sign_in_links (
    key          bytea PRIMARY KEY,                   -- SHA-256 of the link's token
    login        text NOT NULL REFERENCES accounts ON DELETE CASCADE,
    made_by      text NOT NULL,
    made_at      timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    used_at      timestamptz
);

-- Sign-ins that were tried, counted by account and by address, for all replicas together.
CREATE TABLE sign_in_attempts (
    key          text PRIMARY KEY,
    count        integer NOT NULL,
    since        timestamptz NOT NULL
);

-- What a request with an Idempotency-Key was answered, so that its repetition gets the same answer.
CREATE TABLE idempotent_requests (
    actor        text NOT NULL,
    key          text NOT NULL,
    request      bytea NOT NULL,                      -- SHA-256 of method, path and body
    at           timestamptz NOT NULL,
    status       integer,                             -- null: not answered yet
    headers      text[],
    body         bytea,
    PRIMARY KEY (actor, key)
);
CREATE INDEX idempotent_requests_at ON idempotent_requests (at);

-- Secret addresses at which a calendar program finds somebody's shifts, or a rotation's.
CREATE TABLE calendar_feeds (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person       text,
    rotation     text,
    made_by      text NOT NULL,
    made_at      timestamptz NOT NULL,
    revoked_at   timestamptz
);

-- The list of incidents, page by page.
CREATE INDEX incidents_page ON incidents (open DESC, opened_at DESC, id DESC);
