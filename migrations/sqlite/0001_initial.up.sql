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
-- Whoever changes what the timeline of the signing keys follows from finds the
-- version here that it planned by, or plans anew. A server that serves by
-- lifetimes that nobody has promised yet moves it on too. The triggers do it for
-- the version of authserver before this one.
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

-- What running servers tell verifiers and put into tokens, whole microseconds. A
-- server that started anew has another row.
CREATE TABLE lifetimes (
    server               TEXT    NOT NULL PRIMARY KEY CHECK (server <> ''),
    rotation_interval_us INTEGER NOT NULL CHECK (rotation_interval_us > 0),
    jwks_max_age_us      INTEGER NOT NULL CHECK (jwks_max_age_us >= 0),
    poll_interval_us     INTEGER NOT NULL CHECK (poll_interval_us > 0),
    clock_skew_us        INTEGER NOT NULL CHECK (clock_skew_us >= 0),
    max_token_ttl_us     INTEGER NOT NULL CHECK (max_token_ttl_us > 0),
    kept_until           INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- X.509 certificates of the key in DER, base64 in a JSON array, the key's own first.
ALTER TABLE signing_keys ADD COLUMN certificates TEXT CHECK (json_type(certificates) = 'array');
DROP TRIGGER signing_keys_updated;
CREATE TRIGGER signing_keys_updated
AFTER UPDATE OF alg, public_jwk, sealed, certificates, predecessor, published_at, active_at, retired_at, removed_at, revoked_at, reason
ON signing_keys
BEGIN UPDATE changes SET version = version + 1 WHERE topic = 'keys'; END;

-- A secret key without active_at is active from created_at on.
ALTER TABLE secret_keys ADD COLUMN active_at INTEGER;
ALTER TABLE secret_keys ADD COLUMN removed_at INTEGER;

-- While the rows are resealed a data key is sealed under two master keys.
CREATE TABLE data_keys_of_masters (
    id         INTEGER NOT NULL CHECK (id BETWEEN 1 AND 4294967295),
    master_id  TEXT    NOT NULL,
    sealed     BLOB    NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (id, master_id)
) STRICT, WITHOUT ROWID;
INSERT INTO data_keys_of_masters (id, master_id, sealed, created_at) SELECT id, master_id, sealed, created_at FROM data_keys;
DROP TABLE data_keys;
ALTER TABLE data_keys_of_masters RENAME TO data_keys;
CREATE TRIGGER data_keys_inserted AFTER INSERT ON data_keys
BEGIN UPDATE changes SET version = version + 1 WHERE topic = 'keys'; END;
CREATE TRIGGER data_keys_updated AFTER UPDATE ON data_keys
BEGIN UPDATE changes SET version = version + 1 WHERE topic = 'keys'; END;
CREATE TRIGGER data_keys_deleted AFTER DELETE ON data_keys
BEGIN UPDATE changes SET version = version + 1 WHERE topic = 'keys'; END;
-- What an issuer is trusted by, and for whom. Exactly one source of keys, of
-- which two are fetched from elsewhere. The table is made anew because SQLite
-- cannot change a constraint.
CREATE TABLE issuers_trusted (
    id              TEXT    NOT NULL PRIMARY KEY CHECK (octet_length(id) BETWEEN 1 AND 1024),
    jwks            TEXT    CHECK (json_valid(jwks)),
    jwks_uri        TEXT    CHECK (jwks_uri <> ''),
    discovery       INTEGER NOT NULL DEFAULT 0 CHECK (discovery IN (0, 1)),
    certificates    TEXT    CHECK (json_type(certificates) = 'array'),
    ca_certificates TEXT    CHECK (json_type(ca_certificates) = 'array' AND json_array_length(ca_certificates) > 0),
    sealed_secret   BLOB,
    algorithms      TEXT    NOT NULL CHECK (json_type(algorithms) = 'array' AND json_array_length(algorithms) > 0),
    encryption_alg  TEXT    NOT NULL DEFAULT '',
    subject_claim   TEXT    NOT NULL,
    subject_kind    TEXT    NOT NULL CHECK (subject_kind IN ('user', 'client', 'federated', 'any')),
    required_claims TEXT    NOT NULL DEFAULT '[]' CHECK (json_type(required_claims) = 'array'),
    patterns        TEXT    NOT NULL DEFAULT '[]' CHECK (json_type(patterns) = 'array'),
    claim_mapping   TEXT    NOT NULL DEFAULT '{}' CHECK (json_type(claim_mapping) = 'object'),
    scopes          TEXT    NOT NULL CHECK (json_type(scopes) = 'array'),
    resources       TEXT    NOT NULL CHECK (json_type(resources) = 'array'),
    client_auth     INTEGER NOT NULL CHECK (client_auth IN (0, 1)),
    client_id       TEXT    NOT NULL,
    max_lifetime_us INTEGER NOT NULL CHECK (max_lifetime_us >= 0),
    clock_skew_us   INTEGER NOT NULL DEFAULT 0 CHECK (clock_skew_us >= 0),
    allow_repeat    INTEGER NOT NULL CHECK (allow_repeat IN (0, 1)),
    disabled        INTEGER NOT NULL CHECK (disabled IN (0, 1)),
    version         INTEGER NOT NULL CHECK (version >= 1),
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    CONSTRAINT issuers_one_source_of_keys CHECK (
        (jwks IS NOT NULL) + (certificates IS NOT NULL) + (sealed_secret IS NOT NULL) + (jwks_uri IS NOT NULL) + discovery = 1)
) STRICT;
INSERT INTO issuers_trusted (id, jwks, certificates, sealed_secret, algorithms, subject_claim, subject_kind, scopes, resources,
    client_auth, client_id, max_lifetime_us, allow_repeat, disabled, version, created_at, updated_at)
SELECT id, jwks, certificates, sealed_secret, algorithms, subject_claim, subject_kind, scopes, resources,
    client_auth, client_id, max_lifetime_us, allow_repeat, disabled, version, created_at, updated_at FROM issuers;
DROP TABLE issuers;
ALTER TABLE issuers_trusted RENAME TO issuers;
CREATE TRIGGER issuers_inserted AFTER INSERT ON issuers
BEGIN UPDATE changes SET version = version + 1 WHERE topic = 'issuers'; END;
CREATE TRIGGER issuers_updated AFTER UPDATE ON issuers
BEGIN UPDATE changes SET version = version + 1 WHERE topic = 'issuers'; END;
CREATE TRIGGER issuers_deleted AFTER DELETE ON issuers
BEGIN UPDATE changes SET version = version + 1 WHERE topic = 'issuers'; END;

-- What a client proves itself with, and for whom it may speak.
ALTER TABLE clients ADD COLUMN jwks TEXT CHECK (json_valid(jwks));
ALTER TABLE clients ADD COLUMN jwks_uri TEXT CHECK (jwks_uri <> '') CHECK (jwks_uri IS NULL OR jwks IS NULL);
ALTER TABLE clients ADD COLUMN certificates TEXT CHECK (json_type(certificates) = 'array' AND json_array_length(certificates) > 0);
ALTER TABLE clients ADD COLUMN tls_subject_kind TEXT CHECK (tls_subject_kind IN ('dn', 'dns', 'uri', 'ip', 'email'));
ALTER TABLE clients ADD COLUMN tls_subject TEXT CHECK (tls_subject <> '') CHECK ((tls_subject IS NULL) = (tls_subject_kind IS NULL));
ALTER TABLE clients ADD COLUMN endpoint_audience INTEGER NOT NULL DEFAULT 0 CHECK (endpoint_audience IN (0, 1));
ALTER TABLE clients ADD COLUMN assert_users TEXT NOT NULL DEFAULT '[]' CHECK (json_type(assert_users) = 'array');
ALTER TABLE clients ADD COLUMN assert_roles TEXT NOT NULL DEFAULT '[]' CHECK (json_type(assert_roles) = 'array');
ALTER TABLE clients ADD COLUMN impersonates TEXT NOT NULL DEFAULT '[]' CHECK (json_type(impersonates) = 'array');
ALTER TABLE clients ADD COLUMN dpop_bound INTEGER NOT NULL DEFAULT 0 CHECK (dpop_bound IN (0, 1));
ALTER TABLE clients ADD COLUMN tls_bound INTEGER NOT NULL DEFAULT 0 CHECK (tls_bound IN (0, 1));

-- What the access tokens of a resource are encrypted to.
ALTER TABLE resources ADD COLUMN encryption_jwk TEXT CHECK (json_valid(encryption_jwk));
ALTER TABLE resources ADD COLUMN encryption_enc TEXT NOT NULL DEFAULT '' CHECK ((encryption_jwk IS NULL) = (encryption_enc = ''));

-- Written once: a rotation compares it.
ALTER TABLE refresh_families ADD COLUMN bound_to TEXT CHECK (bound_to <> '');
-- The header typ of a resource's access tokens, where it is not at+jwt (RFC 9068 §2.1).
ALTER TABLE resources ADD COLUMN token_typ TEXT NOT NULL DEFAULT '' CHECK (token_typ IN ('', 'JWT'));
-- Whether a client's access tokens are never bound to its certificate, not even where
-- it authenticates by it.
ALTER TABLE clients ADD COLUMN tls_unbound INTEGER NOT NULL DEFAULT 0
    CHECK (tls_unbound IN (0, 1)) CHECK (NOT (tls_bound AND tls_unbound));

-- Which clock wrote the moments of a family: a server compares its own with another's by
-- the skew. 0 is a clock that is not known.
ALTER TABLE refresh_families ADD COLUMN created_by INTEGER NOT NULL DEFAULT 0;
ALTER TABLE refresh_families ADD COLUMN rotated_by INTEGER NOT NULL DEFAULT 0;

-- A name in the claims "sub" and "client_id" is that of one client, of one user (RFC 9068
-- §5), or of one issuer without a client, whose tokens go under its own name.
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

-- A registration of an issuer has an id of its own: iss is NULL where that is the claim
-- "iss", which several may share.
ALTER TABLE issuers ADD COLUMN iss TEXT CHECK (octet_length(iss) BETWEEN 1 AND 1024) CHECK (iss <> id);
ALTER TABLE issuers ADD COLUMN audiences TEXT NOT NULL DEFAULT '[]' CHECK (json_type(audiences) = 'array');
CREATE INDEX issuers_of_iss ON issuers (coalesce(iss, id));
-- Whether what a client signs as its own issuer may be used again.
ALTER TABLE clients ADD COLUMN allow_repeat INTEGER NOT NULL DEFAULT 0 CHECK (allow_repeat IN (0, 1));

-- What a client's assertions may be signed with, and the rules that it is held to.
ALTER TABLE clients ADD COLUMN assertion_algs TEXT NOT NULL DEFAULT '[]' CHECK (json_type(assertion_algs) = 'array');
ALTER TABLE clients ADD COLUMN profile TEXT NOT NULL DEFAULT '' CHECK (profile IN ('', 'fapi2'));

-- What a family was before its last rotation, so that one whose answer could not be given
-- is undone.
ALTER TABLE refresh_families ADD COLUMN prior_generation INTEGER;
ALTER TABLE refresh_families ADD COLUMN prior_rotated_at INTEGER;
ALTER TABLE refresh_families ADD COLUMN prior_rotated_by INTEGER NOT NULL DEFAULT 0;
ALTER TABLE refresh_families ADD COLUMN prior_idle_expires_at INTEGER;
ALTER TABLE refresh_families ADD COLUMN bound_anew INTEGER NOT NULL DEFAULT 0 CHECK (bound_anew IN (0, 1));
-- What happened, for the audit. A row is added once and never changed. The id is a UUID of
-- version 7 of the moment, so that the order of the rows is that of time and a reader goes
-- on from the last one that it saw. once names what is recorded the first time only.
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

-- What a check of the health writes and deletes in one transaction.
CREATE TABLE probes (content BLOB NOT NULL) STRICT;
