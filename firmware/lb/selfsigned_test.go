// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"evener/firmware/certs"
)

// A certificate that the box has signed itself has its successor before it ends,
// without a commit.
func TestSelfSignedCertificateIsRenewed(t *testing.T) {
	b, v := newSecure(t)
	addr := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	old := func(left time.Duration) *certs.Pair {
		p, err := certs.SelfSigned([]string{"box.example"}, []netip.Addr{}, time.Now().Add(left-certs.SelfSignedLife))
		if err != nil {
			t.Fatal(err)
		}
		if err := b.keepSelfSigned("box", p); err != nil {
			t.Fatal(err)
		}
		return p
	}
	fresh := old(100 * 24 * time.Hour)
	mustServe(t, b, 1, secureText(echoing(t), addr, "", ""))
	serial := func() string {
		c, err := shown(t, addr, "box.example")
		if err != nil {
			t.Fatal(err)
		}
		return c.SerialNumber.String()
	}
	b.tick(time.Now(), time.Second)
	if got := serial(); got != fresh.Leaf().SerialNumber.String() {
		t.Error("it was renewed 100 days before its end")
	}
	ending := old(29 * 24 * time.Hour)
	if len(v.items) == 0 {
		t.Fatal("the vault is empty")
	}
	b.tick(fresh.Leaf().NotAfter.Add(-29*24*time.Hour), time.Second)
	got := serial()
	if got == fresh.Leaf().SerialNumber.String() || got == ending.Leaf().SerialNumber.String() {
		t.Error("it was not renewed 29 days before its end")
	}
	b.tick(time.Now(), time.Second)
	if serial() != got {
		t.Error("it was renewed twice")
	}
}
