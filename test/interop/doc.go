// Package interop drives the server with clients of other authors, and verifies its tokens with
// libraries of other authors: golang.org/x/oauth2 and go-oidc, openid-client, oauth4webapi and
// jose, simple-oauth2, Authlib, PyJWT, python-jose and google-auth, Nimbus, Spring Security, Spring
// Boot and Apache HttpClient, and Dovecot. It also runs the snippets of docs/verify.md.
//
//	go run ./test/withpostgres -- go test -count=1 -tags interop ./test/interop/...
//
// The tests register everything through the command line, on SQLite and on PostgreSQL. The programs
// in node, python and java read one configuration from standard input and print one line of JSON
// per check; a missing check counts as a failed one. Their dependencies are installed from
// lockfiles into the user's cache. If a tool is missing, the test fails and says what to install.
//
// In TestSoak (the files soak*_test.go), a verifier of each language runs during key rotations, on
// two replicas that stop and start, as their database does. The verifiers read tokens from standard
// input and answer each. Each keeps one key set for as long as its Cache-Control says.
// SOAK_ROTATIONS is the number of rotations (`make soak` sets more), and SOAK_SEED repeats the
// order of the faults.
//
// In TestSpringBoot and TestDovecot, programs that are not libraries verify tokens: the tests check
// what these accept by default, and the advice of docs/verify.md.
//
// In TestPeopleSignIn, people sign in to clients of golang.org/x/oauth2 and go-oidc, zitadel/oidc,
// openid-client, AppAuth-JS (that for Java runs only on Android), Authlib and Nimbus: each signs
// in, calls userinfo, refreshes and logs out. Whole applications do the same: TestApache with
// mod_auth_openidc, TestOAuth2Proxy, TestSpringLogin, TestAuthJS and TestDjango with
// mozilla-django-oidc, which sends a request with prompt=none instead of refreshing.
//
// In TestForeignClientsWithCertificates, the server terminates TLS.
//
// Start at TestForeignClients; checks_test.go has the checks that a program must make.
package interop
