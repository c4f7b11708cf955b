// SPDX-License-Identifier: Apache-2.0

package l7

import "testing"

func TestConsoleCookieIsTakenOut(t *testing.T) {
	for _, c := range []struct{ value, want string }{
		{"a=1", "a=1"},
		{"__Host-evener=x", ""},
		{"__Host-evener=x; a=1", "a=1"},
		{"a=1; __Host-evener=x", "a=1"},
		{"a=1; __Host-evener=x; b=2", "a=1; b=2"},
		{"a=1;__Host-evener=x;b=2", "a=1;b=2"},
		{"__Host-evener=x; __Host-evener=y", ""},
		{"__Host-evener2=x; my__Host-evener=y", "__Host-evener2=x; my__Host-evener=y"},
		{"a=__Host-evener=x", "a=__Host-evener=x"},
		{"; ;__Host-evener=", ""},
	} {
		b := []byte(c.value)
		if got := string(b[:withoutCookie(b)]); got != c.want {
			t.Errorf("withoutCookie(%q) = %q, want %q", c.value, got, c.want)
		}
	}
}
