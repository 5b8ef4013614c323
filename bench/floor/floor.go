// Package floor has the least that requests can cost: a bare net/http server that answers with
// fixed content or with a signature, and bare loops of bcrypt, of verifying a signature, and of an
// UPDATE in SQLite. Each runs in a process of its own.
//
// Start at [Serve] and [Loop].
package floor

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/bcrypt"
	_ "modernc.org/sqlite" // the driver that our engine uses

	"authserver/bench/process"
	"authserver/internal/keys/signers"
)

// AllocationsPath returns the number of allocations of a floor's process.
const AllocationsPath = "/allocations"

// Serve answers requests until the process is killed, and prints its address first. kind is
// "static", "RS256" or "ES256". At [AllocationsPath] it answers with the number of allocations.
func Serve(kind string, stdout io.Writer) error {
	sign, err := signer(kind)
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(stdout, listener.Addr()); err != nil {
		return err
	}
	// With the signature, as long as the answers of the server.
	filling := strings.Repeat("x", 600)
	answer := func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return
		}
		signature, err := sign()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(filling)+len(signature)))
		_, _ = io.WriteString(w, filling+signature) // the caller may be gone
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/", answer)
	mux.HandleFunc(AllocationsPath, func(w http.ResponseWriter, _ *http.Request) {
		var memory runtime.MemStats
		runtime.ReadMemStats(&memory)
		_, _ = fmt.Fprint(w, memory.Mallocs)
	})
	return (&http.Server{ReadHeaderTimeout: time.Minute, Handler: mux}).Serve(listener)
}

func signer(kind string) (func() (string, error), error) {
	if kind == "static" {
		return func() (string, error) { return "", nil }, nil
	}
	private, err := key(kind)
	if err != nil {
		return nil, err
	}
	fast, err := signers.For(private)
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256([]byte("a payload"))
	return func() (string, error) {
		signature, err := fast.Sign(rand.Reader, digest[:], crypto.SHA256)
		return base64.RawURLEncoding.EncodeToString(signature), err
	}, nil
}

func key(alg string) (crypto.Signer, error) {
	switch alg {
	case "RS256":
		return rsa.GenerateKey(rand.Reader, 2048)
	case "ES256":
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	return nil, fmt.Errorf("no floor %q", alg)
}

// Each is the average time of one of many repetitions.
type Each struct{ Time, CPU time.Duration }

// Loop repeats one operation for a duration, without anything else. kind is "bcrypt", "verify" or
// "sqlite".
func Loop(kind string, duration time.Duration, dir string) (Each, error) {
	work, err := loop(kind, dir)
	if err != nil {
		return Each{}, err
	}
	if err := work(); err != nil { // a first time that is not measured
		return Each{}, err
	}
	cpu, began, done := process.CPU(), time.Now(), time.Duration(0)
	for time.Since(began) < duration {
		if err := work(); err != nil {
			return Each{}, err
		}
		done++
	}
	return Each{Time: time.Since(began) / done, CPU: (process.CPU() - cpu) / done}, nil
}

func loop(kind, dir string) (func() error, error) {
	switch kind {
	case "bcrypt":
		return bcryptLoop()
	case "verify":
		return verifyLoop()
	case "sqlite":
		return updateLoop(dir)
	}
	return nil, fmt.Errorf("no floor %q", kind)
}

// BcryptCost is the cost for the floor and for the measured server: the default.
const BcryptCost = 12

func bcryptLoop() (func() error, error) {
	password := []byte("wonderland")
	hash, err := bcrypt.GenerateFromPassword(password, BcryptCost)
	return func() error { return bcrypt.CompareHashAndPassword(hash, password) }, err
}

func verifyLoop() (func() error, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256([]byte("a payload"))
	signature, err := ecdsa.SignASN1(rand.Reader, private, digest[:])
	return func() error {
		if !ecdsa.VerifyASN1(&private.PublicKey, digest[:], signature) {
			return fmt.Errorf("the signature is not good")
		}
		return nil
	}, err
}

// updateLoop changes one row again and again, each time on disk, with the settings of our engine
// and nothing between us and the driver.
func updateLoop(dir string) (func() error, error) {
	db, err := sql.Open("sqlite", "file:"+dir+"/floor.db?_txlock=immediate&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	for _, statement := range []string{
		"CREATE TABLE families (id BLOB PRIMARY KEY, generation INTEGER, rotated_at INTEGER, idle_expires_at INTEGER) WITHOUT ROWID",
		"INSERT INTO families VALUES (randomblob(16), 0, 0, 0)",
	} {
		if _, err := db.ExecContext(context.Background(), statement); err != nil {
			return nil, err
		}
	}
	update, err := db.PrepareContext(context.Background(), "UPDATE families SET generation = generation + 1, rotated_at = ?, idle_expires_at = ?") //nolint:sqlclosecheck // it goes with the process
	return func() error {
		now := time.Now().UnixMicro()
		_, err := update.ExecContext(context.Background(), now, now+1)
		return err
	}, err
}
