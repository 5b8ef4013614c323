-- Nothing may be let in, or be said in clear, because the version before does not
-- know what forbids it. So this fails where an issuer has its keys elsewhere, is
-- federated, or is narrowed, where a client's access tokens are bound to a key, and
-- where a resource's are encrypted: change or delete those first. Refresh tokens
-- that are bound to a key go, and their users log in again.
CREATE TABLE lost (
    issuers   INTEGER NOT NULL CONSTRAINT change_or_delete_issuers_with_remote_keys_federated_or_narrowed_first CHECK (issuers = 0),
    clients   INTEGER NOT NULL CONSTRAINT change_or_delete_clients_whose_tokens_are_bound_to_a_key_first CHECK (clients = 0),
    resources INTEGER NOT NULL CONSTRAINT change_or_delete_resources_whose_tokens_are_encrypted_first CHECK (resources = 0)
) STRICT;
INSERT INTO lost (issuers, clients, resources) VALUES (
    (SELECT count(*) FROM issuers WHERE jwks_uri IS NOT NULL OR discovery OR subject_kind = 'federated' OR ca_certificates IS NOT NULL
        OR required_claims <> '[]' OR patterns <> '[]' OR encryption_alg <> ''),
    (SELECT count(*) FROM clients WHERE dpop_bound OR tls_bound),
    (SELECT count(*) FROM resources WHERE encryption_jwk IS NOT NULL));
DROP TABLE lost;
DELETE FROM refresh_families WHERE bound_to IS NOT NULL;
ALTER TABLE refresh_families DROP COLUMN bound_to;
ALTER TABLE resources DROP COLUMN encryption_enc;
ALTER TABLE resources DROP COLUMN encryption_jwk;
ALTER TABLE clients DROP COLUMN jwks_uri;
ALTER TABLE clients DROP COLUMN jwks;
ALTER TABLE clients DROP COLUMN certificates;
ALTER TABLE clients DROP COLUMN tls_subject;
ALTER TABLE clients DROP COLUMN tls_subject_kind;
ALTER TABLE clients DROP COLUMN endpoint_audience;
ALTER TABLE clients DROP COLUMN assert_users;
ALTER TABLE clients DROP COLUMN assert_roles;
ALTER TABLE clients DROP COLUMN impersonates;
ALTER TABLE clients DROP COLUMN dpop_bound;
ALTER TABLE clients DROP COLUMN tls_bound;

CREATE TABLE issuers_of_before (
    id              TEXT    NOT NULL PRIMARY KEY CHECK (octet_length(id) BETWEEN 1 AND 1024),
    jwks            TEXT    CHECK (json_valid(jwks)),
    certificates    TEXT    CHECK (json_type(certificates) = 'array'),
    sealed_secret   BLOB,
    algorithms      TEXT    NOT NULL CHECK (json_type(algorithms) = 'array' AND json_array_length(algorithms) > 0),
    subject_claim   TEXT    NOT NULL,
    subject_kind    TEXT    NOT NULL CHECK (subject_kind IN ('user', 'client', 'any')),
    scopes          TEXT    NOT NULL CHECK (json_type(scopes) = 'array'),
    resources       TEXT    NOT NULL CHECK (json_type(resources) = 'array'),
    client_auth     INTEGER NOT NULL CHECK (client_auth IN (0, 1)),
    client_id       TEXT    NOT NULL,
    max_lifetime_us INTEGER NOT NULL CHECK (max_lifetime_us >= 0),
    allow_repeat    INTEGER NOT NULL CHECK (allow_repeat IN (0, 1)),
    disabled        INTEGER NOT NULL CHECK (disabled IN (0, 1)),
    version         INTEGER NOT NULL CHECK (version >= 1),
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    CONSTRAINT issuers_one_source_of_keys
        CHECK ((jwks IS NOT NULL) + (certificates IS NOT NULL) + (sealed_secret IS NOT NULL) = 1)
) STRICT;
INSERT INTO issuers_of_before (id, jwks, certificates, sealed_secret, algorithms, subject_claim, subject_kind, scopes, resources,
    client_auth, client_id, max_lifetime_us, allow_repeat, disabled, version, created_at, updated_at)
SELECT id, jwks, certificates, sealed_secret, algorithms, subject_claim, subject_kind, scopes, resources,
    client_auth, client_id, max_lifetime_us, allow_repeat, disabled, version, created_at, updated_at FROM issuers;
DROP TABLE issuers;
ALTER TABLE issuers_of_before RENAME TO issuers;
CREATE TRIGGER issuers_inserted AFTER INSERT ON issuers
BEGIN UPDATE changes SET version = version + 1 WHERE topic = 'issuers'; END;
CREATE TRIGGER issuers_updated AFTER UPDATE ON issuers
BEGIN UPDATE changes SET version = version + 1 WHERE topic = 'issuers'; END;
CREATE TRIGGER issuers_deleted AFTER DELETE ON issuers
BEGIN UPDATE changes SET version = version + 1 WHERE topic = 'issuers'; END;
