// SPDX-License-Identifier: Apache-2.0

package config

import (
	"testing"
	"time"
)

func TestDurations(t *testing.T) {
	for _, c := range []struct {
		text string
		want time.Duration
		back string
	}{
		{"0s", 0, "0s"},
		{"5s", 5 * time.Second, "5s"},
		{"60s", time.Minute, "1m"},
		{"1h30m", 90 * time.Minute, "1h30m"},
		{"14d", 14 * 24 * time.Hour, "14d"},
		{"1d1h1m1s1ms1us", 25*time.Hour + time.Minute + time.Second + time.Millisecond + time.Microsecond, "1d1h1m1s1ms1us"},
		{"250ms", 250 * time.Millisecond, "250ms"},
		{"1500ms", 1500 * time.Millisecond, "1s500ms"},
		{"7us", 7 * time.Microsecond, "7us"},
	} {
		var d Duration
		if err := d.UnmarshalText([]byte(c.text)); err != nil || d.D() != c.want {
			t.Errorf("UnmarshalText(%q) = %v, %v; want %v", c.text, d, err, c.want)
		}
		if got, err := d.MarshalText(); err != nil || string(got) != c.back {
			t.Errorf("MarshalText(%q) = %s, %v; want %s", c.text, got, err, c.back)
		}
	}
	for _, bad := range []string{"", "5", "s", "-5s", "+5s", "1.5h", "5 s", "5S", "1m1h", "1s1s", "5ns", "1w", "106752d", "99999999999999999999s", "1h "} {
		d := Duration(7)
		if err := d.UnmarshalText([]byte(bad)); err == nil || d != 7 {
			t.Errorf("UnmarshalText(%q) = %v, %v; want an error and no change", bad, d, err)
		}
	}
}

func TestSizes(t *testing.T) {
	for _, c := range []struct {
		text string
		want Bytes
		back string
	}{
		{"0B", 0, "0B"},
		{"0MiB", 0, "0B"},
		{"512B", 512, "512B"},
		{"1024B", 1024, "1KiB"},
		{"1536B", 1536, "1536B"},
		{"16KiB", 16 << 10, "16KiB"},
		{"10MiB", 10 << 20, "10MiB"},
		{"3GiB", 3 << 30, "3GiB"},
		{"2TiB", 2 << 40, "2TiB"},
	} {
		var b Bytes
		if err := b.UnmarshalText([]byte(c.text)); err != nil || b != c.want {
			t.Errorf("UnmarshalText(%q) = %v, %v; want %d", c.text, b, err, c.want)
		}
		if got, err := b.MarshalText(); err != nil || string(got) != c.back {
			t.Errorf("MarshalText(%q) = %s, %v; want %s", c.text, got, err, c.back)
		}
	}
	for _, bad := range []string{"", "5", "B", "-5B", "1.5KiB", "5KB", "5K", "5kib", "1MiB1KiB", "9223372036854775807KiB", "5 B"} {
		b := Bytes(7)
		if err := b.UnmarshalText([]byte(bad)); err == nil || b != 7 {
			t.Errorf("UnmarshalText(%q) = %v, %v; want an error and no change", bad, b, err)
		}
	}
}

func TestDidYouMean(t *testing.T) {
	names := []string{"weight", "max_connections", "hot_spare", "shop", "shop-2"}
	for _, c := range []struct{ word, want string }{
		{"wieght", "weight"},
		{"Weight", "weight"},
		{"max_connection", "max_connections"},
		{"maxconnections", "max_connections"},
		{"shp", "shop"},
		{"xy", ""},
		{"listen", ""},
		{"", ""},
	} {
		want := ""
		if c.want != "" {
			want = "; did you mean \"" + c.want + "\"?"
		}
		if got := didYouMean(c.word, names); got != want {
			t.Errorf("didYouMean(%q) = %q, want %q", c.word, got, want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"pool", "pool", 0}, {"pool", "polo", 1}, {"pool", "pol", 1}, {"pool", "spool", 1}, {"pool", "pull", 2}, {"abcd", "badc", 2},
	} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("distance(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func TestHostNames(t *testing.T) {
	for _, c := range []struct {
		text string
		ok   bool
	}{
		{"www.example.com", true}, {"www.example.com:8080", true}, {"192.0.2.1", true}, {"192.0.2.1:80", true},
		{"[2001:db8::1]", true}, {"[2001:db8::1]:80", true}, {"2001:db8::1", false}, {"[192.0.2.1]", false},
		{"", false}, {":80", false}, {"a b", false}, {"a:0", false}, {"a:", false}, {"-a", false}, {"[]", false}, {"a..b", false},
	} {
		if err := checkHost(c.text); (err == nil) != c.ok {
			t.Errorf("checkHost(%q) = %v, want ok %t", c.text, err, c.ok)
		}
	}
}
