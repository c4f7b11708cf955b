// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"evener/image/qemu"
)

// images is where `make image` leaves what guests boot.
const images = "build"

// errNotMeasured is why something is left out: what it needs is not here.
var errNotMeasured = errors.New("not measured")

// A machineKind is a kind of machine that an image is for.
type machineKind struct {
	board, arch string
	firmware    qemu.Firmware
}

var (
	biosMachine  = machineKind{"qemu-x86_64", "amd64", qemu.BIOS}
	uefiMachine  = machineKind{"qemu-x86_64", "amd64", qemu.UEFI}
	arm64Machine = machineKind{"qemu-aarch64", "arm64", qemu.UEFI}
)

// An appliance is a box that was set up in a guest and shut down in order: it has an
// administrator, and publishes the bench's origin in a cluster.
type appliance struct {
	l      *lab
	kind   machineKind
	places *qemu.Places
	disk   string // as it was left; guests write to overlays of it
	owner  *qemu.Person
	free   func() // gives the processors and the place back
}

// ready tells what is missing to run guests of a kind.
func (k machineKind) ready() error {
	for _, p := range qemu.Programs(k.arch) {
		if _, err := exec.LookPath(p); err != nil {
			return fmt.Errorf("%w: %s is not installed (.ci/setup brings it)", errNotMeasured, p)
		}
	}
	if _, err := qemu.Newest(images, k.board, ".img"); err != nil {
		return fmt.Errorf("%w: %w (make image BOARD=%s)", errNotMeasured, err, k.board)
	}
	return nil
}

// config is a guest with what a rack's box has: a watchdog, and a port at which the
// origin, clients and people are.
func (k machineKind) config(disk string) qemu.Config {
	return qemu.Config{Arch: k.arch, Firmware: k.firmware, Disk: disk, Watchdog: k.arch == "amd64",
		NICs: []qemu.NIC{{Forward: []int{qemu.ConsolePort, qemu.ShopPort}}}}
}

// guestTime bounds each step of a guest, on a machine that does much else.
const guestTime = 15 * time.Minute

// newAppliance sets a box up. Guests may use both processors, as the load is nothing.
func (l *lab) newAppliance(kind machineKind) (*appliance, error) {
	if err := kind.ready(); err != nil {
		return nil, err
	}
	back, err := allProcessors()
	if err != nil {
		return nil, err
	}
	places, err := qemu.Take(l.ctx, 1)
	if err != nil {
		back()
		return nil, err
	}
	a := &appliance{l: l, kind: kind, places: places, free: func() { places.Free(); back() }}
	if err := a.setUp(); err != nil {
		a.free()
		return nil, fmt.Errorf("set a box up: %w", err)
	}
	return a, nil
}

func (a *appliance) setUp() error {
	image, err := qemu.Newest(images, a.kind.board, ".img")
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(a.l.dir, "box-")
	if err != nil {
		return err
	}
	a.disk = filepath.Join(dir, "box.qcow2")
	cfg := a.kind.config(image)
	cfg.Overlay = a.disk
	ctx, cancel := context.WithTimeout(a.l.ctx, guestTime)
	defer cancel()
	g, err := a.start(ctx, cfg)
	if err != nil {
		return err
	}
	defer g.Close()
	if a.owner, err = g.SetUp(ctx, "bench"); err != nil {
		return err
	}
	if err := a.owner.Publish(ctx, "", a.l.origin.http[0]); err != nil {
		return err
	}
	if _, err := answered(ctx, g); err != nil {
		return err
	}
	return a.shutDown(ctx, g)
}

func (a *appliance) start(ctx context.Context, cfg qemu.Config) (*qemu.Guest, error) {
	return qemu.Start(ctx, a.places, cfg, nil, slog.New(slog.DiscardHandler))
}

// boot starts the box as it was left; what it writes is forgotten with the guest.
func (a *appliance) boot(ctx context.Context) (*qemu.Person, error) {
	g, err := a.start(ctx, a.kind.config(a.disk))
	if err != nil {
		return nil, err
	}
	return a.owner.At(g), nil
}

// shutDown presses the power button and waits until the machine is off.
func (a *appliance) shutDown(ctx context.Context, g *qemu.Guest) error {
	if err := g.PressPower(ctx); err != nil {
		return err
	}
	if err := g.Wait(ctx); err != nil {
		return fmt.Errorf("switch the box off in order: %w", err)
	}
	return nil
}

// withAppliance sets a box up and runs f in each round. What goes wrong is in the rows.
func (l *lab) withAppliance(kind machineKind, rows []row, f func(*appliance) error) ([]row, error) {
	a, err := l.newAppliance(kind)
	if err != nil {
		return skipped(err, rows...), l.ctx.Err()
	}
	defer a.free()
	for range l.options.rounds {
		if err := f(a); err != nil {
			rows = skipped(err, rows...)
		}
		if err := l.ctx.Err(); err != nil {
			return rows, err
		}
	}
	return rows, nil
}

// skipped are rows of a case that cannot be measured here, or of which a round has
// failed: a bench without guests is one all the same.
func skipped(err error, rows ...row) []row {
	for i := range rows {
		rows[i].Note = err.Error()
		rows[i].Skipped = errors.Is(err, errNotMeasured)
	}
	return rows
}

// probeEvery is how often a new connection asks for the first answer, whose time is known
// as closely as that; probeLimit is how long each waits. Those that wait are no load.
const (
	probeEvery = 100 * time.Millisecond
	probeLimit = 30 * time.Second
)

// answered asks through the cluster, by a new connection each probeEvery, until one is
// answered, and returns when that was. Connections overlap: QEMU takes them before the
// guest does, and one that the guest was not there for yet is not answered for seconds.
func answered(ctx context.Context, g *qemu.Guest) (time.Time, error) {
	type result struct {
		at  time.Time
		err error
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results := make(chan result)
	ask := func() {
		err := askShop(ctx, g.Addr(qemu.ShopPort))
		select {
		case results <- result{time.Now(), err}:
		case <-ctx.Done():
		}
	}
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	last := errors.New("none of the connections has ended")
	for {
		select {
		case <-tick.C:
			go ask()
		case r := <-results:
			if r.err == nil {
				return r.at, nil
			}
			last = r.err
		case <-ctx.Done():
			return time.Time{}, fmt.Errorf("no answer through the cluster: %w; last: %w; on the serial line: %s",
				context.Cause(ctx), last, lastLines(g.Serial().Unread()))
		}
	}
}

// askShop asks by a connection of its own, and wants what the origin has.
func askShop(ctx context.Context, addr string) error {
	client := http.Client{Timeout: probeLimit, Transport: &http.Transport{DisableKeepAlives: true}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/", nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
	if err == nil && (resp.StatusCode != http.StatusOK || string(text) != smallBody) {
		err = fmt.Errorf("GET / = %s %.80q, want 200 %q", resp.Status, text, smallBody)
	}
	return err
}

// lastLines are the last of a text.
func lastLines(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-5):], "\n")
}
