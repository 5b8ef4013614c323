package telemetry

import "testing"

func TestRequestIDTravelsInTheContext(t *testing.T) {
	if got := RequestID(t.Context()); got != "" {
		t.Errorf("RequestID of a bare context = %q", got)
	}
	if got := RequestID(WithRequestID(t.Context(), "abc")); got != "abc" {
		t.Errorf("RequestID = %q, want abc", got)
	}
}
