-- Moments are whole microseconds since 1970 in UTC. An absent moment, name or text is NULL.
--
-- A row of clients, users, resources and issuers has an identity, a version, the columns that
-- statements search, join or compare, and one document with everything else. The fields of the
-- document are those of the type in internal/store. Durations in it are nanoseconds.

CREATE TABLE clients (
    id         TEXT    NOT NULL PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 255 AND id NOT GLOB '*[^ -~]*'),
    name       TEXT    NOT NULL,
    secrets    TEXT    NOT NULL CHECK (json_type(secrets) = 'array' AND json_array_length(secrets) <= 5),
    not_before INTEGER NOT NULL,
    document   TEXT    NOT NULL CHECK (json_type(document) = 'object'),
    version    INTEGER NOT NULL CHECK (version >= 1),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    CONSTRAINT clients_lifetimes CHECK (
        coalesce(document ->> 'refresh_idle_ns', 0) >= 0 AND coalesce(document ->> 'refresh_max_ns', 0) >= 0),
    CONSTRAINT clients_certificates CHECK (coalesce(json_array_length(document, '$.certificates'), 1) > 0),
    CONSTRAINT clients_one_key_set CHECK (document -> 'jwks' IS NULL OR document -> 'jwks_uri' IS NULL),
    CONSTRAINT clients_tls_subject CHECK (document -> 'tls_subject' IS NULL OR coalesce(
        document ->> '$.tls_subject.kind' IN ('dn', 'dns', 'uri', 'ip', 'email') AND document ->> '$.tls_subject.value' <> '', 0)),
    CONSTRAINT clients_bound_or_unbound CHECK (NOT (coalesce(document ->> 'tls_bound', 0) AND coalesce(document ->> 'tls_unbound', 0))),
    CONSTRAINT clients_profile CHECK (coalesce(document ->> 'profile', '') IN ('', 'fapi2'))
) STRICT;

-- Deleted clients that may still have families or consents. The sweep removes those in batches, so
-- that the deletion itself changes one row.
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
    disabled      INTEGER NOT NULL CHECK (disabled IN (0, 1)),
    not_before    INTEGER NOT NULL,
    document      TEXT    NOT NULL CHECK (json_type(document) = 'object'),
    version       INTEGER NOT NULL CHECK (version >= 1),
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL
) STRICT;

CREATE TABLE resources (
    id         TEXT    NOT NULL PRIMARY KEY CHECK (octet_length(id) BETWEEN 1 AND 1024),
    name       TEXT    NOT NULL,
    document   TEXT    NOT NULL CHECK (json_type(document) = 'object'),
    version    INTEGER NOT NULL CHECK (version >= 1),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    CONSTRAINT resources_lifetime CHECK (coalesce(document ->> 'access_token_ttl_ns', 0) >= 0),
    CONSTRAINT resources_signing_alg CHECK (coalesce(document ->> 'signing_alg', '') <> ''),
    CONSTRAINT resources_token_typ CHECK (coalesce(document ->> 'token_typ', '') IN ('', 'JWT')),
    CONSTRAINT resources_encryption CHECK ((document -> 'encryption_jwk' IS NULL) = (document -> 'encryption_enc' IS NULL))
) STRICT;

-- A registration of an issuer has an id. iss is the claim "iss", which several registrations may
-- share. It is NULL if it equals the id. There is exactly one source of keys; jwks_uri and discovery
-- are fetched from the issuer.
CREATE TABLE issuers (
    id            TEXT    NOT NULL PRIMARY KEY CHECK (octet_length(id) BETWEEN 1 AND 1024),
    iss           TEXT    CHECK (octet_length(iss) BETWEEN 1 AND 1024) CHECK (iss <> id),
    client_id     TEXT    NOT NULL,
    sealed_secret BLOB,
    document      TEXT    NOT NULL CHECK (json_type(document) = 'object'),
    version       INTEGER NOT NULL CHECK (version >= 1),
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    CONSTRAINT issuers_one_source_of_keys CHECK (
        (document -> 'jwks' IS NOT NULL) + (document -> 'jwks_uri' IS NOT NULL) + (document -> 'certificates' IS NOT NULL)
        + coalesce(document ->> 'discovery', 0) + (sealed_secret IS NOT NULL) = 1),
    CONSTRAINT issuers_certificates CHECK (
        coalesce(json_array_length(document, '$.certificates'), 1) > 0 AND coalesce(json_array_length(document, '$.ca_certificates'), 1) > 0),
    CONSTRAINT issuers_algorithms CHECK (coalesce(json_array_length(document, '$.algorithms'), 0) > 0),
    CONSTRAINT issuers_subject_kind CHECK (coalesce(document ->> 'subject_kind', '') IN ('user', 'client', 'federated', 'any')),
    CONSTRAINT issuers_lifetimes CHECK (
        coalesce(document ->> 'max_lifetime_ns', 0) >= 0 AND coalesce(document ->> 'clock_skew_ns', 0) >= 0)
) STRICT;
CREATE INDEX issuers_of_iss ON issuers (coalesce(iss, id));

