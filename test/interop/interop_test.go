//go:build interop

package interop

import (
	"testing"

	"authserver/test/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

func TestForeignClients(t *testing.T) {
	programs := install(t).programs(t)
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		w := register(t, d)
		t.Run("go", func(t *testing.T) { testGo(t, w, d) })
		for _, p := range programs {
			t.Run(p.name, func(t *testing.T) { p.run(t, w) })
		}
	})
}
