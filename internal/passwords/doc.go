// Package passwords hashes and verifies passwords, and secrets that people
// chose, with bcrypt behind admission control: a flood of logins fills a short
// queue, and neither the memory nor the time of other requests.
//
// It refuses what bcrypt would quietly cut short, tells nobody by its timing
// whether a user exists, and knows neither users nor clients. Start at [Hasher];
// what a password may be is [Enforce].
package passwords
