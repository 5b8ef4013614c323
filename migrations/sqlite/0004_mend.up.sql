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

-- A name in the claims "sub" and "client_id" is that of one client, of one user (RFC 9068
-- §5), or of one issuer without a client, whose tokens go under its own name.
CREATE TRIGGER clients_named BEFORE INSERT ON clients
WHEN EXISTS (SELECT 1 FROM users WHERE id = NEW.id) OR EXISTS (SELECT 1 FROM issuers WHERE id = NEW.id AND client_id = '')
BEGIN SELECT RAISE(ABORT, 'one_name'); END;
CREATE TRIGGER users_named BEFORE INSERT ON users
WHEN EXISTS (SELECT 1 FROM clients WHERE id = NEW.id) OR EXISTS (SELECT 1 FROM issuers WHERE id = NEW.id AND client_id = '')
BEGIN SELECT RAISE(ABORT, 'one_name'); END;
CREATE TRIGGER issuers_named BEFORE INSERT ON issuers
WHEN NEW.client_id = '' AND (EXISTS (SELECT 1 FROM clients WHERE id = NEW.id) OR EXISTS (SELECT 1 FROM users WHERE id = NEW.id))
BEGIN SELECT RAISE(ABORT, 'one_name'); END;
CREATE TRIGGER issuers_renamed BEFORE UPDATE OF client_id ON issuers
WHEN NEW.client_id = '' AND (EXISTS (SELECT 1 FROM clients WHERE id = NEW.id) OR EXISTS (SELECT 1 FROM users WHERE id = NEW.id))
BEGIN SELECT RAISE(ABORT, 'one_name'); END;

-- A registration of an issuer has an id of its own: iss is NULL where that is the claim
-- "iss", which several may share.
ALTER TABLE issuers ADD COLUMN iss TEXT CHECK (octet_length(iss) BETWEEN 1 AND 1024) CHECK (iss <> id);
ALTER TABLE issuers ADD COLUMN audiences TEXT NOT NULL DEFAULT '[]' CHECK (json_type(audiences) = 'array');
CREATE INDEX issuers_of_iss ON issuers (coalesce(iss, id));
-- Whether what a client signs as its own issuer may be used again.
ALTER TABLE clients ADD COLUMN allow_repeat INTEGER NOT NULL DEFAULT 0 CHECK (allow_repeat IN (0, 1));

-- What a client's assertions may be signed with, and the rules that it is held to.
ALTER TABLE clients ADD COLUMN assertion_algs TEXT NOT NULL DEFAULT '[]' CHECK (json_type(assertion_algs) = 'array');
ALTER TABLE clients ADD COLUMN profile TEXT NOT NULL DEFAULT '' CHECK (profile IN ('', 'fapi2'));

-- What a family was before its last rotation, so that one whose answer could not be given
-- is undone.
ALTER TABLE refresh_families ADD COLUMN prior_generation INTEGER;
ALTER TABLE refresh_families ADD COLUMN prior_rotated_at INTEGER;
ALTER TABLE refresh_families ADD COLUMN prior_rotated_by INTEGER NOT NULL DEFAULT 0;
ALTER TABLE refresh_families ADD COLUMN prior_idle_expires_at INTEGER;
ALTER TABLE refresh_families ADD COLUMN bound_anew INTEGER NOT NULL DEFAULT 0 CHECK (bound_anew IN (0, 1));

-- What a check of the health writes and deletes in one transaction.
CREATE TABLE probes (content BLOB NOT NULL) STRICT;
