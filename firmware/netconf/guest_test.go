// SPDX-License-Identifier: Apache-2.0

package netconf

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// guestMark is set, on the kernel's command line, where the tests are the only
// process of a guest. The test of package image/qemu that starts it reads what
// they say on the console.
const guestMark = "EVENER_NETCONF_GUEST"

func inGuest() bool { return os.Getpid() == 1 && os.Getenv(guestMark) != "" }

func TestMain(m *testing.M) {
	if !inGuest() {
		os.Exit(m.Run())
	}
	code := 1
	if err := prepareGuest(); err != nil {
		fmt.Println("guest:", err)
	} else {
		code = m.Run()
	}
	fmt.Printf("guest: tests ended with %d\n", code)
	unix.Sync()
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
}

// prepareGuest mounts what programs expect, loads the modules that lie in /modules
// in the order of their names, and chooses the tests.
func prepareGuest() error {
	for _, m := range [][2]string{{"proc", "/proc"}, {"sysfs", "/sys"}, {"devtmpfs", "/dev"}, {"tmpfs", "/tmp"}} {
		if err := os.MkdirAll(m[1], 0o755); err != nil {
			return err
		}
		if err := unix.Mount(m[0], m[1], m[0], 0, ""); err != nil {
			return fmt.Errorf("mount %s: %w", m[1], err)
		}
	}
	list, err := filepath.Glob("/modules/*.ko") // sorted
	if err != nil {
		return err
	}
	for _, name := range list {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		if err := unix.FinitModule(int(f.Fd()), "", 0); err != nil {
			return fmt.Errorf("load %s: %w", name, err)
		}
		f.Close()
	}
	if err := os.MkdirAll("/etc", 0o755); err != nil {
		return err
	}
	flag.Parse()
	for name, value := range map[string]string{"test.v": "true", "test.run": "^Test(Ports|VLANs|Bonds|PowerCut|Management|TablesOf|NobodysBond)", "test.timeout": "3m"} {
		if err := flag.Set(name, value); err != nil {
			return err
		}
	}
	return nil
}
