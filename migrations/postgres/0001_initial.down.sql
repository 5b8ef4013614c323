DROP TABLE probes, events, lifetimes, key_plan, data_keys, secret_keys, signing_keys, failed_attempts, used_assertions, revocations,
    deliveries, session_clients, consents, sessions, refresh_families, issuers, resources, users, deleted_clients, clients;
DROP FUNCTION authserver_events_stay();
DROP FUNCTION authserver_refused(text, text, timestamptz, text, text, text, text, text, text, text, bigint, bigint);
DROP FUNCTION authserver_event_id(timestamptz);
DROP SEQUENCE event_order;
DROP FUNCTION authserver_user_names();
DROP FUNCTION authserver_name();
DROP FUNCTION authserver_expired_after(timestamptz);
DROP FUNCTION authserver_key_plan_changed();
DROP FUNCTION authserver_notify();
