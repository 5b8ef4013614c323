-- The header typ of a resource's access tokens, where it is not at+jwt (RFC 9068 §2.1).
ALTER TABLE resources ADD COLUMN token_typ text NOT NULL DEFAULT '' CHECK (token_typ IN ('', 'JWT'));
-- Whether a client's access tokens are never bound to its certificate, not even where
-- it authenticates by it.
ALTER TABLE clients
    ADD COLUMN tls_unbound boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT clients_bound_or_unbound CHECK (NOT (tls_bound AND tls_unbound));
