// SPDX-License-Identifier: Apache-2.0

package l4

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"evener/firmware/balance"
	"evener/firmware/pool"
	"evener/firmware/stats"
)

// echoUDP is a udp server that answers each datagram with its name and the same.
func echoUDP(t testing.TB, name string) net.Addr {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for b := make([]byte, 64<<10); ; {
			n, from, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			c.WriteTo(append([]byte(name), b[:n]...), from)
		}
	})
	t.Cleanup(func() { c.Close(); wg.Wait() })
	return c.LocalAddr()
}

func dialUDPTest(t testing.TB, addr string) *net.UDPConn {
	t.Helper()
	c, err := net.Dial("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.(*net.UDPConn)
}

// ask sends a datagram and returns the next one that comes. Loopback loses none
// as long as few are under way.
func ask(t testing.TB, c *net.UDPConn, what string) string {
	t.Helper()
	if _, err := c.Write([]byte(what)); err != nil {
		t.Fatal(err)
	}
	return hear(t, c)
}

func hear(t testing.TB, c *net.UDPConn) string {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(10 * time.Second))
	b := make([]byte, 64<<10)
	n, err := c.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n])
}

func TestFlowCarriesDatagramsWhole(t *testing.T) {
	b := newBox(t, "udp", "127.0.0.1:0", members(member("a", echoUDP(t, ""))), nil)
	one, two := dialUDPTest(t, b.addr), dialUDPTest(t, b.addr)
	sum := 0
	for i, n := range []int{0, 1, 100, 1472, 9000, 65507} {
		for _, c := range []*net.UDPConn{one, two} {
			sent := string(noise(uint64(i), n))
			if got := ask(t, c, sent); got != sent {
				t.Errorf("%d bytes came back as %d", n, len(got))
			}
			sum += n
		}
	}
	if got := b.open(); got != 2 {
		t.Errorf("%d flows, want 2", got)
	}
	b.do(b.w.CloseAll)
	totals := b.totals()
	if totals.BytesIn != uint64(sum) || totals.BytesOut != uint64(sum) || totals.Accepted != 2 || totals.Connections != 0 {
		t.Errorf("counted %d in, %d out, %d accepted, %d open; want %d, %d, 2, 0", totals.BytesIn, totals.BytesOut,
			totals.Accepted, totals.Connections, sum, sum)
	}
	b.wantLog(`"protocol":"UDP"`, `"reason":"shutdown"`, fmt.Sprintf(`"bytes_out":%d`, sum/2))
}

func TestSilenceEndsAFlow(t *testing.T) {
	b := newBox(t, "udp", "127.0.0.1:0", members(member("a", echoUDP(t, ""))), func(b *box) {
		b.svc.Timeouts.Tunnel = 500 * time.Millisecond
	})
	c := dialUDPTest(t, b.addr)
	ask(t, c, "x")
	b.gone()
	ask(t, c, "y")
	b.gone()
	if sum := b.totals(); sum.Accepted != 2 || sum.Aborts[stats.Completed] != 2 {
		t.Errorf("accepted %d, completed %d; want 2, 2", sum.Accepted, sum.Aborts[stats.Completed])
	}
	b.wantLog(`"reason":"completed"`)
}

func TestFlowLeavesAMemberWhosePortIsClosed(t *testing.T) {
	dead, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dead.Close()
	list := members(member("dead", dead.LocalAddr()), member("alive", echoUDP(t, "alive ")))
	b := newBox(t, "udp", "127.0.0.1:0", list, func(b *box) { b.svc.Default.Persist = keepBySource(list) })
	c := dialUDPTest(t, b.addr)
	c.Write([]byte("lost")) // its answer is an ICMP error
	b.eventually("the flow has moved", func() bool { return b.totals().Retries == 1 })
	if got := ask(t, c, "x"); got != "alive x" {
		t.Errorf("got %q", got)
	}
	if got := ask(t, dialUDPTest(t, b.addr), "y"); got != "alive y" {
		t.Errorf("another flow of the client got %q: its record names the dead member", got)
	}
	dead0 := b.svc.Default.Pool.Stats[0].Sum()
	if dead0.Errors[stats.ErrConnect] != 1 || b.totals().ConnectFailures != 1 {
		t.Errorf("failures: %d of the member, %d of the cluster; want 1, 1", dead0.Errors[stats.ErrConnect],
			b.totals().ConnectFailures)
	}
}

func TestFlowEndsWhenEveryPortIsClosed(t *testing.T) {
	dead, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dead.Close()
	b := newBox(t, "udp", "127.0.0.1:0", members(member("dead", dead.LocalAddr())), nil)
	dialUDPTest(t, b.addr).Write([]byte("lost"))
	b.eventually("the flow has come and gone", func() bool { return b.totals().Aborts[stats.ConnectFailed] == 1 })
	b.gone()
}

