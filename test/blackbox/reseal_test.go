package blackbox

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"authserver/test/harness"
)

// The master key is replaced while two servers run, and no client notices it: neither during the
// reseal, nor while the servers restart, nor afterwards.
func TestResealUnderRunningServers(t *testing.T) {
	t.Parallel()
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		d.Set("KEY_POLL_INTERVAL", "4s")
		f := registerUnserved(t, d)
		replicas := []*harness.Server{f.Start(), f.Start()}
		waitForSet(t, freshKeys, replicas...)
		oldFile, newFile := d.Dir+"/master.key", d.File("new.key", d.Run("key", "generate-master"))
		before := replicas[0].MustToken(t, f.web, login()).Text("refresh_token")
		clients := loaded(t, f, replicas...)
		clients.goesOn(t)

		// The command is interrupted while it waits for the servers, and once more after that.
		reseal := []string{"key", "reseal", "--to-master-key-file", newFile, "-o", "json"}
		if d.Interrupt("waiting", 0, reseal...) {
			t.Error("it was done before it was interrupted")
		}
		d.Interrupt("waiting", 4*time.Second, reseal...)
		clients.goesOn(t)
		stdout, stderr, code := d.Try("", reseal...)
		var resealed struct {
			From, To  string
			Remaining int
			Resealed  map[string]int
		}
		if err := json.Unmarshal([]byte(stdout), &resealed); err != nil || code != 0 || resealed.Remaining != 0 || resealed.From == resealed.To {
			t.Fatalf("exit code %d, it answers %s (%v) and says %s", code, stdout, err, stderr)
		}
		if !strings.Contains(stderr, "Restart every server with master key "+resealed.To) || !strings.Contains(stderr, "authserver key reseal --finish") {
			t.Errorf("it does not say what to do next: %s", stderr)
		}
		clients.goesOn(t)

		// One server has the new master key, and the other still the old one.
		d.Set("MASTER_KEY_FILE", newFile)
		replicas[0] = clients.restart(t, replicas[0], func() *harness.Server { return f.Start() })
		clients.goesOn(t)
		d.Run("key", "rotate", "--alg", "ES256") // with the new master key, for both servers
		for _, s := range replicas {
			harness.Eventually(t, reached, "a replica takes in a key that is sealed anew", func() bool { return len(kids(t, s)) == freshKeys+1 })
		}
		replicas[1] = clients.restart(t, replicas[1], func() *harness.Server { return f.Start() })
		clients.goesOn(t)
		finished := d.JSON("", "key", "reseal", "--finish")
		if finished["master"] != resealed.To || fmt.Sprint(finished["over"]) != "["+resealed.From+"]" {
			t.Errorf("finished as %v, want %s alone, and %s to be over", finished, resealed.To, resealed.From)
		}
		clients.goesOn(t)

		_, stderr, code = d.Try("", "serve", "--master-key-file", oldFile)
		if code != 1 || !strings.Contains(stderr, resealed.From) || !strings.Contains(stderr, resealed.To) || !strings.Contains(stderr, "master-key-file") {
			t.Errorf("with the old master key a server starts: exit code %d, %s", code, stderr)
		}
		replicas = append(replicas, f.Start())
		for _, s := range replicas {
			if n := openFailures(t, s); n != 0 {
				t.Errorf("%d times something could not be opened", n)
			}
			before = s.MustToken(t, f.web, refresh(before)).Text("refresh_token")
			s.MustToken(t, harness.Credentials{}, bearer(f.bySecret(t)))
		}
		clients.end()
	})
}

// A reseal that is killed at any point leaves a database that either master key opens, and
// continues when it is called again.
func TestInterruptedReseal(t *testing.T) {
	t.Parallel()
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		f := register(t, d)
		for i := range 20 {
			f.Run("issuer", "create", "--iss", fmt.Sprintf("https://issuer-%d.example.com", i), "--scope", "read", "--resource", apiRS256,
				"--secret-file", f.File("one.secret", fmt.Sprintf("the-secret-of-issuer-%d-is-32-bytes-long", i)))
		}
		s := f.Start()
		waitForSet(t, freshKeys, s)
		token := s.MustToken(t, f.web, login()).Text("refresh_token")
		s.Stop() // so that the command waits for no server
		newFile := d.File("new.key", d.Run("key", "generate-master"))
		interrupted := 0
		for after := time.Millisecond; !d.Interrupt("", after, "key", "reseal", "--to-master-key-file", newFile); after += after/8 + 2*time.Millisecond {
			interrupted++
			d.Run("key", "list")
		}
		if interrupted < 3 {
			t.Errorf("it was interrupted %d times", interrupted)
		}
		for _, file := range []string{d.Dir + "/master.key", newFile} {
			s := f.Start("--master-key-file", file)
			token = s.MustToken(t, f.web, refresh(token)).Text("refresh_token")
			s.MustToken(t, harness.Credentials{}, bearer(f.bySecret(t)))
			if n := openFailures(t, s); n != 0 {
				t.Errorf("%d times something could not be opened", n)
			}
			s.Stop()
		}
		d.Set("MASTER_KEY_FILE", newFile)
		d.Run("key", "reseal", "--finish")
		s = f.Start()
		s.MustToken(t, f.web, refresh(token))
		waitForSet(t, freshKeys, s)
	})
}
