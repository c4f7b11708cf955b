// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"evener/firmware/manage"
)

// A browser is a client of the console that remembers the certificate it was shown.
type browser struct {
	http.Client
	fingerprint string
}

func newBrowser(t *testing.T) *browser {
	b := &browser{}
	b.Timeout = 10 * time.Second
	b.Transport = &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{
		InsecureSkipVerify: true, // as after a look at the fingerprint
		VerifyConnection: func(s tls.ConnectionState) error {
			sum := sha256.Sum256(s.PeerCertificates[0].Raw)
			b.fingerprint = hex.EncodeToString(sum[:])
			return nil
		}}}
	t.Cleanup(b.CloseIdleConnections)
	return b
}

// whoami asks the engine, through the console, who calls, and returns the answer.
func (b *browser) whoami(addr string) (status int, body string, err error) {
	r, err := b.Post("https://"+addr+"/api/v1/rpc", "application/json", strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"auth.whoami"}`))
	if err != nil {
		return 0, "", err
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	return r.StatusCode, string(text), err
}

// reaches reports whether the console at addr passes calls on to an engine.
func (b *browser) reaches(addr string) bool {
	status, body, err := b.whoami(addr)
	return err == nil && status == http.StatusUnauthorized && strings.Contains(body, "auth.")
}

// A process is what the supervisor tells of a role.
type process struct {
	PID, Restarts, Crashes int
	running                bool
}

func (b *box) role(name string) process {
	b.t.Helper()
	for _, r := range b.info().Roles {
		if r.Name == name {
			return process{r.PID, r.Restarts, r.Crashes, r.State == "running"}
		}
	}
	b.t.Fatalf("there is no role %s", name)
	return process{}
}

// replaced waits until another process than old is a role's, and runs.
func (b *box) replaced(name string, old int) {
	b.t.Helper()
	b.await("another process is the "+name, func() bool { r := b.role(name); return r.PID != old && r.running })
}

func consoleSite(t *testing.T) (s site, addr string) {
	s = newSite(t, newOrigins(t, "web1", "web2")...)
	addr = fmt.Sprintf("127.0.0.1:%d", freePort(t))
	s.rest = consoleAt(addr)
	return s, addr
}

func consoleAt(addrs ...string) string {
	return fmt.Sprintf("console { listen = [\"%s\"] }\n", strings.Join(addrs, `", "`))
}

func TestConsoleIsAProcessWithoutRights(t *testing.T) {
	s, addr := consoleSite(t)
	b := start(t, setup{config: s.text()})
	web := newBrowser(t)
	b.await("the console answers", func() bool { return web.reaches(addr) })
	info := b.info().Console
	if web.fingerprint != info.Fingerprint || !slices.Equal(info.Addresses, []string{"https://" + addr}) {
		t.Errorf("the browser was shown %s, the box tells of %+v", web.fingerprint, info)
	}
	r, err := web.Get("https://" + addr + "/")
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if r.ProtoMajor < 1 || r.TLS == nil || r.TLS.Version < tls.VersionTLS12 {
		t.Errorf("the console spoke %s, TLS %v", r.Proto, r.TLS)
	}
	pid := b.role("console").PID
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"NoNewPrivs:\t1\n", "CapEff:\t0000000000000000\n"}
	if os.Getuid() == 0 {
		want = append(want, "CapPrm:\t0000000000000000\n")
		if strings.Contains(string(status), "Uid:\t0\t") {
			t.Error("the console runs as root")
		}
	}
	for _, w := range want {
		if !strings.Contains(string(status), w) {
			t.Errorf("the status of the console's process lacks %q:\n%s", w, status)
		}
	}
	if nice, err := syscall.Getpriority(syscall.PRIO_PROCESS, pid); err != nil || 20-nice != 5 {
		t.Errorf("nice value %d, %v; want 5", 20-nice, err)
	}
	if st, err := os.Stat(b.state); err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("the state has mode %v, %v; want 0700", st.Mode(), err)
	}
	hex := strings.ReplaceAll(b.must("show", "console"), ":", "")
	if !strings.Contains(hex, strings.ToUpper(info.Fingerprint)) {
		t.Errorf("show console does not show the fingerprint %s:\n%s", info.Fingerprint, hex)
	}
	if out := b.must("status"); !strings.Contains(out, "console https://"+addr) {
		t.Errorf("status does not tell where the console is:\n%s", out)
	}
}

// TestConsoleThatEndsLeavesTrafficAlone: in order, and by force.
func TestConsoleThatEndsLeavesTrafficAlone(t *testing.T) {
	s, addr := consoleSite(t)
	b := start(t, setup{config: s.text()})
	b.usable("shop")
	web := newBrowser(t)
	b.await("the console answers", func() bool { return web.reaches(addr) })
	shown, engine := web.fingerprint, b.info().PID
	l := startLoad(t, s.listen, "/", 8)
	for range 2 {
		l.reach(int(l.good.Load()) + scale(1000))
		old := b.role("console").PID
		b.must("restart", "console")
		b.replaced("console", old)
		b.await("the console answers after a restart", func() bool { return web.reaches(addr) })

		old = b.role("console").PID
		if err := syscall.Kill(old, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		b.replaced("console", old)
		b.await("the console answers after a crash", func() bool { return web.reaches(addr) })
	}
	l.reach(int(l.good.Load()) + scale(1000))
	l.stop()
	l.clean()
	l.noneStale()
	if now := b.info(); now.PID != engine || web.fingerprint != shown {
		t.Errorf("the engine is process %d, was %d; the certificate is %s, was %s", now.PID, engine, web.fingerprint, shown)
	}
	if r := b.role("console"); r.Restarts != 2 || r.Crashes != 2 {
		t.Errorf("the supervisor tells of %d restarts and %d crashes of the console; want 2 and 2", r.Restarts, r.Crashes)
	}
}

func TestConsoleFindsTheNewEngine(t *testing.T) {
	s, addr := consoleSite(t)
	b := start(t, setup{config: s.text()})
	web := newBrowser(t)
	b.await("the console answers", func() bool { return web.reaches(addr) })
	console := b.role("console").PID
	b.must("restart", "engine")
	b.await("the console reaches the new engine", func() bool { return web.reaches(addr) })
	b.killEngine()
	b.await("the console reaches the engine after a crash", func() bool { return web.reaches(addr) })
	b.await("the engine knows where the console listens", func() bool { return slices.Equal(b.info().Console.Listening, []string{addr}) })
	if now := b.role("console").PID; now != console {
		t.Errorf("the console is process %d, was %d", now, console)
	}
}

// TestConsoleMoves: with a commit, and not where it cannot.
func TestConsoleMoves(t *testing.T) {
	s, first := consoleSite(t)
	b := start(t, setup{config: s.text()})
	web := newBrowser(t)
	b.await("the console answers", func() bool { return web.reaches(first) })
	second := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	s.rest = consoleAt(second)
	b.commit(s.text())
	b.await("the console answers at its new address", func() bool { return web.reaches(second) })
	b.await("the old address is closed", func() bool { _, _, err := web.whoami(first); return err != nil })

	thief, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer thief.Close()
	s.rest = consoleAt(thief.Addr().String())
	b.commit(s.text())
	b.await("status tells why the console did not move", func() bool {
		o := b.cli("status")
		return o.code == 1 && strings.Contains(o.stdout, thief.Addr().String()) && strings.Contains(o.stdout, "in use")
	})
	if !web.reaches(second) {
		t.Error("the console has left its old address though it has no new one")
	}
	thief.Close()
	b.await("the console moves when it can", func() bool { return web.reaches(thief.Addr().String()) })
	b.await("nothing needs attention", func() bool { return !strings.Contains(b.cli("status").stdout, "the console:") })

	s.rest = "console { listen = [] }\n"
	b.commit(s.text())
	b.await("the console is off", func() bool { _, _, err := web.whoami(thief.Addr().String()); return err != nil })
	if out := b.must("show", "console"); !strings.Contains(out, "off") {
		t.Errorf("show console of one that is off:\n%s", out)
	}
}

// TestConsoleTakesNoPortOfACluster: the kernel would let it.
func TestConsoleTakesNoPortOfACluster(t *testing.T) {
	s, addr := consoleSite(t)
	b := start(t, setup{config: s.text()})
	web := newBrowser(t)
	b.await("the console answers", func() bool { return web.reaches(addr) })
	s.listen, s.rest = addr, "console { listen = [] }\n"
	ask[manage.Checked](b, "config.set", map[string]any{"text": s.text()})
	err := b.call("config.commit", map[string]any{}, nil)
	if err == nil || !strings.Contains(err.Error(), "the role console listens on tcp "+addr) {
		t.Errorf("commit of a cluster on the console's address = %v, want who has it", err)
	}
	if !web.reaches(addr) {
		t.Error("the console is gone")
	}
}
