-- The version before takes the id of an issuer for the claim "iss", which is another
-- party's then.
DO $$
BEGIN
    IF EXISTS (SELECT FROM issuers WHERE iss IS NOT NULL) THEN
        RAISE EXCEPTION 'an issuer has an id of its own beside its iss: delete it first';
    END IF;
END
$$;
DROP INDEX issuers_of_iss;
ALTER TABLE issuers DROP COLUMN iss, DROP COLUMN audiences;
ALTER TABLE clients DROP COLUMN allow_repeat;
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
-- The version before takes any algorithm from clients that were limited.
ALTER TABLE clients DROP COLUMN profile, DROP COLUMN assertion_algs;
ALTER TABLE refresh_families
    DROP COLUMN prior_generation, DROP COLUMN prior_rotated_at, DROP COLUMN prior_rotated_by, DROP COLUMN prior_idle_expires_at,
    DROP COLUMN bound_anew;
DROP TABLE probes;
