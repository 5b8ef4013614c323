-- Moments are whole microseconds since 1970 in UTC, durations whole
-- microseconds, collections and claims JSON. An absent moment, name or text is
-- NULL.

CREATE TABLE clients (
    id              TEXT    NOT NULL PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 255 AND id NOT GLOB '*[^ -~]*'),
    name            TEXT    NOT NULL,
    auth_methods    TEXT    NOT NULL CHECK (json_type(auth_methods) = 'array'),
    secrets         TEXT    NOT NULL CHECK (json_type(secrets) = 'array' AND json_array_length(secrets) <= 5),
    grants          TEXT    NOT NULL CHECK (json_type(grants) = 'array'),
    scopes          TEXT    NOT NULL CHECK (json_type(scopes) = 'array'),
    default_scopes  TEXT    CHECK (json_type(default_scopes) = 'array'),
    resources       TEXT    NOT NULL CHECK (json_type(resources) = 'array'),
    serves          TEXT    NOT NULL CHECK (json_type(serves) = 'array'),
    roles           TEXT    NOT NULL CHECK (json_type(roles) = 'array'),
    permissions     TEXT    NOT NULL CHECK (json_type(permissions) = 'array'),
    claims          TEXT    NOT NULL CHECK (json_type(claims) = 'object'),
    refresh_idle_us INTEGER NOT NULL CHECK (refresh_idle_us >= 0),
    refresh_max_us  INTEGER NOT NULL CHECK (refresh_max_us >= 0),
    disabled        INTEGER NOT NULL CHECK (disabled IN (0, 1)),
    not_before      INTEGER NOT NULL,
    version         INTEGER NOT NULL CHECK (version >= 1),
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL
) STRICT;

-- Clients that were deleted while families of theirs may be left: the sweep
-- removes those in batches, so that the deletion itself is one row.
CREATE TABLE deleted_clients (
    client_id  TEXT    NOT NULL PRIMARY KEY,
    deleted_at INTEGER NOT NULL
) STRICT;

CREATE TABLE users (
    id            TEXT    NOT NULL PRIMARY KEY CHECK (octet_length(id) BETWEEN 1 AND 255),
    username      TEXT    NOT NULL UNIQUE CHECK (octet_length(username) BETWEEN 1 AND 320),
    email         TEXT    UNIQUE CHECK (octet_length(email) BETWEEN 1 AND 320),
    upn           TEXT    UNIQUE CHECK (octet_length(upn) BETWEEN 1 AND 320),
    password_hash BLOB    NOT NULL,
    roles         TEXT    NOT NULL CHECK (json_type(roles) = 'array'),
    permissions   TEXT    NOT NULL CHECK (json_type(permissions) = 'array'),
    claims        TEXT    NOT NULL CHECK (json_type(claims) = 'object'),
    disabled      INTEGER NOT NULL CHECK (disabled IN (0, 1)),
    not_before    INTEGER NOT NULL,
    version       INTEGER NOT NULL CHECK (version >= 1),
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL
) STRICT;

CREATE TABLE resources (
    id                  TEXT    NOT NULL PRIMARY KEY CHECK (octet_length(id) BETWEEN 1 AND 1024),
    name                TEXT    NOT NULL,
    scopes              TEXT    NOT NULL CHECK (json_type(scopes) = 'array'),
    access_token_ttl_us INTEGER NOT NULL CHECK (access_token_ttl_us >= 0),
    signing_alg         TEXT    NOT NULL CHECK (signing_alg <> ''),
    claims              TEXT    NOT NULL CHECK (json_type(claims) = 'object'),
    version             INTEGER NOT NULL CHECK (version >= 1),
    created_at          INTEGER NOT NULL,
    updated_at          INTEGER NOT NULL
) STRICT;

