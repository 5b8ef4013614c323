// Package bench measures the built binary over HTTP, and compares it with floors: programs that do
// the least possible for the same work, measured on the same machine in the same run. The server,
// the floors and the load are processes of their own.
//
// make bench prints the table and writes it to RESULTS.md: requests a second, waits, the cost of
// each request to the server in CPU time, allocations and round trips to the database, and the
// ratios of targets_test.go. PROFILES.md explains the targets that are missed. make bench-smoke
// checks only the counts, because the load of the machine does not change them.
//
// Start at BenchmarkTable and rows.
package bench
