-- Nothing may be let in, or be said in clear, because the version before does not
-- know what forbids it. So this fails where an issuer has its keys elsewhere, is
-- federated, or is narrowed, where a client's access tokens are bound to a key, and
-- where a resource's are encrypted: change or delete those first. Refresh tokens
-- that are bound to a key go, and their users log in again.
DO $$
BEGIN
    IF EXISTS (SELECT FROM issuers WHERE jwks_uri IS NOT NULL OR discovery OR subject_kind = 'federated' OR ca_certificates IS NOT NULL
        OR required_claims <> '{}' OR patterns <> '[]' OR encryption_alg <> '') THEN
        RAISE EXCEPTION 'an issuer has its keys elsewhere, is federated or is narrowed: change or delete it first';
    END IF;
    IF EXISTS (SELECT FROM clients WHERE dpop_bound OR tls_bound) THEN
        RAISE EXCEPTION 'the access tokens of a client are bound to a key: change or delete it first';
    END IF;
    IF EXISTS (SELECT FROM resources WHERE encryption_jwk IS NOT NULL) THEN
        RAISE EXCEPTION 'the access tokens of a resource are encrypted: change or delete it first';
    END IF;
END
$$;
DELETE FROM refresh_families WHERE bound_to IS NOT NULL;
ALTER TABLE refresh_families DROP COLUMN bound_to;
ALTER TABLE resources DROP COLUMN encryption_jwk, DROP COLUMN encryption_enc;
ALTER TABLE clients
    DROP COLUMN jwks, DROP COLUMN jwks_uri, DROP COLUMN certificates, DROP COLUMN tls_subject_kind, DROP COLUMN tls_subject,
    DROP COLUMN endpoint_audience, DROP COLUMN assert_users, DROP COLUMN assert_roles, DROP COLUMN impersonates,
    DROP COLUMN dpop_bound, DROP COLUMN tls_bound;
ALTER TABLE issuers
    DROP CONSTRAINT issuers_one_source_of_keys,
    DROP CONSTRAINT issuers_subject_kind_check,
    DROP COLUMN jwks_uri, DROP COLUMN discovery, DROP COLUMN ca_certificates, DROP COLUMN clock_skew_us,
    DROP COLUMN required_claims, DROP COLUMN patterns, DROP COLUMN claim_mapping, DROP COLUMN encryption_alg,
    ADD CONSTRAINT issuers_one_source_of_keys CHECK (num_nonnulls(jwks, certificates, sealed_secret) = 1),
    ADD CONSTRAINT issuers_subject_kind_check CHECK (subject_kind IN ('user', 'client', 'any'));
