// SPDX-License-Identifier: Apache-2.0

package config

var serialBlocks = []Block{{
	Name: "serial", Max: 1, Local: true, field: "Serial",
	Purpose: "The serial console: what somebody with a cable may do. Without the block the defaults hold.",
	Keywords: []Keyword{
		{Name: "password_reset", Kind: KindString, OneOf: []string{"allowed", "refused"}, Default: "allowed",
			Purpose: "Whether whoever is at the serial console may give an administrator a new password without having one."},
		{Name: "maintenance_shell", Kind: KindBool, Default: "false",
			Purpose: "Whether an administrator gets a shell of the operating system at the serial console, after the password was given once more."},
		{Name: "idle", Kind: KindDuration, Min: "1m", Max: "1d", Default: "10m",
			Purpose: "How long nothing may be typed before the serial console logs its user out."},
	},
}}
