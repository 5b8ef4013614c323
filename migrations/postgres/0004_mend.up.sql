-- The header typ of a resource's access tokens, where it is not at+jwt (RFC 9068 §2.1).
ALTER TABLE resources ADD COLUMN token_typ text NOT NULL DEFAULT '' CHECK (token_typ IN ('', 'JWT'));
-- Whether a client's access tokens are never bound to its certificate, not even where
-- it authenticates by it.
ALTER TABLE clients
    ADD COLUMN tls_unbound boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT clients_bound_or_unbound CHECK (NOT (tls_bound AND tls_unbound));

-- When the last access token has expired, by whatever clock, that a server may issue until
-- a moment: by the longest lifetime that any server has promised. A server that promises
-- another one locks the table, so that it waits for whoever has looked here, and is looked
-- at by whoever looks afterwards: each statement in here sees what was committed before it.
CREATE FUNCTION authserver_expired_after(issued_until timestamptz) RETURNS timestamptz STRICT LANGUAGE plpgsql AS $$
BEGIN
    LOCK TABLE lifetimes IN ROW SHARE MODE;
    RETURN issued_until + (SELECT coalesce(max(max_token_ttl_us) + 2 * max(clock_skew_us), 0) FROM lifetimes) * interval '1 microsecond';
END
$$;

-- Which clock wrote the moments of a family: a server compares its own with another's by
-- the skew. 0 is a clock that is not known.
ALTER TABLE refresh_families
    ADD COLUMN created_by integer NOT NULL DEFAULT 0,
    ADD COLUMN rotated_by integer NOT NULL DEFAULT 0;

-- A name in the claims "sub" and "client_id" is that of one client, of one user (RFC 9068
-- §5), or of one issuer without a client, whose tokens go under its own name. Whoever
-- adds a client or an issuer waits for the others that add something, and those for them:
-- after the wait each statement sees what they committed. Users, of which there may be
-- millions, do not wait for each other.
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

-- A registration of an issuer has an id of its own: iss is NULL where that is the claim
-- "iss", which several may share.
ALTER TABLE issuers
    ADD COLUMN iss       text COLLATE "C" CHECK (octet_length(iss) BETWEEN 1 AND 1024) CHECK (iss <> id),
    ADD COLUMN audiences text[] NOT NULL DEFAULT '{}';
CREATE INDEX issuers_of_iss ON issuers (coalesce(iss, id));
-- Whether what a client signs as its own issuer may be used again.
ALTER TABLE clients ADD COLUMN allow_repeat boolean NOT NULL DEFAULT false;

-- What a client's assertions may be signed with, and the rules that it is held to.
ALTER TABLE clients
    ADD COLUMN assertion_algs text[] NOT NULL DEFAULT '{}',
    ADD COLUMN profile        text   NOT NULL DEFAULT '' CHECK (profile IN ('', 'fapi2'));

-- What a family was before its last rotation, so that one whose answer could not be given
-- is undone. All of it is there from the beginning: a row that grew would leave its page.
ALTER TABLE refresh_families
    ADD COLUMN prior_generation      bigint      NOT NULL DEFAULT 0,
    ADD COLUMN prior_rotated_at      timestamptz NOT NULL DEFAULT '-infinity', -- which is never
    ADD COLUMN prior_idle_expires_at timestamptz NOT NULL DEFAULT '-infinity',
    ADD COLUMN prior_rotated_by      integer     NOT NULL DEFAULT 0,
    ADD COLUMN bound_anew            boolean     NOT NULL DEFAULT false;

-- What a check of the health writes and deletes in one transaction. It is not compressed, so
-- that it takes the room that it says.
CREATE TABLE probes (
    id      text NOT NULL PRIMARY KEY,
    content text NOT NULL
);
ALTER TABLE probes ALTER COLUMN content SET STORAGE EXTERNAL;
