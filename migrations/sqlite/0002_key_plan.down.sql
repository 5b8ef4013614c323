-- Fails where a data key is sealed under two master keys: finish the reseal first.
CREATE TABLE data_keys_of_one (
    id         INTEGER NOT NULL PRIMARY KEY CHECK (id BETWEEN 1 AND 4294967295),
    master_id  TEXT    NOT NULL,
    sealed     BLOB    NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
INSERT INTO data_keys_of_one (id, master_id, sealed, created_at) SELECT id, master_id, sealed, created_at FROM data_keys;
DROP TABLE data_keys;
ALTER TABLE data_keys_of_one RENAME TO data_keys;
CREATE TRIGGER data_keys_inserted AFTER INSERT ON data_keys
BEGIN UPDATE changes SET version = version + 1 WHERE topic = 'keys'; END;
CREATE TRIGGER data_keys_updated AFTER UPDATE ON data_keys
BEGIN UPDATE changes SET version = version + 1 WHERE topic = 'keys'; END;
CREATE TRIGGER data_keys_deleted AFTER DELETE ON data_keys
BEGIN UPDATE changes SET version = version + 1 WHERE topic = 'keys'; END;
ALTER TABLE secret_keys DROP COLUMN active_at;
ALTER TABLE secret_keys DROP COLUMN removed_at;
DROP TRIGGER signing_keys_updated_plan;
DROP TRIGGER signing_keys_inserted_plan;
DROP TRIGGER signing_keys_updated;
ALTER TABLE signing_keys DROP COLUMN certificates;
CREATE TRIGGER signing_keys_updated
AFTER UPDATE OF alg, public_jwk, sealed, predecessor, published_at, active_at, retired_at, removed_at, revoked_at, reason
ON signing_keys
BEGIN UPDATE changes SET version = version + 1 WHERE topic = 'keys'; END;
DROP TABLE lifetimes;
DROP TABLE key_plan;
