//go:build interop

package interop

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"time"
)

// verifier is a program that verifies tokens until its standard input ends, with
// one key set that it keeps.
type verifier struct {
	name    string
	program func(ctx context.Context, in io.Reader, out, log io.Writer) error

	lines chan []byte // its standard input
	ended chan struct{}

	mu       sync.Mutex
	open     map[string]*minted // tokens without an answer, by token_id
	asked    int
	late     int                        // refused because the machine was too slow to ask in time
	verified map[string]map[string]bool // the keys of accepted tokens, by algorithm
}

// soakConfig is the first line that a program reads.
type soakConfig struct {
	Issuer    string `json:"issuer"`
	JWKSURI   string `json:"jwks_uri"`
	MaxAge    int    `json:"max_age_seconds"` // of Cache-Control
	UserAgent string `json:"user_agent"`      // to send with a fetch
}

// question is each later line.
type question struct {
	TokenID  string `json:"token_id"`
	Alg      string `json:"alg"`
	Audience string `json:"audience"`
	Token    string `json:"token"`
}

// answer is a line that a program prints.
type answer struct {
	TokenID string `json:"token_id"`
	OK      bool   `json:"ok"`
	Detail  string `json:"detail"`
}

func (v *verifier) userAgent() string { return "soak-" + v.name }

// startVerifiers starts all of them, in the group. Each program says which defaults of its library
// it has changed, and why.
func (s *soak) startVerifiers(ctx context.Context, group *sync.WaitGroup) {
	i := install(s.t)
	s.verifiers = []*verifier{
		{name: "jose", program: execute("node", filepath.Join(i.nodeFolder(s.t, "node/soak.mjs"), "soak.mjs"))},
		{name: "nimbus", program: execute(i.java(s.t)("Soak")...)},
		{name: "pyjwt", program: execute(i.python, "python/soak.py")},
		{name: "jwx", program: verifyWithJWX},
	}
	for _, v := range s.verifiers {
		v.start(ctx, group, s.book, soakConfig{
			Issuer: s.w.Issuer, JWKSURI: s.w.JWKSURI, MaxAge: int(soakMaxAge / time.Second), UserAgent: v.userAgent(),
		})
	}
}

func execute(argv ...string) func(context.Context, io.Reader, io.Writer, io.Writer) error {
	return func(ctx context.Context, in io.Reader, out, log io.Writer) error {
		command := foreign(ctx, argv...)
		command.Stdin, command.Stdout, command.Stderr = in, out, log
		command.WaitDelay = patience
		return command.Run()
	}
}

// start starts the program and, in the group, everything that belongs to it. It ends with its
// standard input, or with ctx.
func (v *verifier) start(ctx context.Context, group *sync.WaitGroup, b *book, config soakConfig) {
	v.lines, v.ended = make(chan []byte, 1000), make(chan struct{})
	v.open, v.verified = map[string]*minted{}, map[string]map[string]bool{}
	for _, alg := range algorithms() {
		v.verified[alg] = map[string]bool{}
	}
	in, stdin := io.Pipe()
	stdout, out := io.Pipe()
	group.Go(func() {
		var log bytes.Buffer
		if err := v.program(ctx, in, out, &log); err != nil && ctx.Err() == nil {
			b.fail("%s ended: %v\n%s", v.name, err, log.String())
		}
		_ = in.Close()
		_ = out.Close()
	})
	group.Go(func() {
		defer stdin.Close()
		_ = json.NewEncoder(stdin).Encode(config) // an error means that the program has ended
		for {
			select {
			case <-ctx.Done():
				return
			case line, more := <-v.lines:
				if !more {
					return
				}
				_, _ = stdin.Write(line)
			}
		}
	})
	group.Go(func() {
		defer close(v.ended)
		lines := bufio.NewScanner(stdout)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			v.take(b, lines.Bytes())
		}
	})
}

// ask sends a token to the program; its answer is judged when it comes.
func (v *verifier) ask(b *book, m *minted, when, audience string) {
	id := fmt.Sprintf("%d %s", m.number, when)
	line, err := json.Marshal(question{TokenID: id, Alg: m.alg, Audience: audience, Token: m.raw})
	if err != nil {
		b.fail("%v", err)
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.asked++
	v.open[id] = m
	select {
	case v.lines <- append(line, '\n'):
	default:
		b.fail("%s does not keep up", v.name)
	}
}

func (v *verifier) take(b *book, line []byte) {
	now := time.Now()
	var a answer
	if err := json.Unmarshal(line, &a); err != nil {
		b.fail("%s prints what is no answer: %s", v.name, line)
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	m := v.open[a.TokenID]
	if m == nil {
		b.fail("%s answers what it was not asked: %s", v.name, line)
		return
	}
	delete(v.open, a.TokenID)
	switch {
	case a.OK:
		v.verified[m.alg][m.kid] = true
	case now.After(m.expires):
		v.late++
	default:
		b.refused(v.name, a, m)
	}
}

func (b *book) refused(name string, a answer, m *minted) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failLocked("%s refuses token %s: %s\n%s", name, a.TokenID, a.Detail, b.describe(m))
}

// end waits for the last answers and ends the program.
func (v *verifier) end(b *book) {
	b.await(2*patience, v.name+" answers everything", func() bool {
		v.mu.Lock()
		defer v.mu.Unlock()
		return len(v.open) == 0
	})
	close(v.lines)
	select {
	case <-v.ended:
	case <-time.After(2 * patience):
		b.fail("%s does not end with its standard input", v.name)
	}
}
