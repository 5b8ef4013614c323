package keepers

// OpenWithin is Open for those who cannot wait for its 10 s.
var OpenWithin = open