-- One row per login, which each rotation updates. A rotation changes no column that is in an index.
-- sweep_at is when the sweep looks at the row again. It lags behind idle_expires_at on purpose: the
-- sweep changes it, not the rotation.
CREATE TABLE refresh_families (
    id              BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    client_id       TEXT    NOT NULL,
    user_id         TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    scope           TEXT    NOT NULL CHECK (json_type(scope) = 'array'),
    resources       TEXT    NOT NULL CHECK (json_type(resources) = 'array'),
    generation      INTEGER NOT NULL CHECK (generation BETWEEN 0 AND 4294967295), -- 0: an authorization code
    created_at      INTEGER NOT NULL,
    client_not_before INTEGER NOT NULL, -- see store.Family
    user_not_before   INTEGER NOT NULL,
    rotated_at      INTEGER,
    idle_expires_at INTEGER NOT NULL CHECK (idle_expires_at <= expires_at),
    expires_at      INTEGER NOT NULL,
    revoked_at      INTEGER,
    revoked_reason  TEXT,
    sweep_at        INTEGER NOT NULL CHECK (sweep_at <= expires_at),
    -- bound_to is written once. A rotation compares it.
    bound_to        TEXT    CHECK (bound_to <> ''),
    -- The clocks that wrote the moments of a family. A server allows for the clock skew when it
    -- compares its own clock with another. 0 is an unknown clock.
    created_by      INTEGER NOT NULL DEFAULT 0,
    rotated_by      INTEGER NOT NULL DEFAULT 0,
    -- The state before the last rotation, to undo a rotation if the server could not answer the
    -- request.
    prior_generation      INTEGER,
    prior_rotated_at      INTEGER,
    prior_rotated_by      INTEGER NOT NULL DEFAULT 0,
    prior_idle_expires_at INTEGER,
    bound_anew            INTEGER NOT NULL DEFAULT 0 CHECK (bound_anew IN (0, 1)),
    -- Only families of a sign-in have these. code is what the exchange of the code must match; the
    -- first rotation removes it.
    session_id      BLOB    CHECK (length(session_id) = 16),
    offline         INTEGER NOT NULL DEFAULT 0 CHECK (offline IN (0, 1)),
    login           TEXT    CHECK (json_type(login) = 'object'),
    code            TEXT    CHECK (json_type(code) = 'object')
) STRICT;
CREATE INDEX refresh_families_of_user ON refresh_families (user_id, id);
CREATE INDEX refresh_families_by_client ON refresh_families (client_id, id);
CREATE INDEX refresh_families_of_client ON refresh_families (client_id, client_not_before);
CREATE INDEX refresh_families_to_sweep ON refresh_families (sweep_at);
CREATE INDEX refresh_families_of_session ON refresh_families (session_id, id) WHERE session_id IS NOT NULL;

