-- Whoever changes what the timeline of the signing keys follows from locks this
-- row and finds the version that it planned by, or plans anew. A server that
-- serves by lifetimes that nobody has promised yet moves it on too. The trigger
-- does it for the version of authserver before this one.
CREATE TABLE key_plan (
    id      boolean PRIMARY KEY DEFAULT true CHECK (id),
    version bigint  NOT NULL
);
INSERT INTO key_plan (version) VALUES (1);

CREATE FUNCTION authserver_key_plan_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE key_plan SET version = version + 1;
    RETURN NULL;
END
$$;
CREATE TRIGGER plan
    AFTER INSERT OR UPDATE OF predecessor, published_at, active_at, retired_at, removed_at, revoked_at ON signing_keys
    FOR EACH STATEMENT EXECUTE FUNCTION authserver_key_plan_changed();

-- What running servers tell verifiers and put into tokens, whole microseconds. A
-- server that started anew has another row.
CREATE TABLE lifetimes (
    server               text COLLATE "C" PRIMARY KEY CHECK (server <> ''),
    rotation_interval_us bigint NOT NULL CHECK (rotation_interval_us > 0),
    jwks_max_age_us      bigint NOT NULL CHECK (jwks_max_age_us >= 0),
    poll_interval_us     bigint NOT NULL CHECK (poll_interval_us > 0),
    clock_skew_us        bigint NOT NULL CHECK (clock_skew_us >= 0),
    max_token_ttl_us     bigint NOT NULL CHECK (max_token_ttl_us > 0),
    kept_until           timestamptz NOT NULL
);

-- X.509 certificates of the key in DER, the key's own first.
ALTER TABLE signing_keys ADD COLUMN certificates bytea[];
DROP TRIGGER notify ON signing_keys;
CREATE TRIGGER notify AFTER INSERT OR DELETE
    OR UPDATE OF alg, public_jwk, sealed, certificates, predecessor, published_at, active_at, retired_at, removed_at, revoked_at, reason
    ON signing_keys
    FOR EACH ROW EXECUTE FUNCTION authserver_notify('keys');

-- A secret key without active_at is active from created_at on.
ALTER TABLE secret_keys ADD COLUMN active_at timestamptz, ADD COLUMN removed_at timestamptz;

-- While the rows are resealed a data key is sealed under two master keys.
ALTER TABLE data_keys DROP CONSTRAINT data_keys_pkey, ADD PRIMARY KEY (id, master_id);
