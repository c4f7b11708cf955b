// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"evener/firmware/api"
	"evener/firmware/manage"
	"evener/firmware/netconf"
	"evener/firmware/pid1"
)

// machineAlarms returns what process 1 of an appliance has found wrong with the
// machine. root is / but in tests.
func (e *engine) machineAlarms(root string) (out []manage.MachineAlarm) {
	if e.cfg.board == "sim" {
		return nil // whatever machine it is simulated on
	}
	list, err := pid1.ReadAlarms(root)
	if err != nil {
		e.log.Error("what is wrong with the machine is not known", "err", err)
	}
	since := time.Now()
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err == nil {
		since = since.Add(-time.Duration(info.Uptime) * time.Second)
	}
	for _, a := range list {
		out = append(out, manage.MachineAlarm{Object: a.Object, Text: a.Text, Grave: a.Grave, Since: since})
	}
	return out
}

type machineAlarms struct {
	Alarms []pid1.Alarm `json:"alarms"`
}

// addAlarms registers a method that tells what process 1 has found wrong, for the menus
// while no engine tells it. root is "/", or "" where no process 1 of ours can be.
func addAlarms(root string) func(reg *api.Registry) {
	return func(reg *api.Registry) {
		api.Add(reg, api.Method{Name: "machine.alarms", Purpose: "Tells what process 1 of an appliance has found wrong with the machine.", Role: api.Viewer},
			func(context.Context, api.Call, struct{}) (out machineAlarms, err error) {
				if root != "" {
					out.Alarms, err = pid1.ReadAlarms(root)
				}
				return out, err
			})
	}
}

// systemFiles says where the name servers and the time zone are written: on an
// appliance, whose root is read-only, in /run, where resolver leads.
func systemFiles(resolver string) netconf.Linux {
	to, err := os.Readlink(resolver)
	if err != nil || to != "/run/resolv.conf" {
		return netconf.Linux{}
	}
	return netconf.Linux{Resolver: to, Zone: filepath.Join(filepath.Dir(to), "localtime")}
}
