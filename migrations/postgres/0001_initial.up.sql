-- Identifiers are compared and sorted byte by byte (COLLATE "C"). Moments are
-- given by the server: no column has a default of now(). Durations are whole
-- microseconds. An absent moment, name or text is NULL.

CREATE TABLE clients (
    id              text COLLATE "C" PRIMARY KEY CHECK (id ~ '^[ -~]{1,255}$'),
    name            text        NOT NULL,
    auth_methods    text[]      NOT NULL,
    secrets         jsonb       NOT NULL CHECK (jsonb_typeof(secrets) = 'array' AND jsonb_array_length(secrets) <= 5),
    grants          text[]      NOT NULL,
    scopes          text[]      NOT NULL,
    default_scopes  text[],
    resources       text[]      NOT NULL,
    serves          text[]      NOT NULL,
    roles           text[]      NOT NULL,
    permissions     text[]      NOT NULL,
    claims          jsonb       NOT NULL CHECK (jsonb_typeof(claims) = 'object'),
    refresh_idle_us bigint      NOT NULL CHECK (refresh_idle_us >= 0),
    refresh_max_us  bigint      NOT NULL CHECK (refresh_max_us >= 0),
    disabled        boolean     NOT NULL,
    not_before      timestamptz NOT NULL,
    version         bigint      NOT NULL CHECK (version >= 1),
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL
);

-- Clients that were deleted while families of theirs may be left: the sweep
-- removes those in batches, so that the deletion itself is one row.
CREATE TABLE deleted_clients (
    client_id  text COLLATE "C" PRIMARY KEY,
    deleted_at timestamptz NOT NULL
);

CREATE TABLE users (
    id            text COLLATE "C" PRIMARY KEY CHECK (octet_length(id) BETWEEN 1 AND 255),
    username      text COLLATE "C" NOT NULL UNIQUE CHECK (octet_length(username) BETWEEN 1 AND 320),
    email         text COLLATE "C" UNIQUE CHECK (octet_length(email) BETWEEN 1 AND 320),
    upn           text COLLATE "C" UNIQUE CHECK (octet_length(upn) BETWEEN 1 AND 320),
    password_hash bytea       NOT NULL,
    roles         text[]      NOT NULL,
    permissions   text[]      NOT NULL,
    claims        jsonb       NOT NULL CHECK (jsonb_typeof(claims) = 'object'),
    disabled      boolean     NOT NULL,
    not_before    timestamptz NOT NULL,
    version       bigint      NOT NULL CHECK (version >= 1),
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL
);

CREATE TABLE resources (
    id                  text COLLATE "C" PRIMARY KEY CHECK (octet_length(id) BETWEEN 1 AND 1024),
    name                text        NOT NULL,
    scopes              text[]      NOT NULL,
    access_token_ttl_us bigint      NOT NULL CHECK (access_token_ttl_us >= 0),
    signing_alg         text        NOT NULL CHECK (signing_alg <> ''),
    claims              jsonb       NOT NULL CHECK (jsonb_typeof(claims) = 'object'),
    version             bigint      NOT NULL CHECK (version >= 1),
    created_at          timestamptz NOT NULL,
    updated_at          timestamptz NOT NULL
);

CREATE TABLE issuers (
    id              text COLLATE "C" PRIMARY KEY CHECK (octet_length(id) BETWEEN 1 AND 1024),
    jwks            json,
    certificates    bytea[],
    sealed_secret   bytea,
    algorithms      text[]      NOT NULL CHECK (cardinality(algorithms) > 0),
    subject_claim   text        NOT NULL,
    subject_kind    text        NOT NULL CHECK (subject_kind IN ('user', 'client', 'any')),
    scopes          text[]      NOT NULL,
    resources       text[]      NOT NULL,
    client_auth     boolean     NOT NULL,
    client_id       text        NOT NULL,
    max_lifetime_us bigint      NOT NULL CHECK (max_lifetime_us >= 0),
    allow_repeat    boolean     NOT NULL,
    disabled        boolean     NOT NULL,
    version         bigint      NOT NULL CHECK (version >= 1),
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    CONSTRAINT issuers_one_source_of_keys CHECK (num_nonnulls(jwks, certificates, sealed_secret) = 1)
);

