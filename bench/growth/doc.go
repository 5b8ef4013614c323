// Package growth measures what rows cost when there are many of them: the same
// calls of the stores beside a thousand rows and beside millions, what a row
// takes on disk, what a day of refreshes leaves behind, how fast what has expired
// goes, and what the view of the revocations takes.
//
// Run it with make bench-growth, which brings a PostgreSQL and writes
// bench/GROWTH.md.
package growth
