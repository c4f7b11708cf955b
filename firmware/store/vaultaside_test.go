// SPDX-License-Identifier: Apache-2.0

package store

import (
	"os"
	"path/filepath"
	"testing"
)

func TestVaultSetsDamageAside(t *testing.T) {
	for _, tt := range []struct {
		name   string
		damage func(file string) error
		kept   bool
		want   string // under the new name
	}{
		{"whole", func(string) error { return nil }, true, "users"},
		{"damaged", func(file string) error { return os.WriteFile(file, []byte("uzers"), 0o600) }, true, "uzers"},
		{"missing", os.Remove, false, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			s, err := Open(Config{Dir: dir})
			must(t, err)
			must(t, s.Vault().Save("auth/users", []byte("users")))
			must(t, tt.damage(filepath.Join(dir, "vault", s.Vault().Items("")["auth/users"].SHA256)))
			if kept, err := s.Vault().SetAside("auth/users", "auth/users.damaged"); kept != tt.kept || err != nil {
				t.Errorf("SetAside = %v, %v, want %v", kept, err, tt.kept)
			}
			must(t, s.Close())
			s, err = Open(Config{Dir: dir})
			must(t, err)
			defer s.Close()
			for name, want := range map[string]string{"auth/users": "", "auth/users.damaged": tt.want} {
				if b, err := s.Vault().Load(name); string(b) != want || err != nil {
					t.Errorf("%s is %q, %v, want %q", name, b, err, want)
				}
			}
			if kept, err := s.Vault().SetAside("auth/users", "x"); kept || err != nil {
				t.Errorf("SetAside of nothing = %v, %v", kept, err)
			}
		})
	}
}
