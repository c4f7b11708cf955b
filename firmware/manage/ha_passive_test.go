// SPDX-License-Identifier: Apache-2.0

package manage

import "testing"

func TestABoxIsPassiveOnStandbyForAllItsGroups(t *testing.T) {
	group := func(base uint8, state string) HAGroup {
		return HAGroup{HAGroupReport: HAGroupReport{Base: base, State: state}}
	}
	for _, tt := range []struct {
		name   string
		groups []HAGroup
		want   bool
	}{
		{"no group", nil, false},
		{"standby", []HAGroup{group(150, HABackup)}, true},
		{"active for one of two", []HAGroup{group(150, HABackup), group(200, HAActive)}, false},
		{"at fault", []HAGroup{group(150, HABackup), group(150, HAFault)}, false},
		{"not started", []HAGroup{group(150, HAInit)}, false},
		{"no home of the other", []HAGroup{group(150, HABackup), group(0, HAInit)}, true},
		{"no home of any", []HAGroup{group(0, HAInit)}, false},
	} {
		if got := (&HAShow{Groups: tt.groups}).passive(); got != tt.want {
			t.Errorf("%s: passive = %v, want %v", tt.name, got, tt.want)
		}
	}
}
