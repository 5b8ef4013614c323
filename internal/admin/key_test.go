package admin_test

import (
	"testing"

	"authserver/internal/keys"
)

func TestKeysAreRotated(t *testing.T) {
	o := newOffice(t)
	if _, err := o.Keys.Rotate(t.Context(), by, nil, false); err == nil {
		t.Error("without a key there is nothing to rotate")
	}
	o.minter()
	_, err := o.Keys.Rotate(t.Context(), by, []string{"HS256"}, false)
	wantFaults(t, err, "algorithms[0]", "ES256")
	events, err := o.Keys.Rotate(t.Context(), by, []string{keys.ES256, keys.ES256}, false)
	o.must(err)
	if len(events) == 0 {
		t.Error("nothing is planned")
	}
	listed, err := o.Keys.List(t.Context(), by)
	o.must(err)
	if at := o.now().Add(o.Keys.Signing.Timeline.Lead()); len(listed) < 2 || listed[0].State != keys.Active || !listed[0].RetiredAt.Equal(at) || !listed[1].ActiveAt.Equal(at) {
		t.Errorf("listed %v", listed)
	}
	planned, err := o.Keys.Planned(t.Context(), by)
	o.must(err)
	if len(planned) == 0 {
		t.Error("nothing is planned")
	}
}
