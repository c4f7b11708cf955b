// SPDX-License-Identifier: Apache-2.0

package netconf

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"time"
)

// A Wire speaks DHCP on an interface (RFC 2131). Each call is one exchange with its
// repetitions, and takes some seconds at most.
type Wire interface {
	// Obtain asks all servers for an address, for last again if that is valid.
	Obtain(ctx context.Context, iface string, last netip.Addr) (Lease, error)
	// Verify asks all servers whether a lease still holds (INIT-REBOOT).
	Verify(ctx context.Context, iface string, l Lease) (Lease, error)
	// Renew asks the server that has given the lease for more time.
	Renew(ctx context.Context, iface string, l Lease) (Lease, error)
	// Rebind asks all servers for more time.
	Rebind(ctx context.Context, iface string, l Lease) (Lease, error)
	// Decline tells the server that another machine has the address that it lends.
	Decline(ctx context.Context, iface string, l Lease) error
}

// Errors of a Wire.
var (
	ErrRefused = errors.New("the DHCP server refuses") // a NAK
	ErrSilent  = errors.New("no DHCP server answers")
)

// Pauses of the client.
const (
	firstPause   = time.Second
	longestPause = time.Minute
	shortLease   = 8 * time.Minute  // below this, renewals are repeated more often than each minute
	declinePause = 10 * time.Second // after an address that another machine has (RFC 2131, section 3.1)
)

// A client is that of DHCP on one interface.
type client struct {
	c      *Conf
	iface  string
	pause  time.Duration // before it asks for an address again
	tried  time.Time     // when time for the lease was last asked for
	unsure bool          // whether the lease holds, after a restart or without a link
}

// runClient keeps a lease for iface until ctx ends. The address stays then.
func (c *Conf) runClient(ctx context.Context, iface string) {
	x := &client{c: c, iface: iface, unsure: true}
	for ctx.Err() == nil {
		l := c.held(iface)
		switch {
		case !c.carrier(iface):
			x.unsure = true
			if l != nil && !l.valid(time.Now()) {
				l = nil
			}
			c.leased(iface, l, fmt.Sprintf("port %s has no link: no DHCP server can be asked", c.port()))
			x.wait(ctx, until(l.end(), longestPause))
		case l == nil:
			x.obtain(ctx)
		case x.unsure:
			x.verify(ctx, *l)
		default:
			x.hold(ctx, *l)
		}
	}
}

// port is what people call the port.
func (c *Conf) port() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.desired.Port
}

// end returns when the lease runs out, zero for never.
func (l *Lease) end() time.Time {
	if l == nil {
		return time.Time{}
	}
	return l.Expires
}

// until returns how long it is to t, most at most; to the zero time it is most.
func until(t time.Time, most time.Duration) time.Duration {
	if t.IsZero() {
		return most
	}
	return min(max(0, time.Until(t)), most)
}

// wait waits for d, a link, or the end of ctx; it reports whether there may be a
// change of the link.
func (x *client) wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	case <-x.c.link:
		return true
	}
	return false
}

// obtain asks for an address. After each failure it waits longer.
func (x *client) obtain(ctx context.Context) {
	l, err := x.c.wire.Obtain(ctx, x.iface, x.c.last(x.iface))
	if err == nil {
		if holder := x.holder(ctx, l); holder != nil {
			x.decline(ctx, l, holder)
		} else if ctx.Err() == nil {
			x.got(l)
		}
		return
	}
	if ctx.Err() != nil {
		return
	}
	x.pause = min(max(firstPause, 2*x.pause), longestPause)
	x.c.leased(x.iface, nil, fmt.Sprintf("no address for port %s: %v; it is tried again", x.c.port(), err))
	x.c.log.Warn("no address from DHCP", "iface", x.iface, "err", err, "again", x.pause)
	if x.wait(ctx, x.pause/2+rand.N(x.pause)) {
		x.pause = 0
	}
}

