// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// ttySpeeds are the speeds that serial lines are used with.
var ttySpeeds = map[int]uint32{9600: unix.B9600, 19200: unix.B19200, 38400: unix.B38400, 57600: unix.B57600, 115200: unix.B115200,
	230400: unix.B230400, 460800: unix.B460800, 921600: unix.B921600, 1500000: unix.B1500000}

// openTTY opens a terminal device for a dialogue: eight bits, no echo, nothing
// translated, no modem lines and no flow control. It leaves alone what another
// program talks to people over.
func openTTY(path string, speed int) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	err = control(f, func(fd int) error {
		var st unix.Stat_t
		if err := unix.Fstat(fd, &st); err != nil {
			return err
		}
		if pid, name := terminalOf("/proc", st.Rdev); pid != 0 {
			return fmt.Errorf("process %d (%s) has it as its terminal", pid, name)
		}
		return setRaw(fd, speed)
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), f.Close())
	}
	return f, nil
}

// control runs f with the descriptor of a file, which stays as it is otherwise.
func control(file *os.File, f func(fd int) error) error {
	rc, err := file.SyscallConn()
	if err != nil {
		return err
	}
	var inner error
	err = rc.Control(func(fd uintptr) { inner = f(int(fd)) })
	return errors.Join(err, inner)
}

// setRaw makes a terminal carry bytes as they are. A speed of 0 leaves the speed.
func setRaw(fd, speed int) error {
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return fmt.Errorf("it is no terminal: %w", err)
	}
	rawTermios(t)
	if speed != 0 {
		b, ok := ttySpeeds[speed]
		if !ok {
			return fmt.Errorf("the speed must be one of %v, not %d", slices.Sorted(maps.Keys(ttySpeeds)), speed)
		}
		t.Cflag = t.Cflag&^unix.CBAUD | b
		t.Ispeed, t.Ospeed = b, b
	}
	return unix.IoctlSetTermios(fd, unix.TCSETS, t)
}

// rawTermios changes the settings of a terminal to those of a bare line with 8N1.
func rawTermios(t *unix.Termios) {
	t.Iflag = unix.IGNBRK | unix.IGNPAR
	t.Oflag &^= unix.OPOST
	t.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	t.Cflag &^= unix.CSIZE | unix.PARENB | unix.CSTOPB | unix.CRTSCTS | unix.HUPCL
	t.Cflag |= unix.CS8 | unix.CREAD | unix.CLOCAL
	t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
}

// terminalOf returns a process whose controlling terminal is the device, such as a
// log-in prompt; 0 if there is none.
func terminalOf(proc string, device uint64) (pid int, name string) {
	// The kernel writes it as tty_nr: bits 0-7 and 20-31 are the minor, 8-19 the major.
	minor, major := unix.Minor(device), unix.Major(device)
	nr := int(int32(minor&0xff | major<<8 | (minor&^0xff)<<12))
	list, err := os.ReadDir(proc)
	if err != nil {
		return 0, ""
	}
	for _, e := range list {
		n, err := strconv.Atoi(e.Name())
		if err != nil || n == os.Getpid() {
			continue
		}
		stat, err := os.ReadFile(proc + "/" + e.Name() + "/stat")
		if err != nil {
			continue // it has ended
		}
		// The name stands in brackets and may have brackets and blanks itself.
		end := strings.LastIndexByte(string(stat), ')')
		begin := strings.IndexByte(string(stat), '(')
		if end < 0 || begin < 0 {
			continue
		}
		if fields := strings.Fields(string(stat[end+1:])); len(fields) > 4 && fields[4] == strconv.Itoa(nr) {
			return n, string(stat[begin+1 : end])
		}
	}
	return 0, ""
}

// A pseudo is a pseudo-terminal whose other end anybody with the right may open.
type pseudo struct {
	master *os.File
	path   string // of the other end
}

// newPseudo makes a pseudo-terminal that nobody has open.
func newPseudo() (*pseudo, error) {
	m, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("make a pseudo-terminal: %w", err)
	}
	p := &pseudo{master: m}
	err = control(m, func(fd int) error {
		if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
			return err
		}
		n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
		p.path = fmt.Sprintf("/dev/pts/%d", n)
		return errors.Join(err, setRaw(fd, 0)) // of the other end, by this one
	})
	if err == nil {
		// Only an end that was open and is closed counts as hung up.
		var other *os.File
		if other, err = os.OpenFile(p.path, os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0); err == nil {
			err = other.Close()
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make a pseudo-terminal: %w", err), m.Close())
	}
	return p, nil
}

// inUse reports whether somebody has the other end open.
func (p *pseudo) inUse() bool {
	used := false
	_ = control(p.master, func(fd int) error {
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		_, err := unix.Poll(fds, 0)
		used = err == nil && fds[0].Revents&unix.POLLHUP == 0
		return nil
	})
	return used
}

// forget throws away what was typed and shown and not read.
func (p *pseudo) forget() {
	_ = control(p.master, func(fd int) error {
		return errors.Join(unix.IoctlSetInt(fd, unix.TCFLSH, unix.TCIOFLUSH), setRaw(fd, 0))
	})
}
