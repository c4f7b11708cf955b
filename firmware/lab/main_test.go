// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"evener/firmware/manage"
)

// long is more than anything takes here.
const long = 45 * time.Second

var built struct {
	once func() (string, error)
}

// labs counts those that were built.
var labs atomic.Int64

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "evener-lab-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	built.once = sync.OnceValues(func() (string, error) {
		exe := filepath.Join(dir, "evener")
		cmd := exec.Command("go", "build", "-o", exe, "evener/firmware/cmd/evener")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("build the program: %w: %s", err, out)
		}
		return exe, nil
	})
	return m.Run()
}

// build builds a lab with nothing running.
func build(t *testing.T, cfg Config) *Lab {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("network namespaces need root")
	}
	exe, err := built.once()
	must(t, err)
	cfg.Evener, cfg.Dir, cfg.Log = exe, t.TempDir(), t.Output()
	cfg.Prefix = "ev" + strconv.FormatInt(int64(os.Getpid())<<8|labs.Add(1), 36) // of this lab alone
	l, err := New(cfg)
	must(t, err)
	t.Cleanup(func() { must(t, l.Close()) })
	return l
}

// pair builds a lab whose boxes run, are paired and agree.
func pair(t *testing.T, cfg Config) *Lab {
	t.Helper()
	if cfg.Group == "" {
		cfg.Group = `interval = "100ms"`
	}
	l := build(t, cfg)
	must(t, l.Start(t.Context()))
	must(t, l.Pair(t.Context()))
	settled(t, l, l.Boxes[0])
	for _, b := range l.Boxes {
		await(t, b.Name+" is in sync with its peers", func() error { return b.inSync(t.Context()) })
	}
	return l
}

func (b *Box) inSync(ctx context.Context) error {
	s, err := b.HA(ctx)
	if err != nil {
		return err
	}
	for _, p := range s.Peers {
		if !p.Mirror.Connected || !p.Heartbeat.Seen || p.Differences.State != manage.HAInSync {
			return fmt.Errorf("peer %s: %+v", p.Name, p)
		}
	}
	return nil
}

// switchTo has a box send a group to another, as soon as it hears that one.
func switchTo(t *testing.T, from *Box, group, node string) {
	t.Helper()
	await(t, group+" can be sent to "+node, func() error {
		return from.Call(t.Context(), "ha.switch", map[string]string{"group": group, "node": node}, nil)
	})
}

// settled waits until a box, and no other that runs, has the addresses, says so, and
// says why.
func settled(t *testing.T, l *Lab, want *Box, but ...*Box) {
	t.Helper()
	await(t, want.Name+" alone is active", func() error {
		for _, b := range l.Boxes {
			if len(but) > 0 && b == but[0] {
				continue
			}
			for _, addr := range []string{VIP.String(), VIP6.String()} {
				if has, err := b.Holds(addr); err != nil || has != (b == want) {
					return errors.Join(err, fmt.Errorf("box %s has %s: %v", b.Name, addr, has))
				}
			}
			s, err := b.HA(t.Context())
			if err != nil {
				return err
			}
			for _, g := range s.Groups {
				if g.Name == "front" && ((g.State == manage.HAActive) != (b == want) || g.Reason == "") {
					return fmt.Errorf("box %s: group is %s because of %q", b.Name, g.State, g.Reason)
				}
			}
		}
		return nil
	})
}

// await waits until there is nothing wrong any more.
func await(t *testing.T, what string, wrong func() error) {
	t.Helper()
	end := time.Now().Add(long)
	for {
		err := wrong()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s: %v", long, what, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// group returns what a box says of the group, as soon as it does.
func group(t *testing.T, b *Box) (g manage.HAGroup) {
	t.Helper()
	await(t, b.Name+" tells of its group", func() error {
		s, err := b.HA(t.Context())
		if err == nil && len(s.Groups) == 0 {
			err = errors.New("it has none")
		}
		if err == nil {
			g = s.Groups[0]
		}
		return err
	})
	return g
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
