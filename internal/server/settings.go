package server

import (
	"errors"

	"authserver/internal/config"
)

// SettingsError says that settings have values with which the server or the command cannot start.
type SettingsError struct{ cause error }

func (e *SettingsError) Error() string { return e.cause.Error() }
func (e *SettingsError) Unwrap() error { return e.cause }

func settingsError(err error) error {
	if err == nil {
		return nil
	}
	return &SettingsError{err}
}

// checkSettings comes before everything that a server opens or makes, so that wrong settings change
// nothing.
func checkSettings(s config.Server) error {
	_, err := newAlgorithms(s.ClientAssertions, s.DPoP)
	return settingsError(errors.Join(err, serverKeys(s).timeline.Validate(config.FormatDuration)))
}
