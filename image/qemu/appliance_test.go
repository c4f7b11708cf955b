// SPDX-License-Identifier: Apache-2.0

package qemu

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"evener/image/slot"
)

// A person is a [Person] at a box of a test, which ends when something goes wrong.
type person struct {
	*box
	user *Person
}

// oneNIC is a guest whose management port is in QEMU's user network.
func oneNIC(cfg Config) Config {
	cfg.NICs = []NIC{{Forward: []int{ConsolePort, ShopPort}}}
	return cfg
}

func (b *box) enter() {
	b.t.Helper()
	if err := b.Enter(b.ctx); err != nil {
		b.t.Fatal(err)
	}
}

// pause is between two looks at something that takes a while.
func (b *box) pause() {
	b.t.Helper()
	if err := pause(b.ctx, time.Second); err != nil {
		b.t.Fatal(err)
	}
}

func (b *box) send(text string) {
	b.t.Helper()
	if err := b.Serial().Send(text); err != nil {
		b.t.Fatal(err)
	}
}

func setUp(b *box) *person {
	b.t.Helper()
	p, err := b.SetUp(b.ctx, "lb1")
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(p.CloseIdleConnections)
	return &person{b, p}
}

func (p *person) ask(method string, params, result any) error {
	return p.user.Ask(p.ctx, method, params, result)
}

func (p *person) must(method string, params, result any) {
	p.t.Helper()
	if err := p.ask(method, params, result); err != nil {
		p.t.Fatal(err)
	}
}

// await tries until it works.
func (b *box) await(what string, f func() error) {
	b.t.Helper()
	if err := b.Await(b.ctx, what, f); err != nil {
		b.t.Fatal(err)
	}
}

// publish has the box serve a cluster with the origins as members. More goes into the
// configuration as it is.
func (p *person) publish(more string, origins ...*httptest.Server) {
	p.t.Helper()
	var ports []int
	for _, o := range origins {
		ports = append(ports, o.Listener.Addr().(*net.TCPAddr).Port)
	}
	if err := p.user.Publish(p.ctx, more, ports...); err != nil {
		p.t.Fatal(err)
	}
}

// serves waits for an answer of an origin through the cluster.
func (b *box) serves(want string) {
	b.t.Helper()
	b.await("an answer through the cluster", func() error {
		got, err := b.Shop(b.ctx)
		if err == nil && got != want {
			err = fmt.Errorf("it answers %q", got)
		}
		return err
	})
}

// anOrigin answers everything with text.
func anOrigin(t testing.TB, text string) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, text) }))
	t.Cleanup(s.Close)
	return s
}

func (p *person) upgrades() Upgrades {
	p.t.Helper()
	u, err := p.user.Upgrades(p.ctx)
	if err != nil {
		p.t.Fatal(err)
	}
	return u
}

func (p *person) sudo() {
	p.t.Helper()
	if err := p.user.Sudo(p.ctx); err != nil {
		p.t.Fatal(err)
	}
}

// take has the box fetch a bundle and returns why it was refused.
func (p *person) take(bundle []byte) string {
	p.t.Helper()
	refused, err := p.user.Take(p.ctx, bundle)
	if err != nil {
		p.t.Fatal(err)
	}
	return refused
}

func (p *person) restartInto(slot string) {
	p.t.Helper()
	if err := p.user.RestartInto(p.ctx, slot); err != nil {
		p.t.Fatal(err)
	}
}

// again cuts the power of the box, changes its boot state, and switches it on. The
// display is taken away meanwhile.
func (p *person) again(change func(slot.State) slot.State) *person {
	p.t.Helper()
	if err := p.Kill(); err != nil {
		p.t.Fatal(err)
	}
	image := filepath.Join(p.t.TempDir(), "again.img")
	if err := Flatten(p.ctx, p.Disk(), image); err != nil {
		p.t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		p.t.Fatal(err)
	}
	d, err := slot.Open(image)
	if err != nil {
		p.t.Fatal(err)
	}
	s, err := d.Boot()
	if err == nil {
		err = d.SetBoot(change(s))
	}
	if err := errors.Join(err, d.Close()); err != nil {
		p.t.Fatal(err)
	}
	cfg := p.cfg
	cfg.Disk, cfg.WriteLog, cfg.Panel = image, "", false
	b := boot(p.t, p.places, cfg)
	return &person{b, p.user.At(b.Guest)}
}

var errNotYet = errors.New("not yet") // something is still under way
