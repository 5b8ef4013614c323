DROP TRIGGER clients_named;
DROP TRIGGER users_named;
DROP TRIGGER issuers_named;
DROP TRIGGER issuers_renamed;
ALTER TABLE resources DROP COLUMN token_typ;
-- The version before binds the access tokens of clients that authenticate by a
-- certificate, which lets nobody in.
ALTER TABLE clients DROP COLUMN tls_unbound;
ALTER TABLE refresh_families DROP COLUMN rotated_by;
ALTER TABLE refresh_families DROP COLUMN created_by;
