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
