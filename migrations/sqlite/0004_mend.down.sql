-- The version before takes the id of an issuer for the claim "iss", which is another
-- party's then: this fails where a registration has an id of its own. Delete it first.
CREATE TABLE lost (
    issuers INTEGER NOT NULL CONSTRAINT delete_issuers_with_an_id_of_their_own_first CHECK (issuers = 0)
) STRICT;
INSERT INTO lost (issuers) VALUES ((SELECT count(*) FROM issuers WHERE iss IS NOT NULL));
DROP TABLE lost;
DROP INDEX issuers_of_iss;
ALTER TABLE issuers DROP COLUMN iss;
ALTER TABLE issuers DROP COLUMN audiences;
ALTER TABLE clients DROP COLUMN allow_repeat;
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
-- The version before takes any algorithm from clients that were limited.
ALTER TABLE clients DROP COLUMN profile;
ALTER TABLE clients DROP COLUMN assertion_algs;
ALTER TABLE refresh_families DROP COLUMN bound_anew;
ALTER TABLE refresh_families DROP COLUMN prior_idle_expires_at;
ALTER TABLE refresh_families DROP COLUMN prior_rotated_by;
ALTER TABLE refresh_families DROP COLUMN prior_rotated_at;
ALTER TABLE refresh_families DROP COLUMN prior_generation;
DROP TABLE probes;
