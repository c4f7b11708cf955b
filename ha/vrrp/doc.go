// SPDX-License-Identifier: Apache-2.0

// Package vrrp speaks VRRP: version 3 (RFC 9568 with its errata) for IPv4 and
// IPv6, and version 2 (RFC 3768) for old peers. It encodes and decodes
// advertisements and decides, for one virtual router, who holds its addresses.
//
// It is pure: no socket, no clock, no goroutine. Time enters as an argument,
// the caller reads packets, feeds a Machine and carries out what it returns:
//
//	socket ──bytes──> Parse ──Received──> Machine.Handle(now, Advert{…})
//	timer ───────────────────────────────> Machine.Handle(now, Tick{})
//	                                           │ []Action
//	        Send, Take, Release, Announce, Log <┘
//
// The states are those of RFC 9568, section 6.3, and FAULT, in which a router
// is configured but cannot take part:
//
//	INIT ───Startup───> BACKUP ───silence───> ACTIVE
//	                     │  ^ <──a better one───┘ │
//	            LinkDown,│  │LinkUp               │LinkDown,
//	            SetFault v  │                     vSetFault
//	                     FAULT <──────────────────┘
//
// Shutdown leads from everywhere back to INIT.
//
// Package vrrp knows nothing of groups, interfaces, kernels and configuration
// texts; package ha runs its machines on a real network.
package vrrp
