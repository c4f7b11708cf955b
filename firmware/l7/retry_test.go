// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"net"
	"strings"
	"testing"
	"time"

	"evener/firmware/pool"
	"evener/firmware/stats"
)

// nobody returns an address that refuses connections.
func nobody(t *testing.T) net.Addr {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr()
}

// bare leaves out the Connection field of a refusal after which the client may
// go on.
func bare(status int) string {
	return strings.Replace(refusal(status), "Connection: close\r\n", "", 1)
}

// expectOwn expects an answer of the box itself.
func (c *client) expectOwn(want string) {
	c.t.Helper()
	head := c.head()
	if !strings.HasPrefix(want, head) {
		c.t.Fatalf("client: got %s, want %s", quote(head), quote(want))
	}
	c.expect(want[len(head):])
}

const sentPost = post + "Content-Length: 3\r\n\r\nabc"

func TestRefusedConnectionTriesAnotherMember(t *testing.T) {
	o := newOrigin(t, []step{recv(get), send(okay), recv(sentPost), send(okay)})
	b := newBox(t, []pool.MemberConfig{member("dead", nobody(t)), member("m", o.ln.Addr())}, plain)
	c := b.dial()
	for _, request := range []string{get, sentPost} {
		c.send(request)
		c.expect(okay)
	}
	slot := b.slot()
	if f, r := slot.ConnectFailures.Value(), slot.Retries.Value(); f == 0 || f != r {
		t.Errorf("connect failures %d, retries %d, want as many, and some", f, r)
	}
	c.Close()
	b.noneLeft()
}

func TestRetriesAreBounded(t *testing.T) {
	a := nobody(t)
	b := newBox(t, []pool.MemberConfig{member("1", a), member("2", a), member("3", a), member("4", a)}, plain)
	c := b.dial()
	c.send(get)
	c.expectOwn(bare(502))
	if n := b.slot().Retries.Value(); n != 2 {
		t.Errorf("retries = %d, want 2", n)
	}
	if n := b.slot().Aborts[stats.ConnectFailed].Value(); n != 1 {
		t.Errorf("exchanges that could not connect = %d, want 1", n)
	}
	c.Close()
	b.noneLeft()
}

// A member may close an idle connection at any time. A request that met that is
// sent again, to the same member, which has not failed; one that must not be
// sent twice is not.
func TestStaleConnectionIsReplacedOnce(t *testing.T) {
	for _, end := range []step{reset, hangUp} {
		o := newOrigin(t, []step{recv(get), send(okay), recv(get), end},
			[]step{recv(get), send(okay), recv(sentPost), end}, []step{recv(get), send(okay)})
		b := newBox(t, []pool.MemberConfig{member("m", o.ln.Addr())}, func(s *Service) {
			plain(s)
			s.Retries = 0
		})
		c := b.dial()
		for range 2 {
			c.send(get)
			c.expect(okay)
		}
		if s := b.pool.Load().Members[0].Live.Slot(0); s.Failed.Load() != 0 || s.Picked.Load() != 2 {
			t.Errorf("failed, picked = %d, %d, want 0, 2", s.Failed.Load(), s.Picked.Load())
		}
		c.send(sentPost)
		c.expectOwn(bare(502))
		if made, _ := o.taken(); made != 2 {
			t.Errorf("connections = %d, want 2: POST was repeated", made)
		}
		c.Close()
		b.noneLeft()
	}
}

// The same on a connection that was not used before is a failure of the member.
func TestResetBeforeAnswerTriesAnotherMember(t *testing.T) {
	bad := newOrigin(t, []step{recv(get), reset}, []step{recv(sentPost), reset})
	good := newOrigin(t, []step{recv(get), send(okay)})
	b := newBox(t, []pool.MemberConfig{member("bad", bad.ln.Addr()), member("good", good.ln.Addr())}, plain)
	c := b.dial()
	c.send(get)
	c.expect(okay)
	if n := b.slot().Retries.Value(); n != 1 {
		t.Errorf("retries = %d, want 1", n)
	}
	// Round robin went on by the retry: the bad one is next.
	c.send(sentPost)
	c.expectOwn(bare(502))
	if n := b.slot().Retries.Value(); n != 1 {
		t.Errorf("retries = %d, want 1: POST was repeated", n)
	}
	c.Close()
	b.noneLeft()
}

// What is measured of an answer begins with the try that it belongs to.
func TestFirstByteIsMeasuredFromItsOwnTry(t *testing.T) {
	bad := newOrigin(t, []step{recv(get), send("HTTP/1.1 2"), reset})
	slow := make(chan struct{})
	good := newOrigin(t, []step{recv(get), await(slow), send(okay)})
	b := newBox(t, []pool.MemberConfig{member("bad", bad.ln.Addr()), member("good", good.ln.Addr())}, plain)
	c := b.dial()
	c.send(get)
	b.eventually("the other member is tried", func() bool { return b.svc.Stats.Slot(0).Retries.Value() == 1 })
	time.Sleep(2 * time.Millisecond) // what is measured must not be nothing
	close(slow)
	c.expect(okay)
	s := b.pool.Load().Members[1].Live.Slot(0)
	if n, d := s.Answered.Load(), s.FirstByte.Load(); n != 1 || d < uint64(time.Millisecond) || d > uint64(patience) {
		t.Errorf("answered %d, first byte after %v, want 1 and some milliseconds", n, time.Duration(d))
	}
	c.Close()
	b.noneLeft()
}

// A member that speaks or leaves before it was asked is noticed although that
// comes together with the connection.
func TestMemberThatSpeaksFirst(t *testing.T) {
	o := newOrigin(t, []step{send(okay), endWrite, recv(get)}, []step{endWrite, recv(get)})
	b := newBox(t, []pool.MemberConfig{member("m", o.ln.Addr())}, func(s *Service) {
		plain(s)
		s.Retries = 0
	})
	for _, want := range []string{okay, bare(502)} {
		c := b.dial()
		c.send(get)
		if want == okay {
			c.expect(okay)
		} else {
			c.expectOwn(want)
		}
		c.Close()
	}
	b.noneLeft()
}
