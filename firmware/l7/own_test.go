// SPDX-License-Identifier: Apache-2.0

package l7

import "testing"

// A client cannot make a server believe a field that only the box may set by
// writing its name another way.
func TestNamesThatServersTakeForTheSame(t *testing.T) {
	for in, want := range map[string]bool{
		"x-client-verify": true, "X-Client-Verify": true, "X_Client_Verify": true, "x_client-verify": true,
		"x-client-verif": false, "x-client-verify2": false, "x client verify": false, "xxclient-verify": false,
	} {
		if got := sameName([]byte(in), "x-client-verify"); got != want {
			t.Errorf("sameName(%q) = %v, want %v", in, got, want)
		}
	}
	if !sameName([]byte("A-b"), "a_b") {
		t.Error("A-b is not taken for a_b")
	}
}
