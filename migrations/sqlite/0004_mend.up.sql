-- The header typ of a resource's access tokens, where it is not at+jwt (RFC 9068 §2.1).
ALTER TABLE resources ADD COLUMN token_typ TEXT NOT NULL DEFAULT '' CHECK (token_typ IN ('', 'JWT'));
