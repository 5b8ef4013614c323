// Package container has no code: its tests hold Dockerfile and docker-compose.yml
// to what docs/docker.md promises, as far as that can be done without an engine,
// and run the script that makes the secrets.
package container
