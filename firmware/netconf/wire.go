// SPDX-License-Identifier: Apache-2.0

package netconf

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv4/nclient4"
	"golang.org/x/sys/unix"
)

// Network speaks DHCP on the interfaces of this machine.
type Network struct {
	Timeout time.Duration // for the first answer, doubled twice; 3s
}

const wireTries = 3

func (n Network) timeout() time.Duration {
	if n.Timeout == 0 {
		return 3 * time.Second
	}
	return n.Timeout
}

// wanted are the options that servers are asked for.
func wanted() []dhcpv4.Modifier {
	mods := []dhcpv4.Modifier{dhcpv4.WithRequestedOptions(dhcpv4.OptionSubnetMask, dhcpv4.OptionRouter, dhcpv4.OptionClasslessStaticRoute,
		dhcpv4.OptionDomainNameServer, dhcpv4.OptionDomainName, dhcpv4.OptionNTPServers, dhcpv4.OptionIPAddressLeaseTime,
		dhcpv4.OptionRenewTimeValue, dhcpv4.OptionRebindingTimeValue)}
	if host, err := os.Hostname(); err == nil && host != "" {
		short, _, _ := strings.Cut(host, ".")
		mods = append(mods, dhcpv4.WithOption(dhcpv4.OptHostName(short)))
	}
	return mods
}

// client opens a raw socket, which hears answers before there is an address.
func (n Network) client(iface string) (*nclient4.Client, error) {
	c, err := nclient4.New(iface, nclient4.WithTimeout(n.timeout()), nclient4.WithRetry(wireTries))
	if err != nil {
		return nil, fmt.Errorf("speak DHCP on %s: %w", iface, err)
	}
	return c, nil
}

// Obtain asks all servers for an address.
func (n Network) Obtain(ctx context.Context, iface string, last netip.Addr) (Lease, error) {
	c, err := n.client(iface)
	if err != nil {
		return Lease{}, err
	}
	defer c.Close()
	mods := wanted()
	if last.Is4() {
		mods = append(mods, dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(last.AsSlice())))
	}
	begun := time.Now()
	offer, err := c.DiscoverOffer(ctx, mods...)
	if err != nil {
		return Lease{}, wireError(err)
	}
	got, err := c.RequestFromOffer(ctx, offer, wanted()...)
	if err != nil {
		return Lease{}, wireError(err)
	}
	return leaseOf(got.ACK, begun)
}

// Verify asks all servers whether a lease still holds.
func (n Network) Verify(ctx context.Context, iface string, l Lease) (Lease, error) {
	return n.request(ctx, iface, dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(l.Address.Addr().AsSlice())))
}

// Rebind asks all servers for more time.
func (n Network) Rebind(ctx context.Context, iface string, l Lease) (Lease, error) {
	return n.request(ctx, iface, dhcpv4.WithClientIP(l.Address.Addr().AsSlice()))
}

// request broadcasts a request that any server may answer.
func (n Network) request(ctx context.Context, iface string, how dhcpv4.Modifier) (Lease, error) {
	c, err := n.client(iface)
	if err != nil {
		return Lease{}, err
	}
	defer c.Close()
	return exchange(ctx, c, c.RemoteAddr(), how)
}

// Renew asks the server that has given the lease, from its address to the server's.
func (n Network) Renew(ctx context.Context, iface string, l Lease) (Lease, error) {
	link, err := net.InterfaceByName(iface)
	if err != nil {
		return Lease{}, fmt.Errorf("speak DHCP on %s: %w", iface, err)
	}
	listen := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var bound error
		err := raw.Control(func(fd uintptr) {
			bound = errors.Join(unix.SetsockoptString(int(fd), unix.SOL_SOCKET, unix.SO_BINDTODEVICE, iface),
				unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1))
		})
		return errors.Join(err, bound)
	}}
	// Bound to the address, it would not hear a refusal, which is broadcast.
	conn, err := listen.ListenPacket(ctx, "udp4", netip.AddrPortFrom(netip.IPv4Unspecified(), nclient4.ClientPort).String())
	if err != nil {
		return Lease{}, fmt.Errorf("speak DHCP on %s: %w", iface, err)
	}
	server := net.UDPAddrFromAddrPort(netip.AddrPortFrom(l.Server, nclient4.ServerPort))
	c, err := nclient4.NewWithConn(conn, link.HardwareAddr, nclient4.WithServerAddr(server), nclient4.WithTimeout(n.timeout()), nclient4.WithRetry(wireTries))
	if err != nil {
		conn.Close()
		return Lease{}, fmt.Errorf("speak DHCP on %s: %w", iface, err)
	}
	defer c.Close()
	return exchange(ctx, c, server, dhcpv4.WithClientIP(l.Address.Addr().AsSlice()))
}

// Decline tells the server that another machine has the address that it lends. The
// server does not answer that (RFC 2131, section 4.4.4).
func (n Network) Decline(_ context.Context, iface string, l Lease) error {
	link, err := net.InterfaceByName(iface)
	if err != nil {
		return fmt.Errorf("speak DHCP on %s: %w", iface, err)
	}
	say, err := dhcpv4.New(dhcpv4.WithMessageType(dhcpv4.MessageTypeDecline), dhcpv4.WithHwAddr(link.HardwareAddr),
		dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(l.Address.Addr().AsSlice())),
		dhcpv4.WithOption(dhcpv4.OptServerIdentifier(l.Server.AsSlice())),
		dhcpv4.WithOption(dhcpv4.OptMessage("another machine has this address")))
	if err != nil {
		return fmt.Errorf("make a DHCP message: %w", err)
	}
	conn, err := nclient4.NewRawUDPConn(iface, nclient4.ClientPort)
	if err != nil {
		return fmt.Errorf("speak DHCP on %s: %w", iface, err)
	}
	defer conn.Close()
	if _, err := conn.WriteTo(say.ToBytes(), nclient4.DefaultServers); err != nil {
		return fmt.Errorf("speak DHCP on %s: %w", iface, err)
	}
	return nil
}

// exchange sends a request and takes the answer of any server.
func exchange(ctx context.Context, c *nclient4.Client, to *net.UDPAddr, how dhcpv4.Modifier) (Lease, error) {
	mods := append(wanted(), dhcpv4.WithMessageType(dhcpv4.MessageTypeRequest), dhcpv4.WithHwAddr(c.InterfaceAddr()), how,
		dhcpv4.WithOption(dhcpv4.OptMaxMessageSize(nclient4.MaxMessageSize)))
	ask, err := dhcpv4.New(mods...)
	if err != nil {
		return Lease{}, fmt.Errorf("make a DHCP request: %w", err)
	}
	begun := time.Now()
	answer, err := c.SendAndRead(ctx, to, ask, nclient4.IsMessageType(dhcpv4.MessageTypeAck, dhcpv4.MessageTypeNak))
	if err != nil {
		return Lease{}, wireError(err)
	}
	if answer.MessageType() == dhcpv4.MessageTypeNak {
		return Lease{}, refusal(answer)
	}
	return leaseOf(answer, begun)
}

// wireError words an error of the library.
func wireError(err error) error {
	if nak, ok := errors.AsType[*nclient4.ErrNak](err); ok {
		return refusal(nak.Nak)
	}
	if errors.Is(err, nclient4.ErrNoResponse) {
		return ErrSilent
	}
	return err
}

func refusal(nak *dhcpv4.DHCPv4) error {
	if text := printable(nak.Message()); text != "" {
		return fmt.Errorf("%w: %s", ErrRefused, text)
	}
	return ErrRefused
}
