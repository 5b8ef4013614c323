-- What an issuer is trusted by, and for whom. Exactly one source of keys, of
-- which two are fetched from elsewhere.
ALTER TABLE issuers
    ADD COLUMN jwks_uri        text CHECK (jwks_uri <> ''),
    ADD COLUMN discovery       boolean NOT NULL DEFAULT false,
    ADD COLUMN ca_certificates bytea[] CHECK (cardinality(ca_certificates) > 0),
    ADD COLUMN clock_skew_us   bigint  NOT NULL DEFAULT 0 CHECK (clock_skew_us >= 0),
    ADD COLUMN required_claims text[]  NOT NULL DEFAULT '{}',
    ADD COLUMN patterns        jsonb   NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(patterns) = 'array'),
    ADD COLUMN claim_mapping   jsonb   NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(claim_mapping) = 'object'),
    ADD COLUMN encryption_alg  text    NOT NULL DEFAULT '',
    DROP CONSTRAINT issuers_one_source_of_keys,
    ADD CONSTRAINT issuers_one_source_of_keys
        CHECK (num_nonnulls(jwks, certificates, sealed_secret, jwks_uri) + discovery::int = 1),
    DROP CONSTRAINT issuers_subject_kind_check,
    ADD CONSTRAINT issuers_subject_kind_check CHECK (subject_kind IN ('user', 'client', 'federated', 'any'));

-- What a client proves itself with, and for whom it may speak.
ALTER TABLE clients
    ADD COLUMN jwks              json,
    ADD COLUMN jwks_uri          text CHECK (jwks_uri <> ''),
    ADD COLUMN certificates      bytea[] CHECK (cardinality(certificates) > 0),
    ADD COLUMN tls_subject_kind  text CHECK (tls_subject_kind IN ('dn', 'dns', 'uri', 'ip', 'email')),
    ADD COLUMN tls_subject       text CHECK (tls_subject <> ''),
    ADD COLUMN endpoint_audience boolean NOT NULL DEFAULT false,
    ADD COLUMN assert_users      text[]  NOT NULL DEFAULT '{}',
    ADD COLUMN assert_roles      text[]  NOT NULL DEFAULT '{}',
    ADD COLUMN impersonates      text[]  NOT NULL DEFAULT '{}',
    ADD COLUMN dpop_bound        boolean NOT NULL DEFAULT false,
    ADD COLUMN tls_bound         boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT clients_one_key_set CHECK (num_nonnulls(jwks, jwks_uri) <= 1),
    ADD CONSTRAINT clients_tls_subject CHECK (num_nulls(tls_subject_kind, tls_subject) IN (0, 2));

-- What the access tokens of a resource are encrypted to.
ALTER TABLE resources
    ADD COLUMN encryption_jwk json,
    ADD COLUMN encryption_enc text NOT NULL DEFAULT '',
    ADD CONSTRAINT resources_encryption CHECK ((encryption_jwk IS NULL) = (encryption_enc = ''));

-- In no index, and written once: a rotation compares it.
ALTER TABLE refresh_families ADD COLUMN bound_to text COLLATE "C" CHECK (bound_to <> '');
