-- Identifiers are compared and sorted byte by byte (COLLATE "C"). The server gives all moments: no
-- column has a default of now(). An absent moment, name or text is NULL.
--
-- A row of clients, users, resources and issuers has an identity, a version, the columns that
-- statements search, join or compare, and one document with everything else. The fields of the
-- document are those of the type in internal/store. Durations in it are nanoseconds.

CREATE TABLE clients (
    id         text COLLATE "C" PRIMARY KEY CHECK (id ~ '^[ -~]{1,255}$'),
    name       text        NOT NULL,
    secrets    jsonb       NOT NULL CHECK (jsonb_typeof(secrets) = 'array' AND jsonb_array_length(secrets) <= 5),
    not_before timestamptz NOT NULL,
    document   jsonb       NOT NULL CHECK (jsonb_typeof(document) = 'object'),
    version    bigint      NOT NULL CHECK (version >= 1),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT clients_lifetimes CHECK (
        coalesce((document ->> 'refresh_idle_ns')::bigint, 0) >= 0 AND coalesce((document ->> 'refresh_max_ns')::bigint, 0) >= 0),
    CONSTRAINT clients_certificates CHECK (coalesce(jsonb_array_length(document -> 'certificates'), 1) > 0),
    CONSTRAINT clients_one_key_set CHECK (NOT document ?& ARRAY['jwks', 'jwks_uri']),
    CONSTRAINT clients_tls_subject CHECK (NOT document ? 'tls_subject' OR coalesce(
        document #>> '{tls_subject,kind}' IN ('dn', 'dns', 'uri', 'ip', 'email') AND document #>> '{tls_subject,value}' <> '', false)),
    CONSTRAINT clients_bound_or_unbound CHECK (NOT document @> '{"tls_bound": true, "tls_unbound": true}'),
    CONSTRAINT clients_profile CHECK (coalesce(document ->> 'profile', '') IN ('', 'fapi2'))
);

-- Deleted clients that may still have families or consents. The sweep removes those in batches, so
-- that the deletion itself changes one row.
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
    disabled      boolean     NOT NULL,
    not_before    timestamptz NOT NULL,
    document      jsonb       NOT NULL CHECK (jsonb_typeof(document) = 'object'),
    version       bigint      NOT NULL CHECK (version >= 1),
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL
);

CREATE TABLE resources (
    id         text COLLATE "C" PRIMARY KEY CHECK (octet_length(id) BETWEEN 1 AND 1024),
    name       text        NOT NULL,
    document   jsonb       NOT NULL CHECK (jsonb_typeof(document) = 'object'),
    version    bigint      NOT NULL CHECK (version >= 1),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT resources_lifetime CHECK (coalesce((document ->> 'access_token_ttl_ns')::bigint, 0) >= 0),
    CONSTRAINT resources_signing_alg CHECK (coalesce(document ->> 'signing_alg', '') <> ''),
    CONSTRAINT resources_token_typ CHECK (coalesce(document ->> 'token_typ', '') IN ('', 'JWT')),
    CONSTRAINT resources_encryption CHECK ((document ? 'encryption_jwk') = (document ? 'encryption_enc'))
);

-- A registration of an issuer has an id. iss is the claim "iss", which several registrations may
-- share. It is NULL if it equals the id. There is exactly one source of keys; jwks_uri and discovery
-- are fetched from the issuer.
CREATE TABLE issuers (
    id            text COLLATE "C" PRIMARY KEY CHECK (octet_length(id) BETWEEN 1 AND 1024),
    iss           text COLLATE "C" CHECK (octet_length(iss) BETWEEN 1 AND 1024) CHECK (iss <> id),
    client_id     text        NOT NULL,
    sealed_secret bytea,
    document      jsonb       NOT NULL CHECK (jsonb_typeof(document) = 'object'),
    version       bigint      NOT NULL CHECK (version >= 1),
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    CONSTRAINT issuers_one_source_of_keys CHECK (
        (document ? 'jwks')::int + (document ? 'jwks_uri')::int + (document ? 'certificates')::int + (document @> '{"discovery": true}')::int
        + (sealed_secret IS NOT NULL)::int = 1),
    CONSTRAINT issuers_certificates CHECK (
        coalesce(jsonb_array_length(document -> 'certificates'), 1) > 0 AND coalesce(jsonb_array_length(document -> 'ca_certificates'), 1) > 0),
    CONSTRAINT issuers_algorithms CHECK (coalesce(jsonb_array_length(document -> 'algorithms'), 0) > 0),
    CONSTRAINT issuers_subject_kind CHECK (coalesce(document ->> 'subject_kind', '') IN ('user', 'client', 'federated', 'any')),
    CONSTRAINT issuers_lifetimes CHECK (
        coalesce((document ->> 'max_lifetime_ns')::bigint, 0) >= 0 AND coalesce((document ->> 'clock_skew_ns')::bigint, 0) >= 0)
);
CREATE INDEX issuers_of_iss ON issuers (coalesce(iss, id));

-- One row per login, which each rotation updates. A rotation changes no column that is in an index,
-- and the pages keep room, so that the update stays on its page (HOT) and no index grows. sweep_at is
-- when the sweep looks at the row again. It lags behind idle_expires_at on purpose: the sweep changes
-- it, not the rotation.
CREATE TABLE refresh_families (
    id              bytea       PRIMARY KEY CHECK (octet_length(id) = 16),
    client_id       text COLLATE "C" NOT NULL,
    user_id         text COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    scope           text[]      NOT NULL,
    resources       text[]      NOT NULL,
    generation      bigint      NOT NULL CHECK (generation BETWEEN 0 AND 4294967295), -- 0: an authorization code
    created_at      timestamptz NOT NULL,
    client_not_before timestamptz NOT NULL, -- see store.Family
    user_not_before   timestamptz NOT NULL,
    rotated_at      timestamptz,
    idle_expires_at timestamptz NOT NULL,
    expires_at      timestamptz NOT NULL,
    revoked_at      timestamptz,
    revoked_reason  text,
    sweep_at        timestamptz NOT NULL,
    -- bound_to is in no index, and is written once. A rotation compares it.
    bound_to        text COLLATE "C" CHECK (bound_to <> ''),
    -- The clocks that wrote the moments of a family. A server allows for the clock skew when it
    -- compares its own clock with another. 0 is an unknown clock.
    created_by      integer     NOT NULL DEFAULT 0,
    rotated_by      integer     NOT NULL DEFAULT 0,
    -- The state before the last rotation, to undo a rotation if the server could not answer the
    -- request. No column is NULL at first, because a row that grew would leave its page. -infinity
    -- is never.
    prior_generation      bigint      NOT NULL DEFAULT 0,
    prior_rotated_at      timestamptz NOT NULL DEFAULT '-infinity',
    prior_idle_expires_at timestamptz NOT NULL DEFAULT '-infinity',
    prior_rotated_by      integer     NOT NULL DEFAULT 0,
    bound_anew            boolean     NOT NULL DEFAULT false,
    -- Only families of a sign-in have these. code is what the exchange of the code must match; the
    -- first rotation removes it.
    session_id      bytea       CHECK (octet_length(session_id) = 16),
    offline         boolean     NOT NULL DEFAULT false,
    login           json        CHECK (json_typeof(login) = 'object'),
    code            jsonb       CHECK (jsonb_typeof(code) = 'object'),
    CHECK (idle_expires_at <= expires_at),
    CHECK (sweep_at <= expires_at)
) WITH (fillfactor = 80);
CREATE INDEX refresh_families_of_user ON refresh_families (user_id, id);
CREATE INDEX refresh_families_by_client ON refresh_families (client_id, id);
CREATE INDEX refresh_families_of_client ON refresh_families (client_id, client_not_before);
CREATE INDEX refresh_families_to_sweep ON refresh_families (sweep_at);
CREATE INDEX refresh_families_of_session ON refresh_families (session_id, id) WHERE session_id IS NOT NULL;

-- One row per browser in which a person signed in. sweep_at is as in refresh_families.
CREATE TABLE sessions (
    id              bytea       PRIMARY KEY CHECK (octet_length(id) = 16),
    secret          bytea       NOT NULL UNIQUE CHECK (octet_length(secret) = 32),
    user_id         text COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    user_not_before timestamptz NOT NULL,
    methods         jsonb       NOT NULL CHECK (jsonb_typeof(methods) = 'array' AND jsonb_array_length(methods) > 0),
    device          text        NOT NULL,
    address         text        NOT NULL,
    created_at      timestamptz NOT NULL,
    seen_at         timestamptz NOT NULL,
    idle_expires_at timestamptz NOT NULL,
    expires_at      timestamptz NOT NULL,
    ended_at        timestamptz,
    ended_reason    text,
    sweep_at        timestamptz NOT NULL,
    CHECK (idle_expires_at <= expires_at)
) WITH (fillfactor = 80);
CREATE INDEX sessions_of_user ON sessions (user_id, id);
CREATE INDEX sessions_to_end ON sessions (sweep_at) WHERE ended_at IS NULL;
CREATE INDEX sessions_to_sweep ON sessions (sweep_at) WHERE ended_at IS NOT NULL;

-- client_created_at distinguishes a client from an earlier client with the same id.
CREATE TABLE consents (
    user_id           text COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    client_id         text COLLATE "C" NOT NULL,
    client_created_at timestamptz NOT NULL,
    scopes            jsonb       NOT NULL CHECK (jsonb_typeof(scopes) = 'object'),
    granted_at        timestamptz NOT NULL,
    until             timestamptz,
    PRIMARY KEY (user_id, client_id)
);
CREATE INDEX consents_of_client ON consents (client_id);
CREATE INDEX consents_to_sweep ON consents (until) WHERE until IS NOT NULL;

-- Clients that took part in a session and whose families were swept before the session ended. A row
-- may outlive its session.
CREATE TABLE session_clients (
    session_id bytea       NOT NULL CHECK (octet_length(session_id) = 16),
    client_id  text COLLATE "C" NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (session_id, client_id)
);
CREATE INDEX session_clients_to_sweep ON session_clients (expires_at);

-- Logout tokens that clients must get, written when a session ends. A server that sends one first
-- moves due_at to later, so that no other server sends it too.
CREATE TABLE deliveries (
    id         uuid        PRIMARY KEY,
    client_id  text COLLATE "C" NOT NULL,
    user_id    text COLLATE "C" NOT NULL,
    session_id bytea       NOT NULL CHECK (octet_length(session_id) = 16),
    created_at timestamptz NOT NULL,
    due_at     timestamptz NOT NULL,
    attempts   integer     NOT NULL DEFAULT 0,
    fault      text,
    ended_at   timestamptz,
    delivered  boolean     NOT NULL DEFAULT false CHECK (NOT delivered OR ended_at IS NOT NULL),
    UNIQUE (session_id, client_id)
);
CREATE INDEX deliveries_due ON deliveries (due_at) WHERE ended_at IS NULL;
CREATE INDEX deliveries_to_sweep ON deliveries (ended_at) WHERE ended_at IS NOT NULL;

-- xid is the transaction that wrote the row last. With it, a reader finds the rows that were committed
-- since its last snapshot, in whatever order they were committed.
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

-- One row per account and origin of failed attempts to authenticate. account is a hash; zeros mean any
-- account. See store.Failures.
CREATE TABLE failed_attempts (
    account  bytea       NOT NULL CHECK (octet_length(account) = 32),
    origin   text COLLATE "C" NOT NULL CHECK (octet_length(origin) BETWEEN 1 AND 128),
    at       timestamptz NOT NULL,
    clear_at timestamptz NOT NULL,
    PRIMARY KEY (account, origin)
);
CREATE INDEX failed_attempts_at ON failed_attempts (at);
CREATE INDEX failed_attempts_to_sweep ON failed_attempts (clear_at);

-- If several replicas plan the same succession, exactly one of them succeeds, because predecessor is
-- unique per algorithm; it is '' for the first key. certificates are X.509 in DER, the key's own first.
CREATE TABLE signing_keys (
    kid          text COLLATE "C" PRIMARY KEY,
    alg          text        NOT NULL,
    public_jwk   json        NOT NULL,
    sealed       bytea       NOT NULL,
    certificates bytea[],
    predecessor  text COLLATE "C" NOT NULL CHECK (predecessor <> kid),
    published_at timestamptz NOT NULL,
    active_at    timestamptz NOT NULL,
    retired_at   timestamptz,
    removed_at   timestamptz,
    last_used_at timestamptz,
    revoked_at   timestamptz,
    reason       text        NOT NULL
);
-- A key that was revoked before it signed is no successor, so another key may follow the predecessor.
CREATE UNIQUE INDEX signing_keys_followed ON signing_keys (alg, predecessor)
    WHERE revoked_at IS NULL OR revoked_at >= active_at;

CREATE TABLE secret_keys (
    purpose    text COLLATE "C" NOT NULL CHECK (purpose <> ''),
    id         bigint      NOT NULL CHECK (id BETWEEN 1 AND 4294967295),
    sealed     bytea       NOT NULL,
    created_at timestamptz NOT NULL,
    active_at  timestamptz,
    removed_at timestamptz,
    PRIMARY KEY (purpose, id)
);

-- During a reseal, a data key is sealed under two master keys.
CREATE TABLE data_keys (
    id         bigint      CHECK (id BETWEEN 1 AND 4294967295),
    master_id  text        NOT NULL,
    sealed     bytea       NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (id, master_id)
);

-- Replicas listen on one channel, and the payload is the topic. PostgreSQL sends equal payloads of
-- one transaction once.
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
    OR UPDATE OF alg, public_jwk, sealed, certificates, predecessor, published_at, active_at, retired_at, removed_at, revoked_at, reason
    ON signing_keys
    FOR EACH ROW EXECUTE FUNCTION authserver_notify('keys');
CREATE TRIGGER notify AFTER INSERT OR UPDATE OR DELETE ON secret_keys
    FOR EACH ROW EXECUTE FUNCTION authserver_notify('keys');
CREATE TRIGGER notify AFTER INSERT OR UPDATE OR DELETE ON data_keys
    FOR EACH ROW EXECUTE FUNCTION authserver_notify('keys');
-- The version of the plan of the signing keys. A transaction that changes anything that the plan
-- depends on locks this row. If the version is not the one of its plan, the process plans again. A
-- server that promises new lifetimes raises the version too.
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

-- The lifetimes that running servers tell verifiers and use in tokens, in whole microseconds. A server
-- that restarts has another row.
CREATE TABLE lifetimes (
    server               text COLLATE "C" PRIMARY KEY CHECK (server <> ''),
    rotation_interval_us bigint NOT NULL CHECK (rotation_interval_us > 0),
    jwks_max_age_us      bigint NOT NULL CHECK (jwks_max_age_us >= 0),
    poll_interval_us     bigint NOT NULL CHECK (poll_interval_us > 0),
    clock_skew_us        bigint NOT NULL CHECK (clock_skew_us >= 0),
    max_token_ttl_us     bigint NOT NULL CHECK (max_token_ttl_us > 0),
    kept_until           timestamptz NOT NULL
);

-- Returns when the last access token that a server may issue until a moment has expired, by any clock
-- and by the longest lifetime that any server has promised. A server that promises another lifetime
-- locks the table. So it waits for the transactions that have called this function, and later calls see
-- its promise, because each statement in the function sees what was committed before it.
CREATE FUNCTION authserver_expired_after(issued_until timestamptz) RETURNS timestamptz STRICT LANGUAGE plpgsql AS $$
BEGIN
    LOCK TABLE lifetimes IN ROW SHARE MODE;
    RETURN issued_until + (SELECT coalesce(max(max_token_ttl_us) + 2 * max(clock_skew_us), 0) FROM lifetimes) * interval '1 microsecond';
END
$$;

-- A name in the claims "sub" and "client_id" belongs to one client, one user (RFC 9068 §5), or one
-- issuer without a client, because the tokens of such an issuer have its own name. A transaction that
-- adds a client or an issuer waits for all others that add a name, and they wait for it. After the
-- wait, each statement sees what they committed. Transactions that add users do not wait for each
-- other, because there may be millions of users.
CREATE FUNCTION authserver_name() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7022647185831456101); -- "authname"
    IF EXISTS (SELECT FROM users WHERE id = NEW.id)
        OR TG_TABLE_NAME <> 'clients' AND EXISTS (SELECT FROM clients WHERE id = NEW.id)
        OR TG_TABLE_NAME <> 'issuers' AND EXISTS (SELECT FROM issuers WHERE id = NEW.id AND client_id = '') THEN
        RAISE unique_violation USING CONSTRAINT = 'one_name', MESSAGE = 'the name is taken';
    END IF;
    RETURN NEW;