// holder asks whether another machine has the address that was lent.
func (x *client) holder(ctx context.Context, l Lease) net.HardwareAddr {
	c := x.c
	c.mu.Lock()
	ask, index := c.asks(), c.state.Interfaces[x.iface].Index
	c.mu.Unlock()
	if !ask {
		return nil
	}
	a := l.Address.Addr()
	found, err := c.cfg.Probe.Probe(ctx, x.iface, []netip.Addr{a})
	if err != nil && ctx.Err() == nil {
		c.log.Warn("network not asked for other machines with our addresses", "iface", x.iface, "err", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if found[a] == nil {
		c.verdicts[place{index, a}] = verdict{times: 1, at: time.Now()}
	}
	return found[a]
}

// decline refuses an address that another machine has. The server then lends
// another one, if it has one.
func (x *client) decline(ctx context.Context, l Lease, holder net.HardwareAddr) {
	a := l.Address.Addr()
	x.c.log.Warn("address from DHCP is used by another machine", "iface", x.iface, "address", a, "by", holder, "server", l.Server)
	if err := x.c.wire.Decline(ctx, x.iface, l); err != nil && ctx.Err() == nil {
		x.c.log.Warn("address from DHCP not declined", "iface", x.iface, "err", err)
	}
	x.c.leased(x.iface, nil, fmt.Sprintf("no address for port %s: %s, which the DHCP server lends, is used by %s; it is tried again", x.c.port(), a, holder))
	x.pause = declinePause
	x.wait(ctx, x.pause)
}

// got takes a lease over.
func (x *client) got(l Lease) {
	l.Interface = x.iface
	x.pause, x.unsure, x.tried = 0, false, time.Time{}
	x.c.leased(x.iface, &l, "")
	x.c.log.Info("address from DHCP", "iface", x.iface, "address", l.Address, "server", l.Server, "until", l.Expires)
}

// verify asks whether a lease from before holds. Where nobody answers it is used
// until it runs out (RFC 2131, section 3.2).
func (x *client) verify(ctx context.Context, l Lease) {
	next, err := x.c.wire.Verify(ctx, x.iface, l)
	switch {
	case ctx.Err() != nil:
	case err == nil:
		x.got(next)
	case errors.Is(err, ErrRefused):
		x.refused(err)
	default:
		x.unsure = false
		x.c.leased(x.iface, x.c.held(x.iface), fmt.Sprintf("port %s: %v; the address holds until %s", x.c.port(), err, ending(l)))
	}
}

// refused gives the address up at once (RFC 2131, section 4.4.5).
func (x *client) refused(err error) {
	x.c.log.Warn("address taken back by DHCP", "iface", x.iface, "err", err)
	x.c.leased(x.iface, nil, fmt.Sprintf("port %s has lost its address: %v", x.c.port(), err))
}

func ending(l Lease) string {
	if l.Expires.IsZero() {
		return "further notice"
	}
	return l.Expires.UTC().Format(time.RFC3339)
}

// hold waits for the next thing that a lease needs, and does it.
func (x *client) hold(ctx context.Context, l Lease) {
	now := time.Now()
	next, ask := x.next(l, now)
	if now.Before(next) {
		if x.wait(ctx, time.Until(next)) {
			x.unsure = true
		}
		return
	}
	if ask == nil {
		x.c.log.Warn("address from DHCP has run out", "iface", x.iface, "address", l.Address)
		x.c.leased(x.iface, nil, fmt.Sprintf("port %s has lost its address: its time is over, and no DHCP server gave more", x.c.port()))
		return
	}
	x.tried = now
	renewed, err := ask(ctx, x.iface, l)
	switch {
	case ctx.Err() != nil:
	case err == nil:
		x.got(renewed)
	case errors.Is(err, ErrRefused):
		x.refused(err)
	default:
		x.c.leased(x.iface, x.c.held(x.iface), fmt.Sprintf("port %s: %v; the address holds until %s", x.c.port(), err, ending(l)))
	}
}

type asking func(context.Context, string, Lease) (Lease, error)

// next returns when something is due, and what: renew from T1 on, rebind from T2 on,
// nil when the lease has run out. What was tried is tried again after half of the
// time that is left, a minute at least unless the lease is short (RFC 2131, section
// 4.4.5).
func (x *client) next(l Lease, now time.Time) (time.Time, asking) {
	least := longestPause
	if !l.Expires.IsZero() && l.Expires.Sub(l.Obtained) < shortLease {
		least = firstPause
	}
	again := func(end time.Time) time.Time { return x.tried.Add(max(least, end.Sub(x.tried)/2)) }
	switch {
	case !l.Expires.IsZero() && !now.Before(l.Expires):
		return l.Expires, nil
	case now.Before(l.Renew):
		return l.Renew, x.c.wire.Renew
	case now.Before(l.Rebind):
		if x.tried.Before(l.Renew) {
			return l.Renew, x.c.wire.Renew
		}
		return earlier(again(l.Rebind), l.Rebind), x.c.wire.Renew
	case x.tried.Before(l.Rebind):
		return l.Rebind, x.c.wire.Rebind
	case l.Expires.IsZero():
		return x.tried.Add(longestPause), x.c.wire.Rebind
	}
	return earlier(again(l.Expires), l.Expires), x.c.wire.Rebind
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
