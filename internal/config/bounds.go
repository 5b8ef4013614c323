package config

import (
	"fmt"
	"slices"
	"time"
)

// present leaves out the checks that found nothing.
func present(errs ...error) []error {
	return slices.DeleteFunc(errs, func(err error) bool { return err == nil })
}

func checkNumber(setting string, value, low, high int) error {
	if value >= low && value <= high {
		return nil
	}
	return fmt.Errorf("%s is %d: set it to a number from %d to %d", setting, value, low, high)
}

func checkDuration(setting string, value, low, high time.Duration) error {
	if value >= low && value <= high {
		return nil
	}
	return fmt.Errorf("%s is %s: set it to a duration from %s to %s", setting, FormatDuration(value), FormatDuration(low), FormatDuration(high))
}