END
$$;
CREATE FUNCTION authserver_user_names() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7022647185831456101);
    IF EXISTS (SELECT FROM made JOIN clients USING (id))
        OR EXISTS (SELECT FROM made JOIN issuers USING (id) WHERE issuers.client_id = '') THEN
        RAISE unique_violation USING CONSTRAINT = 'one_name', MESSAGE = 'the name is taken';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER name BEFORE INSERT ON clients
    FOR EACH ROW EXECUTE FUNCTION authserver_name();
CREATE TRIGGER name BEFORE INSERT OR UPDATE OF client_id ON issuers
    FOR EACH ROW WHEN (NEW.client_id = '') EXECUTE FUNCTION authserver_name();
CREATE TRIGGER name AFTER INSERT ON users REFERENCING NEW TABLE AS made
    FOR EACH STATEMENT EXECUTE FUNCTION authserver_user_names();

-- The events of the audit. A row is added once and never changed. The id is a UUID of version 7 of the
-- moment, so that the order of the rows is that of time, and a reader continues after the last row that
-- it saw. once is the name of an event that is recorded only the first time.
CREATE TABLE events (
    id         uuid        PRIMARY KEY,
    at         timestamptz NOT NULL,
    type       text COLLATE "C" NOT NULL CHECK (type <> ''),
    actor_type text COLLATE "C" NOT NULL CHECK (actor_type IN ('operator', 'server', 'client', 'user')),
    actor_id   text COLLATE "C" NOT NULL CHECK (actor_id <> ''),
    client_id  text COLLATE "C",
    user_id    text COLLATE "C",
    family     text COLLATE "C",
    request_id text COLLATE "C",
    once       text COLLATE "C" UNIQUE,
    details    jsonb       NOT NULL CHECK (jsonb_typeof(details) = 'object')
);
CREATE INDEX events_at ON events (at);
CREATE INDEX events_of_type ON events (type, id);
CREATE INDEX events_by_actor ON events (actor_id, id);
CREATE INDEX events_of_client ON events (client_id, id) WHERE client_id IS NOT NULL;
CREATE INDEX events_of_user ON events (user_id, id) WHERE user_id IS NOT NULL;
CREATE INDEX events_of_family ON events (family, id) WHERE family IS NOT NULL;
CREATE INDEX events_of_request ON events (request_id, id) WHERE request_id IS NOT NULL;

