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