func TestFlowLeavesAMemberThatIsDown(t *testing.T) {
	list := members(member("a", echoUDP(t, "a")), member("b", echoUDP(t, "b")))
	b := newBox(t, "udp", "127.0.0.1:0", list, nil)
	c := dialUDPTest(t, b.addr)
	first := ask(t, c, "")
	if again := ask(t, c, ""); again != first {
		t.Errorf("the flow went from %s to %s", first, again)
	}
	p := b.svc.Default.Pool
	p.SetAdmin(strings.Index("ab", first), pool.Quiesced, false, "", time.Now())
	if got := ask(t, c, ""); got != first {
		t.Errorf("the flow left quiesced %s for %s", first, got)
	}
	p.SetHealth(strings.Index("ab", first), pool.Down, "", time.Now())
	if got := ask(t, c, ""); got == first {
		t.Errorf("the flow stays with %s, which is down", got)
	}
	if got := b.open(); got != 1 {
		t.Errorf("%d flows, want 1", got)
	}
	for i := range list {
		p.SetHealth(i, pool.Down, "", time.Now())
	}
	c.Write([]byte("x"))
	b.eventually("the flow has ended", func() bool { return b.totals().Aborts[stats.NoMember] > 0 })
	b.gone()
}

func TestFlowLimitGivesWayToTheSilent(t *testing.T) {
	b := newBox(t, "udp", "127.0.0.1:0", members(member("a", echoUDP(t, ""))), func(b *box) {
		b.svc.Limits.Connections = 2
		b.w.yieldAfter = time.Hour
	})
	one, two, three := dialUDPTest(t, b.addr), dialUDPTest(t, b.addr), dialUDPTest(t, b.addr)
	ask(t, one, "x")
	ask(t, two, "x")
	three.Write([]byte("refused"))
	b.eventually("one is refused", func() bool { return b.totals().Refused == 1 })
	ask(t, one, "x") // two is the one that was silent for longest now
	b.do(func() { b.w.yieldAfter = 0 })
	ask(t, three, "x")
	var clients []string
	b.do(func() {
		for _, s := range b.w.sockets {
			for _, f := range s.flows {
				clients = append(clients, f.peer.String())
			}
		}
	})
	if list := strings.Join(clients, " "); len(clients) != 2 || strings.Contains(list, two.LocalAddr().String()) {
		t.Errorf("flows of %s; want two, not that of %s", list, two.LocalAddr())
	}
	if got := b.totals().Aborts[stats.OverLimit]; got != 1 {
		t.Errorf("over_limit %d, want 1", got)
	}
}

func TestFullMemberTakesNoFurtherFlow(t *testing.T) {
	m := member("a", echoUDP(t, ""))
	m.MaxConnections = 1
	b := newBox(t, "udp", "127.0.0.1:0", members(m), nil)
	ask(t, dialUDPTest(t, b.addr), "x")
	dialUDPTest(t, b.addr).Write([]byte("lost"))
	b.eventually("it is counted", func() bool { return b.totals().Aborts[stats.QueueFull] == 1 })
	if got := b.open(); got != 1 {
		t.Errorf("%d flows, want 1", got)
	}
}

func TestFlowMovesOnToTheNextGeneration(t *testing.T) {
	a := member("a", echoUDP(t, "a"))
	b := newBox(t, "udp", "127.0.0.1:0", members(a), nil)
	old := b.w.gen
	c := dialUDPTest(t, b.addr)
	ask(t, c, "")
	svc := *b.svc
	other := member("b", echoUDP(t, "b"))
	svc.Default = b.route(b.newPool("pool", members(other, a)), balance.RoundRobin)
	now := b.use(&svc, b.port)
	if got := ask(t, c, ""); got != "a" {
		t.Errorf("the flow went to %s: its member is still there", got)
	}
	if old.Exchanges() != 0 || now.Exchanges() != 1 || b.totals().Accepted != 1 {
		t.Errorf("old generation has %d flows, new one %d, accepted %d; want 0, 1, 1", old.Exchanges(), now.Exchanges(),
			b.totals().Accepted)
	}
	without := *b.svc
	without.Default = b.route(b.newPool("pool", members(other)), balance.RoundRobin)
	b.use(&without, b.port)
	if got := ask(t, c, ""); got != "b" {
		t.Errorf("the flow went to %s, which is gone", got)
	}
}

func TestFlowsOfAPortThatIsGoneEnd(t *testing.T) {
	b := newBox(t, "udp", "127.0.0.1:0", members(member("a", echoUDP(t, ""))), nil)
	ask(t, dialUDPTest(t, b.addr), "x")
	b.use(b.svc)
	b.do(func() { b.w.StopListening(b.port) })
	if got := b.open(); got != 0 {
		t.Errorf("%d flows, want none", got)
	}
}

