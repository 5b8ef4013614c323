DROP FUNCTION authserver_expired_after(timestamptz);
DROP TRIGGER name ON users;
DROP TRIGGER name ON issuers;
DROP TRIGGER name ON clients;
DROP FUNCTION authserver_user_names;
DROP FUNCTION authserver_name;
ALTER TABLE resources DROP COLUMN token_typ;
-- The version before binds the access tokens of clients that authenticate by a
-- certificate, which lets nobody in.
ALTER TABLE clients DROP CONSTRAINT clients_bound_or_unbound, DROP COLUMN tls_unbound;
ALTER TABLE refresh_families DROP COLUMN created_by, DROP COLUMN rotated_by;
