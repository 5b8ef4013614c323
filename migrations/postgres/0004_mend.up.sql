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
    ADD COLUMN created_by bigint NOT NULL DEFAULT 0,
    ADD COLUMN rotated_by bigint NOT NULL DEFAULT 0;
