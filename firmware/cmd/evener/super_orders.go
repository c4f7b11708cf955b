// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"evener/firmware/api"
)

// ordersSocket is the name of the engine's own way to process 1 of an appliance, in
// the folder of the state.
const ordersSocket = "orders.sock"

// orders are all that the engine of an appliance may ask of process 1, which does it
// with all rights: what is not here stays out of reach of whoever takes the engine over.
var orders = slices.Concat(shown, []string{"led.locate", "panel.press", "power.reboot", "power.halt"}, rootOrders)

// shown only tell something.
var shown = []string{"log.tail", "machine.show", "panel.screen"}

// rootOrders are there for the engine alone, which notes by itself what it does.
var rootOrders = []string{"host.name", "stick.mount", "stick.unmount",
	"slot.boot", "slot.header", "slot.fault", "slot.read", "slot.verify", "slot.set_boot", "slot.arm", "slot.good", "slot.bad",
	"slot.write", "slot.commit", "slot.abort", "slot.progress"}

// listenEngine opens a socket for root and the engine.
func listenEngine(name string, engine *syscall.Credential) (net.Listener, error) {
	l, err := api.Listen(name)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(os.Lchown(name, -1, int(engine.Gid)), os.Chmod(name, 0o660)); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

type hostName struct {
	Name string `json:"name" doc:"1 to 64 letters, digits, hyphens and dots"`
}

// addHost registers what needs the right to everything (CAP_SYS_ADMIN) for little.
func addHost(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "host.name", Purpose: "Names the machine.", Role: api.Admin, Effect: api.System, Audit: "name the machine {name}"},
		func(_ context.Context, _ api.Call, p hostName) (struct{}, error) {
			if err := checkHostName(p.Name); err != nil {
				return struct{}{}, api.Errorf(api.CodeParams, "params.name", "%v", err)
			}
			return struct{}{}, unix.Sethostname([]byte(p.Name))
		})
}

// checkHostName says what is wrong with a name for the kernel.
func checkHostName(name string) error {
	const max = 64 // __NEW_UTS_LEN
	bad := strings.IndexFunc(name, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '.'
	})
	if name == "" || len(name) > max || bad >= 0 {
		return fmt.Errorf("a host name has 1 to %d letters, digits, hyphens and dots, unlike %q", max, name)
	}
	return nil
}

// nameOrder has process 1 name the machine.
func nameOrder(super caller) func(string) error {
	return func(name string) error {
		ctx, cancel := context.WithTimeout(context.Background(), orderTime)
		defer cancel()
		return super.Call(ctx, "host.name", hostName{name}, nil)
	}
}

// addOrders registers what process 1 does for an engine of few rights.
func addOrders(board, state string, engine *syscall.Credential, log *slog.Logger) func(*api.Registry) {
	return func(reg *api.Registry) {
		addHost(reg)
		newSlotKeeper(board, state, engine, log).add(reg)
		(&stickKeeper{dir: stickDir, log: log}).add(reg)
	}
}
