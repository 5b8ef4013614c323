package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestSecretDoesNotShowItself(t *testing.T) {
	secret := NewSecret("s3cr3t")
	if secret.Reveal() != "s3cr3t" || secret.Empty() {
		t.Fatalf("Reveal = %q", secret.Reveal())
	}
	settings := Server{Database: Database{DatabaseURL: secret}, Sealing: Sealing{MasterKey: secret}}
	shown := map[string]string{"String": secret.String(), "GoString": secret.GoString()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t"} {
		shown[verb] = fmt.Sprintf(verb, secret)
		shown[verb+" of a pointer"] = fmt.Sprintf(verb, &secret)
		shown[verb+" of settings"] = fmt.Sprintf(verb, settings)
		shown[verb+" of an error"] = fmt.Errorf("bad "+verb, secret).Error()
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "secret", secret, "settings", settings)
	slog.New(slog.NewTextHandler(&log, nil)).Info("m", "secret", &secret, "settings", &settings)
	shown["log"] = log.String()
	encoded, err := json.Marshal(settings)
	if err != nil {
		t.Fatal(err)
	}
	shown["JSON"] = string(encoded)
	for how, text := range shown {
		for _, leak := range []string{"s3cr3t", "733363723374"} {
			if strings.Contains(strings.ToLower(text), leak) {
				t.Errorf("%s shows %s", how, text)
			}
		}
	}
	if !strings.Contains(shown["JSON"], redacted) || shown["%v"] != redacted {
		t.Errorf("JSON is %s and %%v %s, want %s in them", shown["JSON"], shown["%v"], redacted)
	}
}

func TestEmptySecretShowsThatItIs(t *testing.T) {
	var secret Secret
	if !secret.Empty() || secret.String() != "" || fmt.Sprintf("%#v", secret) != `config.Secret("")` {
		t.Errorf("%#v", secret)
	}
	if err := secret.UnmarshalText([]byte("x")); err != nil || secret.Reveal() != "x" {
		t.Errorf("UnmarshalText left %q, %v", secret.Reveal(), err)
	}
}
