// Package bench measures the built binary over HTTP against floors that are taken in
// the same run: the least that the same work costs on the same machine at the same
// moment. The server, the floors and the load are processes of their own.
//
// make bench prints the table and writes it to RESULTS.md: requests a second, waits,
// what each request costs the server in CPU time, allocations and round trips to the
// database, and the ratios of targets_test.go; PROFILES.md says where the time goes
// that is missing. make bench-smoke holds the counts alone, which no noise of a machine
// changes.
//
// Start at BenchmarkTable and rows.
package bench
