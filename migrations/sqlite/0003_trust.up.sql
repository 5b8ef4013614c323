-- What an issuer is trusted by, and for whom. Exactly one source of keys, of
-- which two are fetched from elsewhere. The table is made anew because SQLite
-- cannot change a constraint.
CREATE TABLE issuers_trusted (
    id              TEXT    NOT NULL PRIMARY KEY CHECK (octet_length(id) BETWEEN 1 AND 1024),
    jwks            TEXT    CHECK (json_valid(jwks)),
    jwks_uri        TEXT    CHECK (jwks_uri <> ''),
    discovery       INTEGER NOT NULL DEFAULT 0 CHECK (discovery IN (0, 1)),
    certificates    TEXT    CHECK (json_type(certificates) = 'array'),
    ca_certificates TEXT    CHECK (json_type(ca_certificates) = 'array' AND json_array_length(ca_certificates) > 0),
    sealed_secret   BLOB,
    algorithms      TEXT    NOT NULL CHECK (json_type(algorithms) = 'array' AND json_array_length(algorithms) > 0),
    encryption_alg  TEXT    NOT NULL DEFAULT '',
    subject_claim   TEXT    NOT NULL,
    subject_kind    TEXT    NOT NULL CHECK (subject_kind IN ('user', 'client', 'federated', 'any')),
    required_claims TEXT    NOT NULL DEFAULT '[]' CHECK (json_type(required_claims) = 'array'),
    patterns        TEXT    NOT NULL DEFAULT '[]' CHECK (json_type(patterns) = 'array'),
    claim_mapping   TEXT    NOT NULL DEFAULT '{}' CHECK (json_type(claim_mapping) = 'object'),
    scopes          TEXT    NOT NULL CHECK (json_type(scopes) = 'array'),
    resources       TEXT    NOT NULL CHECK (json_type(resources) = 'array'),
    client_auth     INTEGER NOT NULL CHECK (client_auth IN (0, 1)),
    client_id       TEXT    NOT NULL,
    max_lifetime_us INTEGER NOT NULL CHECK (max_lifetime_us >= 0),
    clock_skew_us   INTEGER NOT NULL DEFAULT 0 CHECK (clock_skew_us >= 0),
    allow_repeat    INTEGER NOT NULL CHECK (allow_repeat IN (0, 1)),
    disabled        INTEGER NOT NULL CHECK (disabled IN (0, 1)),
    version         INTEGER NOT NULL CHECK (version >= 1),
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    CONSTRAINT issuers_one_source_of_keys CHECK (
        (jwks IS NOT NULL) + (certificates IS NOT NULL) + (sealed_secret IS NOT NULL) + (jwks_uri IS NOT NULL) + discovery = 1)
) STRICT;
INSERT INTO issuers_trusted (id, jwks, certificates, sealed_secret, algorithms, subject_claim, subject_kind, scopes, resources,
    client_auth, client_id, max_lifetime_us, allow_repeat, disabled, version, created_at, updated_at)
SELECT id, jwks, certificates, sealed_secret, algorithms, subject_claim, subject_kind, scopes, resources,
    client_auth, client_id, max_lifetime_us, allow_repeat, disabled, version, created_at, updated_at FROM issuers;
DROP TABLE issuers;
ALTER TABLE issuers_trusted RENAME TO issuers;
CREATE TRIGGER issuers_inserted AFTER INSERT ON issuers
BEGIN UPDATE changes SET version = version + 1 WHERE topic = 'issuers'; END;
CREATE TRIGGER issuers_updated AFTER UPDATE ON issuers
BEGIN UPDATE changes SET version = version + 1 WHERE topic = 'issuers'; END;
CREATE TRIGGER issuers_deleted AFTER DELETE ON issuers
BEGIN UPDATE changes SET version = version + 1 WHERE topic = 'issuers'; END;

-- What a client proves itself with, and for whom it may speak.
ALTER TABLE clients ADD COLUMN jwks TEXT CHECK (json_valid(jwks));
ALTER TABLE clients ADD COLUMN jwks_uri TEXT CHECK (jwks_uri <> '') CHECK (jwks_uri IS NULL OR jwks IS NULL);
ALTER TABLE clients ADD COLUMN certificates TEXT CHECK (json_type(certificates) = 'array' AND json_array_length(certificates) > 0);
ALTER TABLE clients ADD COLUMN tls_subject_kind TEXT CHECK (tls_subject_kind IN ('dn', 'dns', 'uri', 'ip', 'email'));
ALTER TABLE clients ADD COLUMN tls_subject TEXT CHECK (tls_subject <> '') CHECK ((tls_subject IS NULL) = (tls_subject_kind IS NULL));
ALTER TABLE clients ADD COLUMN endpoint_audience INTEGER NOT NULL DEFAULT 0 CHECK (endpoint_audience IN (0, 1));
ALTER TABLE clients ADD COLUMN assert_users TEXT NOT NULL DEFAULT '[]' CHECK (json_type(assert_users) = 'array');
ALTER TABLE clients ADD COLUMN assert_roles TEXT NOT NULL DEFAULT '[]' CHECK (json_type(assert_roles) = 'array');
ALTER TABLE clients ADD COLUMN impersonates TEXT NOT NULL DEFAULT '[]' CHECK (json_type(impersonates) = 'array');
ALTER TABLE clients ADD COLUMN dpop_bound INTEGER NOT NULL DEFAULT 0 CHECK (dpop_bound IN (0, 1));
ALTER TABLE clients ADD COLUMN tls_bound INTEGER NOT NULL DEFAULT 0 CHECK (tls_bound IN (0, 1));

-- What the access tokens of a resource are encrypted to.
ALTER TABLE resources ADD COLUMN encryption_jwk TEXT CHECK (json_valid(encryption_jwk));
ALTER TABLE resources ADD COLUMN encryption_enc TEXT NOT NULL DEFAULT '' CHECK ((encryption_jwk IS NULL) = (encryption_enc = ''));

-- Written once: a rotation compares it.
ALTER TABLE refresh_families ADD COLUMN bound_to TEXT CHECK (bound_to <> '');
