// Package container has no code. Its tests check Dockerfile and docker-compose.yml against
// docs/docker.md, as far as that is possible without an engine, and run the script that makes the
// secrets.
package container
