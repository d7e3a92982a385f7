-- SPDX-License-Identifier: Apache-2.0
-- The tables of an audit trail; schema/audit.md says what they promise. Each section
-- brings a trail from the version before it to its own (user_version). One that has
-- been released is never changed: a new section follows it.

-- version 1

PRAGMA application_id = 1852989812; -- "nrat"

CREATE TABLE trail (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    id   BLOB NOT NULL CHECK (length(id) = 16),
    key  BLOB NOT NULL CHECK (length(key) = 32), -- Ed25519, public
    made INTEGER NOT NULL                        -- µs since 1970, as all times here
) STRICT;

-- What many records share is kept once. `seen`: all records that refer to the row have
-- a seq below seen + 1,048,576, so that it is known when nobody does any more.

CREATE TABLE policies (
    id     INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
    seen   INTEGER NOT NULL
) STRICT;

CREATE TABLE images (
    policy INTEGER PRIMARY KEY REFERENCES policies,
    image  BLOB NOT NULL
) STRICT;

CREATE TABLE texts (
    id   INTEGER PRIMARY KEY,
    text TEXT NOT NULL UNIQUE,
    seen INTEGER NOT NULL
) STRICT;

CREATE INDEX texts_seen ON texts (seen);

CREATE TABLE circumstances (
    id           INTEGER PRIMARY KEY,
    digest       BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
    seen         INTEGER NOT NULL,
    asserted     INTEGER NOT NULL CHECK (asserted IN (0, 1)),
    uid          INTEGER, -- of the peer; all three or none
    gid          INTEGER,
    pid          INTEGER,
    user         TEXT,
    role_profile TEXT,
    role         TEXT,
    organisation TEXT,
    application  TEXT,
    who          TEXT,
    inputs       TEXT
) STRICT;

CREATE INDEX circumstances_seen ON circumstances (seen);

CREATE TABLE records (
    seq           INTEGER PRIMARY KEY,
    at            INTEGER NOT NULL,
    event         INTEGER NOT NULL, -- schema/nrbac/event.def
    reason        INTEGER NOT NULL, -- schema/nrbac/reason.def
    policy        INTEGER REFERENCES policies,
    generation    INTEGER NOT NULL,
    circumstances INTEGER REFERENCES circumstances,
    action        INTEGER REFERENCES texts,
    api           INTEGER REFERENCES texts,
    resource      INTEGER REFERENCES texts,
    obligations   INTEGER REFERENCES texts,
    session       INTEGER,
    message       INTEGER, -- msgid + 1
    patient       TEXT,
    detail        TEXT,
    hash          BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;

-- Signed lines: up to here the chain is this, and up to here records were dropped.

CREATE TABLE checkpoints (
    seq       INTEGER PRIMARY KEY,
    statement TEXT NOT NULL
) STRICT;

CREATE TABLE pruned (
    one       INTEGER PRIMARY KEY CHECK (one = 1),
    seq       INTEGER NOT NULL,
    statement TEXT NOT NULL
) STRICT;