CREATE TABLE issuers (
    id              TEXT    NOT NULL PRIMARY KEY CHECK (octet_length(id) BETWEEN 1 AND 1024),
    jwks            TEXT    CHECK (json_valid(jwks)),
    certificates    TEXT    CHECK (json_type(certificates) = 'array'),
    sealed_secret   BLOB,
    algorithms      TEXT    NOT NULL CHECK (json_type(algorithms) = 'array' AND json_array_length(algorithms) > 0),
    subject_claim   TEXT    NOT NULL,
    subject_kind    TEXT    NOT NULL CHECK (subject_kind IN ('user', 'client', 'any')),
    scopes          TEXT    NOT NULL CHECK (json_type(scopes) = 'array'),
    resources       TEXT    NOT NULL CHECK (json_type(resources) = 'array'),
    client_auth     INTEGER NOT NULL CHECK (client_auth IN (0, 1)),
    client_id       TEXT    NOT NULL,
    max_lifetime_us INTEGER NOT NULL CHECK (max_lifetime_us >= 0),
    allow_repeat    INTEGER NOT NULL CHECK (allow_repeat IN (0, 1)),
    disabled        INTEGER NOT NULL CHECK (disabled IN (0, 1)),
    version         INTEGER NOT NULL CHECK (version >= 1),
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    CONSTRAINT issuers_one_source_of_keys
        CHECK ((jwks IS NOT NULL) + (certificates IS NOT NULL) + (sealed_secret IS NOT NULL) = 1)
) STRICT;

-- One row per login, updated by each rotation. A rotation changes generation,
-- rotated_at and idle_expires_at only: none of them is in an index. sweep_at is
-- when the sweep looks at the row again, and lags behind idle_expires_at on
-- purpose: the sweep moves it, not the rotation.
CREATE TABLE refresh_families (
    id              BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    client_id       TEXT    NOT NULL,
    user_id         TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    scope           TEXT    NOT NULL CHECK (json_type(scope) = 'array'),
    resources       TEXT    NOT NULL CHECK (json_type(resources) = 'array'),
    generation      INTEGER NOT NULL CHECK (generation BETWEEN 1 AND 4294967295),
    created_at      INTEGER NOT NULL,
    client_not_before INTEGER NOT NULL, -- see store.Family
    user_not_before   INTEGER NOT NULL,
    rotated_at      INTEGER,
    idle_expires_at INTEGER NOT NULL CHECK (idle_expires_at <= expires_at),
    expires_at      INTEGER NOT NULL,
    revoked_at      INTEGER,
    sweep_at        INTEGER NOT NULL CHECK (sweep_at <= expires_at)
) STRICT;
CREATE INDEX refresh_families_of_user ON refresh_families (user_id);
CREATE INDEX refresh_families_of_client ON refresh_families (client_id, client_not_before);
CREATE INDEX refresh_families_to_sweep ON refresh_families (sweep_at);

-- There is one writer at a time, so that the order of id is the order of the
-- commits. A revocation that grows is replaced and gets a new id.
CREATE TABLE revocations (
    id           INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    kind         TEXT    NOT NULL CHECK (kind IN ('jti', 'family', 'user', 'client')),
    value        TEXT    NOT NULL CHECK (value <> ''),
    voids_before INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    reason       TEXT    NOT NULL,
    UNIQUE (kind, value)
) STRICT;
CREATE INDEX revocations_to_sweep ON revocations (expires_at);

