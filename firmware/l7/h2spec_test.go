// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/summerwind/h2spec/config"
	"github.com/summerwind/h2spec/generic"
	"github.com/summerwind/h2spec/hpack"
	h2spec "github.com/summerwind/h2spec/http2"
	"github.com/summerwind/h2spec/spec"

	"evener/firmware/http2"
)

// TestH2specOfTheBox runs the conformance suite of others against the whole data
// plane, over TLS and in clear, with a member of HTTP/1.1 behind.
func TestH2specOfTheBox(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		time.Sleep(20 * time.Millisecond) // so that the suite can have many streams open at once
		io.WriteString(w, "hello, world\n")
	}))
	defer s.Close()
	for _, secure := range []bool{true, false} {
		b := muxBox(t, s.Listener.Addr(), secure, func(s *Service) {
			s.HTTP2 = http2.Prepare(http2.Config{MaxStreams: 8}) // so that it is soon exceeded
		})
		cfg := &config.Config{
			Host: "127.0.0.1", Port: int(netip.MustParseAddrPort(b.addr).Port()), Path: "/",
			Timeout: 2 * time.Second, MaxHeaderLen: 4000, Strict: true, TLS: secure, Insecure: true,
		}
		passed := 0
		unprinted(t, func() {
			for _, g := range []*spec.TestGroup{generic.Spec(), h2spec.Spec(), hpack.Spec()} {
				g.Test(cfg)
				reportSpec(t, secure, g)
				passed += g.PassedCount
			}
		})
		if passed < 146 {
			t.Errorf("secure %v: %d cases passed, want 146", secure, passed)
		}
		b.do(b.w.CloseAll) // the suite leaves some open
		b.noneLeft()
	}
}

func reportSpec(t *testing.T, secure bool, g *spec.TestGroup) {
	for _, c := range slices.Concat(g.Tests, g.StrictTests) {
		switch r := c.Result; {
		case r == nil || r.Skipped:
			t.Errorf("secure %v: %s %s %s: did not run", secure, g.Section, g.Name, c.Desc)
		case r.Failed:
			t.Errorf("secure %v: %s %s %s: %v", secure, g.Section, g.Name, c.Desc, wrongWay(r.Error))
		}
	}
	for _, sub := range g.Groups {
		reportSpec(t, secure, sub)
	}
}

func wrongWay(err error) string {
	if e, is := err.(*spec.TestError); is {
		return fmt.Sprintf("got %s, want one of %q", e.Actual, e.Expected)
	}
	return fmt.Sprint(err)
}

// unprinted runs f while what the suite prints goes nowhere.
func unprinted(t *testing.T, f func()) {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	stdout := os.Stdout
	os.Stdout = null
	defer func() { os.Stdout = stdout }()
	f()
}
