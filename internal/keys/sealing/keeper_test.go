package sealing_test

import (
	"bytes"
	"testing"

	"authserver/internal/keys/sealing"
)

func TestTheMasterKeyOpensWhatItSealed(t *testing.T) {
	plain := bytes.Repeat([]byte{7}, 32)
	keeper := masterOf(t, 1).Keeper()
	sealed, err := keeper.Encrypt(t.Context(), plain)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := keeper.Decrypt(t.Context(), sealed); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("opened %x, %v", got, err)
	}
	again, err := keeper.Encrypt(t.Context(), plain)
	if err != nil || bytes.Equal(again[:24], sealed[:24]) {
		t.Errorf("sealed twice with the nonce %x, %v", again[:24], err)
	}
	if got, err := masterOf(t, 2).Keeper().Decrypt(t.Context(), sealed); err == nil {
		t.Errorf("another master key opened %x", got)
	}
}

func TestTheMasterKeyRefusesWhatWasChanged(t *testing.T) {
	keeper := masterOf(t, 1).Keeper()
	sealed, err := keeper.Encrypt(t.Context(), []byte("data key"))
	if err != nil {
		t.Fatal(err)
	}
	for at := range sealed {
		changed := bytes.Clone(sealed)
		changed[at] ^= 1
		if got, err := keeper.Decrypt(t.Context(), changed); err == nil {
			t.Errorf("with byte %d changed it opened %q", at, got)
		}
		if got, err := keeper.Decrypt(t.Context(), sealed[:at]); err == nil {
			t.Errorf("cut to %d bytes it opened %q", at, got)
		}
	}
}

func masterOf(t *testing.T, first byte) sealing.Master {
	t.Helper()
	master, err := sealing.MasterFrom([32]byte{first})
	if err != nil {
		t.Fatal(err)
	}
	return master
}
