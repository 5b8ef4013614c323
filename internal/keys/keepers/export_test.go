package keepers

// OpenWithin is Open for tests, which cannot wait for its 10 s.
var OpenWithin = open