-- One row per browser in which a person signed in. sweep_at is as in refresh_families.
CREATE TABLE sessions (
    id              BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    secret          BLOB    NOT NULL UNIQUE CHECK (length(secret) = 32),
    user_id         TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    user_not_before INTEGER NOT NULL,
    methods         TEXT    NOT NULL CHECK (json_type(methods) = 'array' AND json_array_length(methods) > 0),
    device          TEXT    NOT NULL,
    address         TEXT    NOT NULL,
    created_at      INTEGER NOT NULL,
    seen_at         INTEGER NOT NULL,
    idle_expires_at INTEGER NOT NULL CHECK (idle_expires_at <= expires_at),
    expires_at      INTEGER NOT NULL,
    ended_at        INTEGER,
    ended_reason    TEXT,
    sweep_at        INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_of_user ON sessions (user_id, id);
CREATE INDEX sessions_to_end ON sessions (sweep_at) WHERE ended_at IS NULL;
CREATE INDEX sessions_to_sweep ON sessions (sweep_at) WHERE ended_at IS NOT NULL;

-- client_created_at distinguishes a client from an earlier client with the same id.
CREATE TABLE consents (
    user_id           TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    client_id         TEXT    NOT NULL,
    client_created_at INTEGER NOT NULL,
    scopes            TEXT    NOT NULL CHECK (json_type(scopes) = 'object'),
    granted_at        INTEGER NOT NULL,
    until             INTEGER,
    PRIMARY KEY (user_id, client_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX consents_of_client ON consents (client_id);
CREATE INDEX consents_to_sweep ON consents (until) WHERE until IS NOT NULL;

-- Clients that took part in a session and whose families were swept before the session ended. A row
-- may outlive its session.
CREATE TABLE session_clients (
    session_id BLOB    NOT NULL CHECK (length(session_id) = 16),
    client_id  TEXT    NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (session_id, client_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX session_clients_to_sweep ON session_clients (expires_at);

-- Logout tokens that clients must get, written when a session ends. A server that sends one first
-- moves due_at to later, so that no other server sends it too.
CREATE TABLE deliveries (
    id         TEXT    NOT NULL PRIMARY KEY CHECK (length(id) = 36),
    client_id  TEXT    NOT NULL,
    user_id    TEXT    NOT NULL,
    session_id BLOB    NOT NULL CHECK (length(session_id) = 16),
    created_at INTEGER NOT NULL,
    due_at     INTEGER NOT NULL,
    attempts   INTEGER NOT NULL DEFAULT 0,
    fault      TEXT,
    ended_at   INTEGER,
    delivered  INTEGER NOT NULL DEFAULT 0 CHECK (delivered IN (0, 1) AND (delivered = 0 OR ended_at IS NOT NULL)),
    UNIQUE (session_id, client_id)
) STRICT;
CREATE INDEX deliveries_due ON deliveries (due_at) WHERE ended_at IS NULL;
CREATE INDEX deliveries_to_sweep ON deliveries (ended_at) WHERE ended_at IS NOT NULL;

-- There is one writer at a time, so the order of id is the order of the commits. A revocation that is
-- extended is replaced and gets a new id.
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

-- One row per account and origin of failed attempts to authenticate. account is a hash; zeros mean any
-- account. See store.Failures.
CREATE TABLE failed_attempts (
    account  BLOB    NOT NULL CHECK (length(account) = 32),
    origin   TEXT    NOT NULL CHECK (length(origin) BETWEEN 1 AND 128),
    at       INTEGER NOT NULL,
    clear_at INTEGER NOT NULL,
    PRIMARY KEY (account, origin)
) STRICT, WITHOUT ROWID;
CREATE INDEX failed_attempts_at ON failed_attempts (at);
CREATE INDEX failed_attempts_to_sweep ON failed_attempts (clear_at);

-- If several replicas plan the same succession, exactly one of them succeeds, because predecessor is
-- unique per algorithm; it is '' for the first key. certificates are X.509 in DER, as base64 in a JSON
-- array, the key's own first.
CREATE TABLE signing_keys (
    kid          TEXT    NOT NULL PRIMARY KEY,
    alg          TEXT    NOT NULL,
    public_jwk   TEXT    NOT NULL CHECK (json_valid(public_jwk)),
    sealed       BLOB    NOT NULL,
    certificates TEXT    CHECK (json_type(certificates) = 'array'),
    predecessor  TEXT    NOT NULL CHECK (predecessor <> kid),
    published_at INTEGER NOT NULL,
    active_at    INTEGER NOT NULL,
    retired_at   INTEGER,
    removed_at   INTEGER,
    last_used_at INTEGER,
    revoked_at   INTEGER,
    reason       TEXT    NOT NULL
) STRICT;
-- A key that was revoked before it signed is no successor, so another key may follow the predecessor.
CREATE UNIQUE INDEX signing_keys_followed ON signing_keys (alg, predecessor)
    WHERE revoked_at IS NULL OR revoked_at >= active_at;

CREATE TABLE secret_keys (
    purpose    TEXT    NOT NULL CHECK (purpose <> ''),
    id         INTEGER NOT NULL CHECK (id BETWEEN 1 AND 4294967295),
    sealed     BLOB    NOT NULL,
    created_at INTEGER NOT NULL,
    active_at  INTEGER,
    removed_at INTEGER,
    PRIMARY KEY (purpose, id)
) STRICT, WITHOUT ROWID;

-- During a reseal, a data key is sealed under two master keys.
CREATE TABLE data_keys (
    id         INTEGER NOT NULL CHECK (id BETWEEN 1 AND 4294967295),
    master_id  TEXT    NOT NULL,
    sealed     BLOB    NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (id, master_id)
) STRICT, WITHOUT ROWID;

-- A watcher that sees another PRAGMA data_version finds here which topics changed.
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
AFTER UPDATE OF alg, public_jwk, sealed, certificates, predecessor, published_at, active_at, retired_at, removed_at, revoked_at, reason
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

-- The version of the plan of the signing keys. If a transaction that changes anything that the plan
-- depends on finds another version than that of its plan, the process plans again. A server that
-- promises new lifetimes raises the version too.
CREATE TABLE key_plan (
    id      INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL
) STRICT;
INSERT INTO key_plan (id, version) VALUES (1, 1);

CREATE TRIGGER signing_keys_inserted_plan AFTER INSERT ON signing_keys
BEGIN UPDATE key_plan SET version = version + 1; END;
CREATE TRIGGER signing_keys_updated_plan
AFTER UPDATE OF predecessor, published_at, active_at, retired_at, removed_at, revoked_at ON signing_keys
BEGIN UPDATE key_plan SET version = version + 1; END;

-- The lifetimes that running servers tell verifiers and use in tokens, in whole microseconds. A server
-- that restarts has another row.
CREATE TABLE lifetimes (
    server               TEXT    NOT NULL PRIMARY KEY CHECK (server <> ''),
    rotation_interval_us INTEGER NOT NULL CHECK (rotation_interval_us > 0),
    jwks_max_age_us      INTEGER NOT NULL CHECK (jwks_max_age_us >= 0),
    poll_interval_us     INTEGER NOT NULL CHECK (poll_interval_us > 0),
    clock_skew_us        INTEGER NOT NULL CHECK (clock_skew_us >= 0),
    max_token_ttl_us     INTEGER NOT NULL CHECK (max_token_ttl_us > 0),
    kept_until           INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A name in the claims "sub" and "client_id" belongs to one client, one user (RFC 9068 §5), or one
-- issuer without a client, because the tokens of such an issuer have its own name.
CREATE TRIGGER clients_named BEFORE INSERT ON clients
WHEN EXISTS (SELECT 1 FROM users WHERE id = NEW.id) OR EXISTS (SELECT 1 FROM issuers WHERE id = NEW.id AND client_id = '')
BEGIN SELECT RAISE(ABORT, 'one_name'); END;
CREATE TRIGGER users_named BEFORE INSERT ON users
WHEN EXISTS (SELECT 1 FROM clients WHERE id = NEW.id) OR EXISTS (SELECT 1 FROM issuers WHERE id = NEW.id AND client_id = '')
BEGIN SELECT RAISE(ABORT, 'one_name'); END;
CREATE TRIGGER issuers_named BEFORE INSERT ON issuers
WHEN NEW.client_id = '' AND (EXISTS (SELECT 1 FROM clients WHERE id = NEW.id) OR EXISTS (SELECT 1 FROM users WHERE id = NEW.id))
BEGIN SELECT RAISE(ABORT, 'one_name'); END;
CREATE TRIGGER issuers_renamed BEFORE UPDATE OF client_id ON issuers
WHEN NEW.client_id = '' AND (EXISTS (SELECT 1 FROM clients WHERE id = NEW.id) OR EXISTS (SELECT 1 FROM users WHERE id = NEW.id))
BEGIN SELECT RAISE(ABORT, 'one_name'); END;

-- The events of the audit. A row is added once and never changed. The id is a UUID of version 7 of the
-- moment, so that the order of the rows is that of time, and a reader continues after the last row that
-- it saw. once is the name of an event that is recorded only the first time.
CREATE TABLE events (
    id         TEXT    NOT NULL PRIMARY KEY CHECK (length(id) = 36),
    at         INTEGER NOT NULL,
    type       TEXT    NOT NULL CHECK (type <> ''),
    actor_type TEXT    NOT NULL CHECK (actor_type IN ('operator', 'server', 'client', 'user')),
    actor_id   TEXT    NOT NULL CHECK (actor_id <> ''),
    client_id  TEXT,
    user_id    TEXT,
    family     TEXT,
    request_id TEXT,
    once       TEXT    UNIQUE,
    details    TEXT    NOT NULL CHECK (json_type(details) = 'object')
) STRICT;
CREATE INDEX events_at ON events (at);
CREATE INDEX events_of_type ON events (type, id);
CREATE INDEX events_by_actor ON events (actor_id, id);
CREATE INDEX events_of_client ON events (client_id, id) WHERE client_id IS NOT NULL;
CREATE INDEX events_of_user ON events (user_id, id) WHERE user_id IS NOT NULL;
CREATE INDEX events_of_family ON events (family, id) WHERE family IS NOT NULL;
CREATE INDEX events_of_request ON events (request_id, id) WHERE request_id IS NOT NULL;
CREATE TRIGGER events_stay BEFORE UPDATE ON events
BEGIN SELECT RAISE(FAIL, 'events are not changed'); END;

-- The health check writes and deletes a row in one transaction.
CREATE TABLE probes (content BLOB NOT NULL) STRICT;
