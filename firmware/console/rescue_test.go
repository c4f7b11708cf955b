// SPDX-License-Identifier: Apache-2.0

package console

import (
	"time"

	"evener/firmware/api"
)

// fromUSB makes b a box that was started from a USB disk.
func (b *box) fromUSB() {
	b.stored["setup"] = true
	b.sup.answers["install.disks"] = args{"from": "/dev/sdb", "usb": true, "disks": []args{
		{"name": "sda", "path": "/dev/sda", "line": "sda, 256.0 GB, SSD\x1b[2J 870, serial S5Y1: 3 partitions"},
		{"name": "sdc", "path": "/dev/sdc", "line": "sdc, 16.0 GB: nothing at its beginning", "used": "sdc1 is mounted at /media"},
		{"name": "sdb", "path": "/dev/sdb", "line": "sdb, 16.0 GB, USB: Evener 1.4.0 in slot A", "used": "this system was started from it"}}}
	b.sup.answers["install.write"] = args{"version": "1.4.0"}
}

// rescues makes b the rescue system of a box whose slots are both bad.
func (b *box) rescues() {
	b.cfg.Rescue = true
	b.eng.dead = true
	b.sup.answers["rescue.slots"] = args{"disk": "/dev/vda", "slots": []args{
		{"slot": "A", "version": "1.3.0", "state": "bad", "reason": "its SHA-256 is not that of its manifest"},
		{"slot": "B", "version": "1.4.0", "state": "bad", "reason": "was started 3 times and never got as far as its self-test", "next": true}},
		"journal": []string{"2026-03-04 05:06:07  armed  slot B 1.4.0 by alice\x1b[2J"}}
	for _, name := range []string{"rescue.start", "rescue.good", "rescue.reset"} {
		b.sup.answers[name] = args{}
	}
	b.sup.answers["rescue.usb"] = args{"version": "1.5.0", "slot": "A"}
	b.sup.answers["rescue.fetch"] = api.Errorf(api.CodeFailed, "", "the server says 404 Not Found")
	b.sup.answers["rescue.check"] = args{"lines": []string{"state: clean", "data: 1 error mended"}}
	b.sup.answers["rescue.log"] = args{"lines": []string{"level=ERROR msg=\"box not started\""}}
	b.sup.answers["install.disks"] = args{"from": "/dev/vda", "disks": []args{}}
	b.sup.answers["recovery.login"] = func(p args) any {
		if p["password"] != "good password" {
			return api.Errorf(api.CodeFailed, "auth.denied", "name, password or code is wrong")
		}
		return args{"user": "alice"}
	}
}

func init() {
	dialogues = append(dialogues,
		dialogue{"setup_early", func(b *box) {
			b.stored["setup"] = true
			b.eng.dead = true
			go func() { // it comes while somebody waits for it
				time.Sleep(9 * time.Second)
				b.eng.mu.Lock()
				defer b.eng.mu.Unlock()
				b.eng.dead = false
			}()
		}, []string{"\r", "y\r", "1\r", "\r", "\r", "lb9\r", "\r", "\r", "y\r", aMinute, "0\r"}},
		dialogue{"install_usb", (*box).fromUSB, []string{"\r", "y\r", "1\r", "sdc\r", "n\r", "17\r", "1\r", "sda\r", "0\r"}},
		dialogue{"install_login", func(b *box) { b.fromUSB(); b.stored["setup"] = false }, loggedIn("17\r", "\r", "0\r")},
		dialogue{"rescue_free", (*box).rescues, []string{"\r", "1\r", "2\r", "2\r", "4\r", "1\r", "1\r", "A\r", "5\r",
			"10\r", "11\r", "erase\r", "12\r", "1\r", "\r"}},
		dialogue{"rescue_fetch", (*box).rescues, []string{"\r", "4\r", "2\r", "ftp://x\r",
			"4\r", "2\r", "http://192.0.2.9/e.evb\r", "192.0.2.10\r",
			"4\r", "2\r", "http://192.0.2.9/e.evb\r", "192.0.2.10/24\r", "192.0.2.1\r", "dns\r",
			"4\r", "2\r", "http://192.0.2.9/e.evb\r", "192.0.2.10/24\r", "192.0.2.1\r", "\r", "2\r", "B\r",
			"4\r", "2\r", "https://example.org/e.evb\r", "\r", "1\r", "x\r", "0\r"}},
		dialogue{"rescue_login", (*box).rescues, []string{"\r", "3\r", "alice\r", "wrong\r", "9\r", "alice\r", "good password\r",
			"9\r", "3\r", "1\r", "y\r", "8\r", "1\r", "0\r"}},
		dialogue{"rescue_blind", func(b *box) {
			b.rescues()
			b.sup.answers["rescue.slots"] = api.Errorf(api.CodeFailed, "", "no disk has the partition")
			b.sup.answers["recovery.status"] = api.Errorf(api.CodeFailed, "", "there is no store")
		}, []string{"\r", "1\r", "3\r", "6\r", "8\r", "12\r", "2\r", "\r"}},
	)
}
