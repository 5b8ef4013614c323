// Package interop drives the server with clients that we did not write and has
// its tokens verified by libraries that we did not write: golang.org/x/oauth2
// and go-oidc, openid-client, oauth4webapi and jose, simple-oauth2, Authlib, PyJWT,
// python-jose and google-auth, Nimbus, Spring Security, Spring Boot and Apache
// HttpClient, and Dovecot.
// It runs the snippets that docs/verify.md shows, too.
//
//	go run ./test/withpostgres -- go test -count=1 -tags interop ./test/interop/...
//
// Everything is registered through the command line, on SQLite and on PostgreSQL.
// The programs in node, python and java read one configuration from standard
// input and print one line of JSON per check; a check that is missing fails as one
// that went wrong does. What they stand on is installed from lockfiles into the
// user's cache. A missing tool fails the test and says what to install.
//
// TestSoak (the files soak*_test.go) has a verifier of each language live through
// key rotations, on two replicas that come and go as their database does. They
// read tokens from standard input and answer each; one key set that each keeps for
// as long as its Cache-Control says has to do. SOAK_ROTATIONS says for how long
// (`make soak` for longer), and SOAK_SEED repeats the order of the faults.
//
// TestSpringBoot and TestDovecot have programs verify tokens that are no libraries: what
// they take as they come, and what docs/verify.md says to do about it.
//
// TestPeopleSignIn has people sign in to clients of golang.org/x/oauth2 and go-oidc, zitadel/oidc,
// openid-client, AppAuth-JS (that for Java runs on Android alone), Authlib and Nimbus: each signs
// in, calls userinfo, refreshes and logs out. So do applications that are whole: TestApache with
// mod_auth_openidc, TestOAuth2Proxy, TestSpringLogin, TestAuthJS and TestDjango with
// mozilla-django-oidc, which asks with prompt=none instead of refreshing.
//
// TestForeignClientsWithCertificates has a server that ends TLS itself.
//
// Start at TestForeignClients; what a program has to check is in checks_test.go.
package interop