CREATE TABLE used_assertions (
    issuer     TEXT    NOT NULL,
    id         BLOB    NOT NULL CHECK (length(id) = 32),
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (issuer, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX used_assertions_to_sweep ON used_assertions (expires_at);

-- predecessor is '' for the first key of an algorithm, so that of several
-- replicas that plan the same succession exactly one succeeds.
CREATE TABLE signing_keys (
    kid          TEXT    NOT NULL PRIMARY KEY,
    alg          TEXT    NOT NULL,
    public_jwk   TEXT    NOT NULL CHECK (json_valid(public_jwk)),
    sealed       BLOB    NOT NULL,
    predecessor  TEXT    NOT NULL CHECK (predecessor <> kid),
    published_at INTEGER NOT NULL,
    active_at    INTEGER NOT NULL,
    retired_at   INTEGER,
    removed_at   INTEGER,
    last_used_at INTEGER,
    revoked_at   INTEGER,
    reason       TEXT    NOT NULL,
    UNIQUE (alg, predecessor)
) STRICT;

CREATE TABLE secret_keys (
    purpose    TEXT    NOT NULL CHECK (purpose <> ''),
    id         INTEGER NOT NULL CHECK (id BETWEEN 1 AND 4294967295),
    sealed     BLOB    NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (purpose, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE data_keys (
    id         INTEGER NOT NULL PRIMARY KEY CHECK (id BETWEEN 1 AND 4294967295),
    master_id  TEXT    NOT NULL,
    sealed     BLOB    NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

-- A watcher that sees PRAGMA data_version move looks here for what moved.
CREATE TABLE changes (
    topic   TEXT    NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO changes (topic, version)
VALUES ('clients', 0), ('users', 0), ('resources', 0), ('issuers', 0), ('keys', 0), ('revocations', 0);

CREATE TRIGGER clients_inserted AFTER INSERT ON clients
BEGIN UPDATE changes SET version = version + 1 WHERE topic = 'clients'; END;
CREATE TRIGGER clients_updated AFTER UPDATE ON clients
BEGIN UPDATE changes SET version = version + 1 WHERE topic = 'clients'; END;
CREATE TRIGGER clients_deleted AFTER DELETE ON clients
BEGIN UPDATE changes SET version = version + 1 WHERE topic = 'clients'; END;

CREATE TRIGGER users_inserted AFTER INSERT ON users
BEGIN UPDATE changes SET version = version + 1 WHERE topic = 'users'; END;
CREATE TRIGGER users_updated AFTER UPDATE ON users
BEGIN UPDATE changes SET version = version + 1 WHERE topic = 'users'; END;
CREATE TRIGGER users_deleted AFTER DELETE ON users
BEGIN UPDATE changes SET version = version + 1 WHERE topic = 'users'; END;

CREATE TRIGGER resources_inserted AFTER INSERT ON resources
BEGIN UPDATE changes SET version = version + 1 WHERE topic = 'resources'; END;
CREATE TRIGGER resources_updated AFTER UPDATE ON resources
BEGIN UPDATE changes SET version = version + 1 WHERE topic = 'resources'; END;
CREATE TRIGGER resources_deleted AFTER DELETE ON resources
BEGIN UPDATE changes SET version = version + 1 WHERE topic = 'resources'; END;

CREATE TRIGGER issuers_inserted AFTER INSERT ON issuers
BEGIN UPDATE changes SET version = version + 1 WHERE topic = 'issuers'; END;
CREATE TRIGGER issuers_updated AFTER UPDATE ON issuers
BEGIN UPDATE changes SET version = version + 1 WHERE topic = 'issuers'; END;
CREATE TRIGGER issuers_deleted AFTER DELETE ON issuers
BEGIN UPDATE changes SET version = version + 1 WHERE topic = 'issuers'; END;

CREATE TRIGGER revocations_inserted AFTER INSERT ON revocations
BEGIN UPDATE changes SET version = version + 1 WHERE topic = 'revocations'; END;

CREATE TRIGGER signing_keys_inserted AFTER INSERT ON signing_keys
BEGIN UPDATE changes SET version = version + 1 WHERE topic = 'keys'; END;
CREATE TRIGGER signing_keys_updated
AFTER UPDATE OF alg, public_jwk, sealed, predecessor, published_at, active_at, retired_at, removed_at, revoked_at, reason
ON signing_keys
BEGIN UPDATE changes SET version = version + 1 WHERE topic = 'keys'; END;
CREATE TRIGGER signing_keys_deleted AFTER DELETE ON signing_keys
BEGIN UPDATE changes SET version = version + 1 WHERE topic = 'keys'; END;
CREATE TRIGGER secret_keys_inserted AFTER INSERT ON secret_keys
BEGIN UPDATE changes SET version = version + 1 WHERE topic = 'keys'; END;
CREATE TRIGGER secret_keys_updated AFTER UPDATE ON secret_keys
BEGIN UPDATE changes SET version = version + 1 WHERE topic = 'keys'; END;
CREATE TRIGGER secret_keys_deleted AFTER DELETE ON secret_keys
BEGIN UPDATE changes SET version = version + 1 WHERE topic = 'keys'; END;
CREATE TRIGGER data_keys_inserted AFTER INSERT ON data_keys
BEGIN UPDATE changes SET version = version + 1 WHERE topic = 'keys'; END;
CREATE TRIGGER data_keys_updated AFTER UPDATE ON data_keys
BEGIN UPDATE changes SET version = version + 1 WHERE topic = 'keys'; END;
CREATE TRIGGER data_keys_deleted AFTER DELETE ON data_keys
BEGIN UPDATE changes SET version = version + 1 WHERE topic = 'keys'; END;
