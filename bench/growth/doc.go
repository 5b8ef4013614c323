// Package growth measures the cost of many rows: the same calls of the stores with a thousand rows
// and with millions, the size of a row on disk, what a day of refreshes leaves behind, how fast
// expired rows are removed, and the memory of the revocations.
//
// Run it with make bench-growth, which brings a PostgreSQL and writes bench/GROWTH.md.
package growth
