package bench

import (
	"fmt"
	"strings"
)

// polls is the largest number of queries a second that a server makes by itself.
const polls = 5

// goal is the target of a ratio of values from one run.
type goal struct {
	what  string
	limit float64
	least bool // the limit is the smallest allowed value, not the largest
	of    func(round) float64
}

func goals() []goal {
	cpu := func(row string) func(round) float64 {
		return func(r round) float64 { return microseconds(r.rows[row].CPU) }
	}
	over := func(row string, floor func(round) float64) func(round) float64 {
		return func(r round) float64 { return cpu(row)(r) / floor(r) }
	}
	static := func(r round) float64 { return microseconds(r.static.CPU) }
	return []goal{
		{"client_credentials RS256: CPU / (static floor + openssl speed of one signature)", 1.25, false,
			over("client_credentials RS256/postgres", func(r round) float64 { return static(r) + microseconds(r.openssl) })},
		{"client_credentials RS256: CPU / net/http that signs", 1.08, false,
			over("client_credentials RS256/postgres", func(r round) float64 { return microseconds(r.rs256.CPU) })},
		{"client_credentials ES256: CPU / net/http that signs", 1.4, false,
			over("client_credentials ES256/postgres", func(r round) float64 { return microseconds(r.es256.CPU) })},
		{"refresh, PostgreSQL: requests/s / 1/(1/pgbench + 1/net/http that signs ES256)", 0.75, true,
			func(r round) float64 {
				return r.rows["refresh/postgres"].PerSecond() * (1/r.rotations + 1/r.es256.PerSecond())
			}},
		{"refresh, SQLite: requests/s / bare UPDATEs/s", 0.8, true,
			func(r round) float64 { return r.rows["refresh/sqlite"].PerSecond() * r.update.Time.Seconds() }},
		{"password: CPU / one bcrypt", 1.03, false, over("password/postgres", func(r round) float64 { return microseconds(r.bcrypt.CPU) })},
		{"JWKS: CPU / static floor", 1.2, false, over("JWKS/postgres", static)},
		{"login page: CPU in ms", 1, false, func(r round) float64 { return microseconds(r.rows["login page/postgres"].CPU) / 1000 }},
		{"introspection: CPU / (static floor + one verification)", 1.5, false,
			over("introspection/postgres", func(r round) float64 { return static(r) + microseconds(r.verify.CPU) })},
	}
}

// targets has a line for each goal, and what one server uses.
func targets(rounds []round, f taking) string {
	var text strings.Builder
	put := func(format string, args ...any) { _, _ = fmt.Fprintf(&text, format, args...) } // a write to a builder cannot fail
	put("| target | limit | measured | |\n|---|---|---|---|\n")
	for _, g := range goals() {
		sign, met := "≤", median(rounds, g.of) <= g.limit
		if g.least {
			sign, met = "≥", median(rounds, g.of) >= g.limit
		}
		put("| %s | %s %.2f | %s | %s |\n", g.what, sign, g.limit, spread(rounds, "%.2f", g.of), verdict(met))
	}
	for _, row := range rows() {
		for _, engine := range row.engines {
			trips := median(rounds, func(r round) float64 { return r.rows[row.name+"/"+engine].Trips })
			rate := median(rounds, func(r round) float64 { return r.rows[row.name+"/"+engine].PerSecond() })
			if trips > row.trips+0.05+polls/rate {
				put("| %s, %s: round trips | ≤ %.0f | %.2f | missed |\n", row.name, engine, row.trips, trips)
			}
		}
	}
	for _, m := range f {
		put("| %s | ≤ %.0f %s | %.0f | %s |\n", m.what, m.limit, m.unit, m.value, verdict(m.value <= m.limit))
	}
	put("\nOne bcrypt at cost 12: %s ms. One P-256 verification: %s µs. One rsa2048 signature by openssl speed: %s µs. "+
		"Rotations by pgbench: %s/s. Bare UPDATEs in SQLite: %s/s.\n",
		spread(rounds, "%.0f", func(r round) float64 { return r.bcrypt.CPU.Seconds() * 1e3 }),
		spread(rounds, "%.0f", func(r round) float64 { return microseconds(r.verify.CPU) }),
		spread(rounds, "%.0f", func(r round) float64 { return microseconds(r.openssl) }),
		spread(rounds, "%.0f", func(r round) float64 { return r.rotations }),
		spread(rounds, "%.0f", func(r round) float64 { return 1 / r.update.Time.Seconds() }))
	return text.String()
}

func verdict(met bool) string {
	if met {
		return "met"
	}
	return "missed"
}
