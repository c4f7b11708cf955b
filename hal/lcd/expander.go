// SPDX-License-Identifier: Apache-2.0

package lcd

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// i2cSlave is the request that says which device on the bus a file talks to
// (I2C_SLAVE of linux/i2c-dev.h).
const i2cSlave = 0x0703

// usualExpanders are the addresses that a PCF8574 and a PCF8574A have when none
// of the address pins is connected.
var usualExpanders = []int{0x27, 0x3F}

// An i2cExpander is an expander on a bus of the kernel.
type i2cExpander struct{ file *os.File }

// parseExpander cuts the address off the name of a bus. It is 0 when there is
// none.
func parseExpander(device string) (path string, address int, err error) {
	if device == "" {
		return "", 0, errors.New("the board must name the bus, such as /dev/i2c-1@0x27")
	}
	path, text, found := strings.Cut(device, "@")
	if !found {
		return path, 0, nil
	}
	n, err := strconv.ParseUint(text, 0, 8)
	if err != nil || n < 0x08 || n > 0x77 {
		return "", 0, fmt.Errorf("device %q: the address behind @ must be 0x08 to 0x77, such as 0x27", device)
	}
	return path, int(n), nil
}

// openExpander opens a bus and finds the expander on it.
func openExpander(device string) (Expander, error) {
	path, address, err := parseExpander(device)
	if err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	addresses := usualExpanders
	if address != 0 {
		addresses = []int{address}
	}
	for _, a := range addresses {
		if err = selectExpander(file, a); err == nil {
			return &i2cExpander{file}, nil
		}
	}
	file.Close()
	return nil, err
}

// selectExpander makes a file talk to an address and sees whether something
// answers: the light of the display goes on.
func selectExpander(file *os.File, address int) error {
	err := unix.IoctlSetInt(int(file.Fd()), i2cSlave, address)
	switch {
	case errors.Is(err, unix.EBUSY):
		return fmt.Errorf("%s: a driver of the kernel has address %#x; use driver charlcd if it is the display's",
			file.Name(), address)
	case errors.Is(err, unix.ENOTTY) || errors.Is(err, unix.EINVAL):
		return fmt.Errorf("%s is no I2C bus", file.Name())
	case err != nil:
		return fmt.Errorf("select address %#x on %s: %w", address, file.Name(), err)
	}
	if _, err := file.Write([]byte{pinLight}); err != nil {
		return fmt.Errorf("no display at address %#x: %w", address, err)
	}
	return nil
}

// expanderMost is how many bytes go out in one transfer. Adapters have limits;
// all take 32 bytes, and each transfer costs only one more byte.
const expanderMost = 30

// Set sets the pins.
func (x *i2cExpander) Set(pins []byte) error {
	for len(pins) > 0 {
		n := min(len(pins), expanderMost)
		if _, err := x.file.Write(pins[:n]); err != nil {
			return err
		}
		pins = pins[n:]
	}
	return nil
}

// Close closes the bus.
func (x *i2cExpander) Close() error { return x.file.Close() }
