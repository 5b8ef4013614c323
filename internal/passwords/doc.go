// Package passwords hashes and verifies passwords, and secrets that an administrator chose, with
// bcrypt behind admission control: a flood of logins fills a short queue, and takes neither memory
// nor time from other requests.
//
// It refuses a new password that is short or common, and bcrypt never truncates one. Its timing
// does not reveal whether a user exists. It knows neither users nor clients. Start at [Hasher];
// [Policy] says what a new password may be.
package passwords
