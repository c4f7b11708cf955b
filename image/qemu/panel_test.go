// SPDX-License-Identifier: Apache-2.0

package qemu

import (
	"errors"
	"net"
	"strings"
	"sync"

	"evener/hal/lcd"
	"evener/hal/lcd/lcdtest"
)

// A glass is a display on the second serial port of a guest.
type glass struct {
	mu  sync.Mutex // guards emu
	emu lcdtest.Emulator
}

// serve is the display's end of the line.
func (g *glass) serve(line net.Conn) {
	buf := make([]byte, 256)
	for {
		n, err := line.Read(buf)
		if err != nil {
			return
		}
		g.mu.Lock()
		out := g.emu.Feed(buf[:n])
		g.mu.Unlock()
		if _, err := line.Write(out); err != nil {
			return
		}
	}
}

func (g *glass) text() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return strings.Join(g.emu.Screen(), "\n")
}

// press pushes a key and lets it go.
func (g *glass) press(line net.Conn, k lcd.Key) error {
	g.mu.Lock()
	out := append(g.emu.Press(k), g.emu.Release(k)...)
	g.mu.Unlock()
	_, err := line.Write(out)
	return err
}

// shows waits until the display has Upgrades each of the texts; its pages turn.
func (g *glass) shows(b *box, texts ...string) {
	b.t.Helper()
	for _, want := range texts {
		b.await("the display shows "+want, func() error {
			text := g.text()
			if strings.Contains(text, "WARNING") { // such as a port without a cable: it comes first until it is read
				if err := g.press(b.Panel(), lcd.Enter); err != nil {
					return err
				}
			}
			if !strings.Contains(text, want) {
				return errors.New(text)
			}
			return nil
		})
	}
}

// switchesOff holds Enter at the panel's Power off.
func (g *glass) switchesOff(b *box) {
	b.t.Helper()
	press := func(k lcd.Key) {
		b.t.Helper()
		if err := g.press(b.Panel(), k); err != nil {
			b.t.Fatal(err)
		}
	}
	choose := func(entry string) {
		b.t.Helper()
		b.await("the panel offers "+entry, func() error {
			text := g.text()
			if strings.Contains(text, ">"+entry) {
				return nil
			}
			press(lcd.Down)
			return errors.New(text)
		})
		press(lcd.Enter)
	}
	press(lcd.Escape)
	choose("System")
	choose("Power off")
	b.await("the panel asks", func() error {
		if text := g.text(); !strings.Contains(text, "Hold Enter") {
			return errors.New(text)
		}
		return nil
	})
	g.mu.Lock()
	out := g.emu.Press(lcd.Enter)
	g.mu.Unlock()
	if _, err := b.Panel().Write(out); err != nil {
		b.t.Fatal(err)
	}
}
