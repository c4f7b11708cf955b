// SPDX-License-Identifier: Apache-2.0

package board

import (
	"net/netip"
	"time"
)

// Sim is the simulated board: loopback addresses, devices in memory and three demo
// servers.
var Sim = Board{
	Name:        "sim",
	Description: "simulated board: loopback addresses and three demo origin servers",
	Simulated:   true,
	Ports: []Port{
		{Name: "mgmt", Interface: "sim0", Driver: "sim", Management: true},
		{Name: "1", Interface: "sim1", Driver: "sim", Bypass: "1-2"},
		{Name: "2", Interface: "sim2", Driver: "sim", Bypass: "1-2"},
		{Name: "3", Interface: "sim3", Driver: "sim"},
		{Name: "4", Interface: "sim4", Driver: "sim"},
	},
	Panel: &Panel{Driver: "sim", Rows: 4, Cols: 20},
	LEDs: []LED{
		{UsePower, "green", "sim:green:power"},
		{UseStatus, "green", "sim:green:status"},
		{UseStatus, "yellow", "sim:yellow:status"},
		{UseAlarm, "yellow", "sim:yellow:alarm"},
		{UseAlarm, "red", "sim:red:alarm"},
		{UseLocate, "blue", "sim:blue:locate"},
	},
	Watchdog: &Watchdog{Device: "sim", Driver: "sim", Timeout: 30 * time.Second},
	Sensors: []Sensor{
		{Chip: "sim", Input: "temp1", Name: "CPU", High: 85, Critical: 95},
		{Chip: "sim", Input: "temp2", Name: "board", High: 60, Critical: 70},
		{Chip: "sim", Input: "fan1", Name: "fan 1", Low: 1200},
		{Chip: "sim", Input: "fan2", Name: "fan 2", Low: 1200},
		{Chip: "sim", Input: "in0", Name: "12 V", Low: 11.4, High: 12.6},
		{Chip: "sim", Input: "power1", Name: "power", High: 60},
	},
	Console: Console{Devices: []string{"pty"}, Speed: 115200},
	Keys: []Key{
		{Device: "sim", Code: "KEY_POWER", Use: "power"},
		{Device: "sim", Code: "KEY_RESTART", Use: "reset"},
	},
	Bypass: []Bypass{{Name: "1-2", Ports: [2]string{"1", "2"}, Driver: "sim"}},
	Origins: []Origin{
		{"web1", netip.MustParseAddrPort("127.0.0.1:18081")},
		{"web2", netip.MustParseAddrPort("127.0.0.1:18082")},
		{"web3", netip.MustParseAddrPort("127.0.0.1:18083")},
	},
}

// Host is any Linux machine whose network somebody else configures.
var Host = Board{
	Name:        "host",
	Description: "any Linux machine; its network is configured by somebody else",
}