-- One row per login, updated by each rotation. A rotation changes generation,
-- rotated_at and idle_expires_at only: none of them is in an index and the pages
-- keep room, so that the update stays on its page (HOT) and no index grows.
-- sweep_at is when the sweep looks at the row again, and lags behind
-- idle_expires_at on purpose: the sweep moves it, not the rotation.
CREATE TABLE refresh_families (
    id              bytea       PRIMARY KEY CHECK (octet_length(id) = 16),
    client_id       text COLLATE "C" NOT NULL,
    user_id         text COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    scope           text[]      NOT NULL,
    resources       text[]      NOT NULL,
    generation      bigint      NOT NULL CHECK (generation BETWEEN 1 AND 4294967295),
    created_at      timestamptz NOT NULL,
    client_not_before timestamptz NOT NULL, -- see store.Family
    user_not_before   timestamptz NOT NULL,
    rotated_at      timestamptz,
    idle_expires_at timestamptz NOT NULL,
    expires_at      timestamptz NOT NULL,
    revoked_at      timestamptz,
    sweep_at        timestamptz NOT NULL,
    CHECK (idle_expires_at <= expires_at),
    CHECK (sweep_at <= expires_at)
) WITH (fillfactor = 80);
CREATE INDEX refresh_families_of_user ON refresh_families (user_id);
CREATE INDEX refresh_families_of_client ON refresh_families (client_id, client_not_before);
CREATE INDEX refresh_families_to_sweep ON refresh_families (sweep_at);

-- xid is the transaction that wrote the row last: a reader finds what committed
-- since the snapshot that it saw before, in whatever order that was.
CREATE TABLE revocations (
    kind         text        NOT NULL CHECK (kind IN ('jti', 'family', 'user', 'client')),
    value        text COLLATE "C" NOT NULL CHECK (value <> ''),
    voids_before timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    reason       text        NOT NULL,
    xid          xid8        NOT NULL,
    id           bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (kind, value)
);
CREATE INDEX revocations_by_xid ON revocations (xid, id);
CREATE INDEX revocations_to_sweep ON revocations (expires_at);

CREATE TABLE used_assertions (
    issuer     text COLLATE "C" NOT NULL,
    id         bytea       NOT NULL CHECK (octet_length(id) = 32),
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (issuer, id)
);
CREATE INDEX used_assertions_to_sweep ON used_assertions (expires_at);

-- predecessor is '' for the first key of an algorithm, so that of several
-- replicas that plan the same succession exactly one succeeds.
CREATE TABLE signing_keys (
    kid          text COLLATE "C" PRIMARY KEY,
    alg          text        NOT NULL,
    public_jwk   json        NOT NULL,
    sealed       bytea       NOT NULL,
    predecessor  text COLLATE "C" NOT NULL CHECK (predecessor <> kid),
    published_at timestamptz NOT NULL,
    active_at    timestamptz NOT NULL,
    retired_at   timestamptz,
    removed_at   timestamptz,
    last_used_at timestamptz,
    revoked_at   timestamptz,
    reason       text        NOT NULL,
    UNIQUE (alg, predecessor)
);

CREATE TABLE secret_keys (
    purpose    text COLLATE "C" NOT NULL CHECK (purpose <> ''),
    id         bigint      NOT NULL CHECK (id BETWEEN 1 AND 4294967295),
    sealed     bytea       NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (purpose, id)
);

CREATE TABLE data_keys (
    id         bigint      PRIMARY KEY CHECK (id BETWEEN 1 AND 4294967295),
    master_id  text        NOT NULL,
    sealed     bytea       NOT NULL,
    created_at timestamptz NOT NULL
);

-- Replicas listen on one channel; the payload is the topic. PostgreSQL sends
-- equal payloads of one transaction once.
CREATE FUNCTION authserver_notify() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('authserver', TG_ARGV[0]);
    RETURN NULL;
END
$$;

CREATE TRIGGER notify AFTER INSERT OR UPDATE OR DELETE ON clients
    FOR EACH ROW EXECUTE FUNCTION authserver_notify('clients');
CREATE TRIGGER notify AFTER INSERT OR UPDATE OR DELETE ON users
    FOR EACH ROW EXECUTE FUNCTION authserver_notify('users');
CREATE TRIGGER notify AFTER INSERT OR UPDATE OR DELETE ON resources
    FOR EACH ROW EXECUTE FUNCTION authserver_notify('resources');
CREATE TRIGGER notify AFTER INSERT OR UPDATE OR DELETE ON issuers
    FOR EACH ROW EXECUTE FUNCTION authserver_notify('issuers');
CREATE TRIGGER notify AFTER INSERT OR UPDATE ON revocations
    FOR EACH ROW EXECUTE FUNCTION authserver_notify('revocations');
CREATE TRIGGER notify AFTER INSERT OR DELETE
    OR UPDATE OF alg, public_jwk, sealed, predecessor, published_at, active_at, retired_at, removed_at, revoked_at, reason
    ON signing_keys
    FOR EACH ROW EXECUTE FUNCTION authserver_notify('keys');
CREATE TRIGGER notify AFTER INSERT OR UPDATE OR DELETE ON secret_keys
    FOR EACH ROW EXECUTE FUNCTION authserver_notify('keys');
CREATE TRIGGER notify AFTER INSERT OR UPDATE OR DELETE ON data_keys
    FOR EACH ROW EXECUTE FUNCTION authserver_notify('keys');
