// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"evener/image/qemu"
)

const mebi = 1 << 20

// imageSize tells what an image takes where it is downloaded, written and kept. The
// limit is of the slot's payload, which every update moves.
func imageSize(*lab) (rows []row, err error) {
	for _, kind := range []machineKind{biosMachine, arm64Machine} {
		r := row{Case: "image-size/" + kind.board, Unit: "MiB, payload of a slot", Limit: 64, Peers: map[string]float64{},
			About: "disk: the image's size, which is mostly holes; allocated: what it takes of this machine's disk; bundle: what an update downloads"}
		if err := r.sizes(kind); err != nil {
			rows = append(rows, skipped(fmt.Errorf("%w: %w", errNotMeasured, err), r)...)
			continue
		}
		rows = append(rows, r)
	}
	return rows, nil
}

func (r *row) sizes(kind machineKind) error {
	release, err := qemu.ReadRelease(images, kind.arch)
	if err != nil {
		return err
	}
	if err := sizeOf(r.Peers, "disk", kind.board, ".img"); err != nil {
		return err
	}
	if err := sizeOf(r.Peers, "bundle", kind.arch, ".evb"); err != nil {
		return err
	}
	r.measured([]float64{float64(release.Header.Manifest.Size) / mebi})
	return nil
}

// sizeOf files the size of the newest file of that name, and of a disk what is really
// stored of it.
func sizeOf(peers map[string]float64, what, board, ending string) error {
	name, err := qemu.Newest(images, board, ending)
	if err != nil {
		return err
	}
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	peers[what] = float64(info.Size()) / mebi
	if st, ok := info.Sys().(*syscall.Stat_t); ok && what == "disk" {
		peers["allocated"] = float64(st.Blocks*512) / mebi // st_blocks has that unit (inode(7))
	}
	return nil
}

// How long a box does nothing before its memory is read, and what it may take, in MiB.
const (
	idleFor     = 60 * time.Second
	memoryLimit = 96
)

// idleAppliance reads the memory of a box that was started and left alone.
func idleAppliance(l *lab) ([]row, error) {
	const name = "idle-memory-appliance"
	rows := []row{
		{Case: name, Unit: "MiB used of the guest (MemTotal - MemAvailable)", Limit: memoryLimit},
		{Case: name + "/processes", Unit: "MiB, PSS of all processes", Limit: memoryLimit, Peers: map[string]float64{}},
	}
	used, processes, byRole := []float64{}, []float64{}, map[string][]float64{}
	rows, err := l.withAppliance(biosMachine, rows, func(a *appliance) error {
		m, err := a.readIdle()
		if err != nil {
			return err
		}
		var sum float64
		for _, p := range m.Processes {
			if p.Problem != "" {
				return fmt.Errorf("memory of %s: %s", p.Role, p.Problem)
			}
			sum += float64(p.PSS) / mebi
			byRole[p.Role] = append(byRole[p.Role], float64(p.PSS)/mebi)
		}
		used, processes = append(used, float64(m.Total-m.Available)/mebi), append(processes, sum)
		fmt.Fprintf(l.progress, "  %-14s %6.1f MiB used, %6.1f MiB in processes\n", evener, used[len(used)-1], sum)
		return nil
	})
	rows[0].measured(used)
	rows[1].measured(processes)
	for role, values := range byRole {
		rows[1].Peers[role] = median(values)
	}
	rows[0].About = fmt.Sprintf("A guest with 512 MiB, %v after its first balanced answer, %d times. Used: what the kernel could not hand out any more; "+
		"so caches that it gives back do not count, its own tables and what tmpfs holds do.", idleFor, len(used))
	rows[1].About = "Proportional set size: pages that several processes have, such as those of the program, count once in all."
	return rows, err
}

// A boxMemory is what is used of the result of hardware.show.
type boxMemory struct {
	Total, Available int64
	Processes        []struct {
		Role    string
		PSS     int64
		Problem string
	}
}

func (a *appliance) readIdle() (m boxMemory, err error) {
	ctx, cancel := context.WithTimeout(a.l.ctx, guestTime)
	defer cancel()
	p, err := a.boot(ctx)
	if err != nil {
		return m, err
	}
	defer p.Close()
	if _, err := answered(ctx, p.Guest); err != nil {
		return m, err
	}
	select {
	case <-ctx.Done():
		return m, ctx.Err()
	case <-time.After(idleFor):
	}
	var show struct {
		Machine struct{ Memory *boxMemory }
	}
	if err := p.Ask(ctx, "hardware.show", nil, &show); err != nil {
		return m, err
	}
	if show.Machine.Memory == nil {
		return m, errors.New("the box does not tell its memory: it is older than this bench")
	}
	return *show.Machine.Memory, nil
}

// updateCase times an update: the box takes a bundle from the host, and is started into
// it.
func updateCase(l *lab) ([]row, error) {
	r := row{Case: "update", Unit: "s, from the order to a slot written and read back", Limit: 60}
	release, err := qemu.ReadRelease(images, biosMachine.arch)
	var bundle []byte
	if err == nil {
		bundle, err = release.Bundle("99.0.0", release.Payload, release.Key, nil)
	}
	if err != nil {
		return skipped(fmt.Errorf("%w: %w", errNotMeasured, err), r), nil
	}
	var written, restarted []float64
	rows, err := l.withAppliance(biosMachine, []row{r}, func(a *appliance) error {
		w, s, err := a.timeUpdate(bundle)
		if err != nil {
			return err
		}
		written, restarted = append(written, w.Seconds()), append(restarted, s.Seconds())
		fmt.Fprintf(l.progress, "  %-14s %6.1f s to write it, %6.1f s to start into it\n", evener, w.Seconds(), s.Seconds())
		return nil
	})
	rows[0].measured(written)
	rows[0].About = fmt.Sprintf("A bundle of %.1f MiB from a server on the host, %d times. The restart into it takes %.1f s more, from the order to the first "+
		"balanced answer of the new version.", float64(len(bundle))/mebi, len(written), median(restarted))
	return rows, err
}

// timeUpdate updates a box that was just started.
func (a *appliance) timeUpdate(bundle []byte) (written, restarted time.Duration, err error) {
	ctx, cancel := context.WithTimeout(a.l.ctx, guestTime)
	defer cancel()
	p, err := a.boot(ctx)
	if err != nil {
		return 0, 0, err
	}
	defer p.Close()
	if _, err := answered(ctx, p.Guest); err != nil {
		return 0, 0, err
	}
	if err := p.Sudo(ctx); err != nil {
		return 0, 0, err
	}
	began := time.Now()
	refused, err := p.Fetch(ctx, bundle)
	written = time.Since(began)
	if err == nil && refused != "" {
		err = fmt.Errorf("the box refuses the update: %s", refused)
	}
	if err != nil {
		return 0, 0, err
	}
	began = time.Now()
	if err := p.RestartInto(ctx, "B"); err != nil {
		return 0, 0, err
	}
	at, err := answered(ctx, p.Guest)
	if err != nil {
		return 0, 0, err
	}
	u, err := p.Upgrades(ctx)
	if err == nil && u.Running.Slot != "B" {
		err = fmt.Errorf("after the update slot %s runs, not B: %s", u.Running.Slot, u.Reason("fell_back"))
	}
	return written, at.Sub(began), err
}
