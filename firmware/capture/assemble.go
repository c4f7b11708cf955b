// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
)

// A decoder finds the addresses of a packet. Of what is no TCP and no UDP there are
// none.
type decoder struct {
	parser *gopacket.DecodingLayerParser
	found  []gopacket.LayerType
	eth    layers.Ethernet
	tag    layers.Dot1Q
	ip4    layers.IPv4
	ip6    layers.IPv6
	tcp    layers.TCP
	udp    layers.UDP
}

func newDecoder() *decoder {
	d := &decoder{}
	d.parser = gopacket.NewDecodingLayerParser(layers.LayerTypeEthernet, &d.eth, &d.tag, &d.ip4, &d.ip6, &d.tcp, &d.udp)
	d.parser.IgnoreUnsupported = true
	return d
}

func (d *decoder) flow(data []byte) (f flow, ok bool) {
	// What cannot be decoded is a packet without a connection, and a snapshot that
	// is too short still has what was decoded before its end.
	_ = d.parser.DecodeLayers(data, &d.found)
	var src, dst netip.Addr
	for _, l := range d.found {
		switch l {
		case layers.LayerTypeIPv4:
			src, _ = netip.AddrFromSlice(d.ip4.SrcIP.To4())
			dst, _ = netip.AddrFromSlice(d.ip4.DstIP.To4())
			f.payload = int(d.ip4.Length) > int(d.ip4.IHL)*4
		case layers.LayerTypeIPv6:
			src, _ = netip.AddrFromSlice(d.ip6.SrcIP)
			dst, _ = netip.AddrFromSlice(d.ip6.DstIP)
		case layers.LayerTypeTCP:
			f.src, f.dst = netip.AddrPortFrom(src, uint16(d.tcp.SrcPort)), netip.AddrPortFrom(dst, uint16(d.tcp.DstPort))
			f.payload = len(d.tcp.Payload) > 0
			ok = true
		case layers.LayerTypeUDP:
			f.src, f.dst = netip.AddrPortFrom(src, uint16(d.udp.SrcPort)), netip.AddrPortFrom(dst, uint16(d.udp.DstPort))
			f.udp, f.payload, ok = true, len(d.udp.Payload) > 0, true
		}
	}
	return f, ok
}

// An assembly writes the parts of a capture, the oldest first, as one file in which
// packets have comments.
type assembly struct {
	out      *bufio.Writer
	block    block
	book     *book // nil: there are no comments
	decoder  *decoder
	room     int64 // for comments: they never more than double a file
	packets  uint64
	joined   uint64 // packets with a comment
	unjoined uint64 // packets whose comment found no room
}

// assemble writes to out and returns how many packets there are.
func (c *capture) assemble(out io.Writer, b *book) (*assembly, error) {
	a := &assembly{out: bufio.NewWriterSize(out, 64<<10), book: b, decoder: newDecoder()}
	a.write(a.block.section(c.program, c.describe()))
	for _, i := range c.faces {
		a.write(a.block.face(i, c.status.Snaplen, c.status.Filter))
	}
	if b != nil {
		for _, name := range c.parts {
			if err := a.part(name, a.learn); err != nil {
				return a, err
			}
		}
		b.known()
	}
	a.room = 0
	for _, name := range c.parts {
		if err := a.part(name, a.packet); err != nil {
			return a, err
		}
	}
	for i, k := range c.counts {
		a.write(a.block.stats(i, c.status.Started, c.status.Ended, k.got, k.lost))
	}
	return a, a.out.Flush()
}

// write keeps its error for Flush.
func (a *assembly) write(b []byte) { _, _ = a.out.Write(b) }

// part reads the packets of one part.
func (a *assembly) part(name string, each func(packet, int)) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	size, err := whole(f, st.Size())
	if err != nil || size == 0 {
		return err
	}
	a.room += size
	r, err := pcapgo.NewNgReader(bufio.NewReaderSize(io.NewSectionReader(f, 0, size), 64<<10), pcapgo.DefaultNgReaderOptions)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	for {
		data, ci, err := r.ZeroCopyReadPacketData()
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		each(packet{ci.Timestamp, data, ci.Length}, ci.InterfaceIndex)
		if _, err := a.out.Write(nil); err != nil { // the disk is full: no need to read on
			return err
		}
	}
}

// learn takes a packet of the first reading.
func (a *assembly) learn(p packet, _ int) {
	if f, ok := a.decoder.flow(p.data); ok {
		f.at = p.at
		a.book.comment(f)
	}
}

func (a *assembly) packet(p packet, face int) {
	comment := ""
	if a.book != nil {
		if f, ok := a.decoder.flow(p.data); ok {
			f.at = p.at
			comment = a.book.comment(f)
		}
	}
	a.packets++
	switch n := int64(len(comment)) + 16; {
	case comment == "":
	case n > a.room:
		comment = ""
		a.unjoined++
	default:
		a.room -= n
		a.joined++
	}
	a.write(a.block.packet(face, p, comment))
}

// facesOf returns the interfaces that a part tells of, and the filter.
func facesOf(name string) (out []Interface, filter string) {
	f, err := os.Open(name)
	if err != nil {
		return nil, ""
	}
	defer f.Close()
	r, err := pcapgo.NewNgReader(bufio.NewReader(f), pcapgo.DefaultNgReaderOptions)
	if err != nil {
		return nil, ""
	}
	for { // the reader learns of an interface when it comes to it
		if _, _, err := r.ZeroCopyReadPacketData(); err != nil || r.NInterfaces() > 0 {
			break
		}
	}
	for i := range r.NInterfaces() {
		if n, err := r.Interface(i); err == nil {
			out, filter = append(out, Interface{Name: n.Name, Note: n.Description}), n.Filter
		}
	}
	return out, filter
}