func TestDrainBringsTheLastAnswersBack(t *testing.T) {
	got, answer := make(chan net.Addr, 1), make(chan bool)
	origin, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer origin.Close()
	go func() {
		_, from, err := origin.ReadFrom(make([]byte, 100))
		if err != nil {
			return
		}
		got <- from
		<-answer
		origin.WriteTo([]byte("late"), from)
	}()
	b := newBox(t, "udp", "127.0.0.1:0", members(member("a", origin.LocalAddr())), nil)
	c := dialUDPTest(t, b.addr)
	c.Write([]byte("x"))
	<-got
	b.do(b.w.Drain)
	close(answer)
	if got := hear(t, c); got != "late" {
		t.Errorf("got %q", got)
	}
	c.Write([]byte("for the next process"))
	b.gone()
	if got := b.totals().Accepted; got != 1 {
		t.Errorf("accepted %d, want 1", got)
	}
}

func TestAnswersComeFromTheAddressThatWasAsked(t *testing.T) {
	for _, test := range []struct{ listen, one, two string }{
		{"0.0.0.0:0", "127.0.0.1", "127.0.0.77"},
		{"[::]:0", "::1", "127.0.0.77"},
	} {
		t.Run(test.listen, func(t *testing.T) {
			b := newBox(t, "udp", test.listen, members(member("a", echoUDP(t, ""))), nil)
			port := netip.MustParseAddrPort(b.addr).Port()
			for _, ip := range []string{test.one, test.two} {
				// A connected socket hears only the address that it asked.
				c := dialUDPTest(t, netip.AddrPortFrom(netip.MustParseAddr(ip), port).String())
				if got := ask(t, c, "x"); got != "x" {
					t.Errorf("%s answers %q", ip, got)
				}
			}
		})
	}
}

func TestOneClientAtTwoAddressesHasTwoFlows(t *testing.T) {
	b := newBox(t, "udp", "0.0.0.0:0", members(member("a", echoUDP(t, ""))), nil)
	port := int(netip.MustParseAddrPort(b.addr).Port())
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetReadDeadline(time.Now().Add(10 * time.Second))
	for _, last := range []byte{1, 2, 1} {
		to := &net.UDPAddr{IP: net.IPv4(127, 0, 0, last), Port: port}
		c.WriteToUDP([]byte("x"), to)
		_, from, err := c.ReadFromUDP(make([]byte, 10))
		if err != nil || !from.IP.Equal(to.IP) {
			t.Errorf("asked %v, answer from %v, %v", to, from, err)
		}
	}
	if got := b.open(); got != 2 {
		t.Errorf("%d flows, want 2", got)
	}
}

func TestRangeOfUDPKeepsTheDistanceOfThePort(t *testing.T) {
	var first, second *net.UDPAddr
	for tries := 0; tries == 0 || second.Port < first.Port; tries++ {
		if tries == 200 {
			t.Fatal("of 200 pairs of ports none has the second above the first")
		}
		first, second = echoUDP(t, "").(*net.UDPAddr), echoUDP(t, "second ").(*net.UDPAddr)
	}
	b := newBox(t, "udp", "127.0.0.1:0", members(member("a", first)), nil)
	distance := second.Port - first.Port
	far := &Port{ID: 1, UDP: true}
	b.number++
	g := NewGeneration(b.number, 1, []Binding{{b.port, b.svc, 0}, {far, b.svc, uint16(distance)}})
	fd, addr := listenTest(t, "udp", "127.0.0.1:0")
	defer unix.Close(fd)
	b.do(func() {
		b.w.Use(g)
		if err := b.w.Listen(far, fd); err != nil {
			t.Error(err)
		}
	})
	if got := ask(t, dialUDPTest(t, b.addr), "x"); got != "x" {
		t.Errorf("the first port answers %q", got)
	}
	if got := ask(t, dialUDPTest(t, addr), "x"); got != "second x" {
		t.Errorf("the far port answers %q", got)
	}
}

func TestSteadyFlowAllocatesNothing(t *testing.T) {
	b := newBox(t, "udp", "0.0.0.0:0", members(member("a", quietEcho(t))), nil)
	addr := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), netip.MustParseAddrPort(b.addr).Port())
	c := dialUDPTest(t, addr.String())
	c.SetReadDeadline(time.Now().Add(10 * time.Second))
	msg := make([]byte, 100)
	talk := func() {
		if _, err := c.Write(msg); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Read(msg); err != nil {
			t.Fatal(err)
		}
	}
	if n := allocations(2000, talk); n > 0.05 {
		t.Errorf("a datagram and its answer make %v allocations, want none", n)
	}
}

// quietEcho is echoUDP without allocations.
func quietEcho(t testing.TB) net.Addr {
	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for b := make([]byte, 2000); ; {
			n, from, err := c.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			c.WriteToUDPAddrPort(b[:n], from)
		}
	}()
	t.Cleanup(func() { c.Close() })
	return c.LocalAddr()
}
