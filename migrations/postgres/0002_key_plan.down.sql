-- Fails where a data key is sealed under two master keys: finish the reseal first.
ALTER TABLE data_keys DROP CONSTRAINT data_keys_pkey, ADD PRIMARY KEY (id);
ALTER TABLE secret_keys DROP COLUMN active_at, DROP COLUMN removed_at;
DROP TRIGGER notify ON signing_keys;
DROP TRIGGER plan ON signing_keys;
ALTER TABLE signing_keys DROP COLUMN certificates;
CREATE TRIGGER notify AFTER INSERT OR DELETE
    OR UPDATE OF alg, public_jwk, sealed, predecessor, published_at, active_at, retired_at, removed_at, revoked_at, reason
    ON signing_keys
    FOR EACH ROW EXECUTE FUNCTION authserver_notify('keys');
DROP FUNCTION authserver_key_plan_changed();
DROP TABLE lifetimes;
DROP TABLE key_plan;
