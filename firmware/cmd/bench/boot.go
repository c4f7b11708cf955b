// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"time"
)

// What a start may take, in seconds.
const (
	bootLimit  = 5  // from the boot loader's last word to the first balanced answer
	resetLimit = 12 // the same from the reset
)

// handedOver is the boot loader's last word: it has read kernel and initrd, and starts
// the kernel (image/grub.cfg).
const handedOver = "Evener: kernel"

// bootCase times the start of a box that was set up and shut down in order. Each round
// boots it anew.
func bootCase(name string, kind machineKind) func(*lab) ([]row, error) {
	return func(l *lab) ([]row, error) {
		rows := []row{
			{Case: name + "/kernel", Unit: "s, from the kernel's start to the first balanced answer", Limit: bootLimit},
			{Case: name + "/reset", Unit: "s, from the reset to the first balanced answer", Limit: resetLimit},
		}
		values := make([][]float64, len(rows))
		rows, err := l.withAppliance(kind, rows, func(a *appliance) error {
			kernel, reset, err := a.timeBoot()
			if err != nil {
				return err
			}
			fmt.Fprintf(l.progress, "  %-14s %6.2f s from the kernel's start, %6.2f s from the reset\n", evener, kernel.Seconds(), reset.Seconds())
			values[0] = append(values[0], kernel.Seconds())
			values[1] = append(values[1], reset.Seconds())
			return nil
		})
		for i := range rows {
			rows[i].measured(values[i])
			rows[i].About = fmt.Sprintf("QEMU's tcg, one processor, %s, %d starts after a shutdown in order; the origin and the client are on the host, "+
				"which asks by a new connection each %v. The kernel's start is the boot loader's last line on the serial console.", kind, len(values[i]), probeEvery)
		}
		return rows, err
	}
}

// timeBoot boots the box once.
func (a *appliance) timeBoot() (kernel, reset time.Duration, err error) {
	ctx, cancel := context.WithTimeout(a.l.ctx, guestTime)
	defer cancel()
	p, err := a.boot(ctx)
	if err != nil {
		return 0, 0, err
	}
	defer p.Close()
	if _, _, err := p.Serial().Expect(ctx, handedOver); err != nil {
		return 0, 0, err
	}
	began := time.Now()
	at, err := answered(ctx, p.Guest)
	return at.Sub(began), at.Sub(p.Began()), err
}

// measured files the median of what was measured.
func (r *row) measured(values []float64) {
	if len(values) == 0 {
		return
	}
	m := median(values)
	r.Evener = &m
	r.judge()
}

func (k machineKind) String() string { return fmt.Sprintf("board %s, %s", k.board, k.firmware) }
