// SPDX-License-Identifier: Apache-2.0

package supervise

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// roleEnv names the variable that makes the test binary another program.
const roleEnv = "SUPERVISE_TEST_ROLE"

func TestMain(m *testing.M) {
	programs := map[string]func() error{
		"server":     serverRole,
		"supervisor": supervisorProgram,
		"orphaner":   orphanerRole,
		"stubborn":   stubbornRole,
		"status":     statusRole,
		"answerer":   answererRole,
		"dialler":    diallerRole,
		"crasher":    func() error { panic("out of oats") },
	}
	name := os.Getenv(roleEnv)
	if name == "" {
		os.Exit(m.Run())
	}
	if err := programs[name](); err != nil {
		fmt.Fprintln(os.Stderr, name+":", err)
		os.Exit(1)
	}
}

// serverRole answers each line on $ADDR with "version pid" until it is drained.
func serverRole() error {
	link, err := Join(os.Getenv("VERSION"))
	if err != nil {
		return err
	}
	if err := link.Ready(); err != nil {
		return err
	}
	specs := []ListenSpec{{Network: "tcp", Addr: netip.MustParseAddrPort(os.Getenv("ADDR")), Count: 2}}
	var s server
	for order := range link.Orders() {
		switch order.Kind {
		case Go:
			if err := s.open(link, specs); err != nil {
				return err
			}
			if os.Getenv("CHILD") != "" { // somebody reads it
				fmt.Println("serving")
			}
		case Drain:
			s.stopAccepting()
			if err := link.Released(); err != nil {
				return err
			}
			s.conns.Wait()
			return nil
		case Stop:
			return nil
		}
	}
	fmt.Fprintln(os.Stderr, "the supervisor is gone") // the pipe is broken, which must not kill us
	fmt.Println("gone")
	return nil
}

type server struct {
	link      *Link
	listeners []net.Listener
	accepts   sync.WaitGroup
	conns     sync.WaitGroup
}

func (s *server) open(link *Link, specs []ListenSpec) error {
	s.link = link
	got, err := link.Acquire(specs)
	if err != nil {
		return err
	}
	if err := link.Keep(specs); err != nil {
		return err
	}
	for i := range got[0].FDs {
		ln, err := got[0].Net(i)
		if err != nil {
			return err
		}
		s.listeners = append(s.listeners, ln)
		s.accepts.Go(func() {
			for {
				c, err := ln.Accept()
				if err != nil {
					return
				}
				s.conns.Go(func() { s.serve(c) })
			}
		})
	}
	return nil
}

func (s *server) stopAccepting() {
	for _, ln := range s.listeners {
		ln.Close()
	}
	s.accepts.Wait()
}

// serve answers lines. "restart" asks the supervisor to replace this process.
func (s *server) serve(c net.Conn) {
	defer c.Close()
	for in := bufio.NewScanner(c); in.Scan(); {
		reply := fmt.Sprintf("%s %d", os.Getenv("VERSION"), os.Getpid())
		if in.Text() == "restart" {
			reply = fmt.Sprint(s.link.Restart(s.link.Role()))
		}
		if _, err := fmt.Fprintln(c, reply); err != nil {
			return
		}
	}
}

// stubbornRole obeys nothing and says so.
func stubbornRole() error {
	link, err := Join("")
	if err != nil {
		return err
	}
	if err := link.Ready(); err != nil {
		return err
	}
	fmt.Println("up")
	select {}
}

// statusRole says on standard error what the kernel knows of it.
func statusRole() error {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err
	}
	// The call returns 20 less the nice value.
	raw, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(os.Stderr, "%snice %d\n", b, 20-raw)
	return err
}

// orphanerRole leaves a grandchild that ends when it is told to, on its
// standard input, and prints the grandchild's id.
func orphanerRole() error {
	link, err := Join("")
	if err != nil {
		return err
	}
	if err := link.Ready(); err != nil {
		return err
	}
	<-link.Orders()
	out, err := exec.Command("sh", "-c", "sleep 0.1 >/dev/null & echo $!").Output()
	if err != nil {
		return err
	}
	fmt.Println("orphan", strings.TrimSpace(string(out)))
	for range link.Orders() {
		return nil
	}
	return nil
}

// supervisorProgram supervises one role, $CHILD, until it is told to end.
func supervisorProgram() error {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return err
	}
	s, err := New(Config{
		Roles: []Role{{Name: "it", MayListen: true, MayControl: true, Env: []string{roleEnv + "=" + os.Getenv("CHILD")}}},
		Reap:  true,
		Log:   slog.New(slog.NewTextHandler(os.Stderr, nil)),
		Watch: func(e Event) {
			if e.Kind == Running {
				fmt.Println("running", e.PID)
			}
		},
	})
	if err != nil {
		return err
	}
	return s.Run(context.Background())
}