-- The order of the events of one moment.
CREATE SEQUENCE event_order AS integer MINVALUE 0 MAXVALUE 16383 CYCLE;

-- The id has the milliseconds, the version and the fraction of the millisecond, the variant and the
-- order, and 48 random bits (RFC 9562 section 6.2, methods 3 and 1).
CREATE FUNCTION authserver_event_id(at timestamptz) RETURNS uuid LANGUAGE sql VOLATILE AS $$
    SELECT (lpad(to_hex(micros / 1000), 12, '0') || to_hex((7 << 12) + micros % 1000 * 4096 / 1000) ||
        to_hex((2 << 14) + nextval('event_order')) || right(gen_random_uuid()::text, 12))::uuid
    FROM (SELECT (extract(epoch FROM at) * 1000000)::bigint AS micros) AS moment
$$;

-- Records the event of a refused refresh token or code, and returns the outcome of the refusal.
CREATE FUNCTION authserver_refused(
    presented text, outcome text, at timestamptz, presented_by text, client_id text, user_id text, family text, request_id text,
    username text, reason text, presented_generation bigint, generation bigint
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    type text := presented || '.' || replace(outcome, ' ', '_');
    ends boolean := outcome IN ('reused', 'replayed');
BEGIN
    INSERT INTO events (id, at, type, actor_type, actor_id, client_id, user_id, family, request_id, once, details)
    VALUES (authserver_event_id(at), at, type, 'client', presented_by, client_id, user_id, family, request_id,
        CASE WHEN NOT ends THEN concat_ws(' ', type, family, presented_by) END,
        jsonb_strip_nulls(jsonb_build_object('name', username, 'reason', CASE WHEN ends THEN reason END,
            'presented_generation', presented_generation, 'generation', generation)))
    ON CONFLICT DO NOTHING;
    RETURN outcome;
END
$$;

CREATE FUNCTION authserver_events_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'events are not changed';
END
$$;
CREATE TRIGGER stay BEFORE UPDATE ON events FOR EACH ROW EXECUTE FUNCTION authserver_events_stay();

-- The health check writes and deletes a row in one transaction. The row is not compressed, so that it
-- takes its full size on the disk.
CREATE TABLE probes (
    id      text NOT NULL PRIMARY KEY,
    content text NOT NULL
);
ALTER TABLE probes ALTER COLUMN content SET STORAGE EXTERNAL;
