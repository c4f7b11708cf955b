// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"evener/firmware/manage"
)

// tshark returns rows of fields of a capture file.
func tshark(t *testing.T, file, filter string, fields ...string) [][]string {
	t.Helper()
	args := []string{"-r", file, "-T", "fields", "-E", "separator=|", "-Y", filter}
	for _, f := range fields {
		args = append(args, "-e", f)
	}
	var stderr bytes.Buffer
	cmd := exec.Command("tshark", args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tshark: %v: %s", err, stderr.String())
	}
	var rows [][]string
	for line := range strings.Lines(string(out)) {
		rows = append(rows, strings.Split(strings.TrimSuffix(line, "\n"), "|"))
	}
	return rows
}

func needCapture(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("packet capture needs root")
	}
	if _, err := exec.LookPath("tshark"); err != nil {
		t.Skip("there is no tshark: run .ci/setup")
	}
}

const capturedText = `
server "web1" { address = %q }
pool "shop" {
  member "web1" {}
}
cluster "shop" {
  protocol = "http"
  listen   = ["127.0.0.1:%d"]
  pool     = "shop"
}
cluster "raw" {
  protocol = "tcp"
  listen   = ["127.0.0.1:%d"]
  pool     = "shop"
}
`

// captured waits until a capture has ended and returns it.
func (b *box) captured(id string) (found manage.Capture) {
	b.t.Helper()
	b.await("the capture has ended", func() bool {
		for _, c := range ask[manage.Captures](b, "capture.list", nil).Captures {
			if c.ID == id && c.State == "done" {
				found = c
				return true
			}
		}
		return false
	})
	return found
}

// capture starts a capture as soon as the engine, which has just begun, is ready.
func (b *box) capture(params map[string]any) (c manage.Capture) {
	b.t.Helper()
	var err error
	b.await("captures are ready", func() bool {
		err = b.call("capture.start", params, &c)
		return err == nil || !strings.Contains(err.Error(), notReady)
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return c
}

const notReady = "captures are not ready"

// packets waits until a capture has taken n and nothing more comes for half a second:
// what still waits in the kernel when a capture is stopped is not in it.
func (b *box) packets(id string, n uint64) {
	b.t.Helper()
	last, since := uint64(0), time.Now()
	b.await(fmt.Sprintf("%d packets", n), func() bool {
		for _, c := range ask[manage.Captures](b, "capture.list", nil).Captures {
			if c.ID == id && c.Packets != last {
				last, since = c.Packets, time.Now()
			}
		}
		return last >= n && time.Since(since) > 500*time.Millisecond
	})
}

func TestCaptureOfARequestJoinsBothSides(t *testing.T) {
	needCapture(t)
	o := newOrigin(t, "web1")
	port, raw := freePort(t), freePort(t)
	b := start(t, setup{config: fmt.Sprintf(capturedText, o.addr, port, raw)})
	c := b.capture(map[string]any{"interfaces": []string{"lo"}, "cluster": "shop"})

	var client net.Addr
	for i := range 3 { // on one connection
		resp, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/request-%d", port, i))
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	b.packets(c.ID, 14)
	ask[manage.Capture](b, "capture.stop", map[string]any{"id": c.ID})
	done := b.captured(c.ID)
	if done.Joined != done.Packets || done.Problem != "" || done.Reason != "stopped" {
		t.Errorf("capture %+v of %v", done, client)
	}
	file := filepath.Join(t.TempDir(), "shop.pcapng")
	b.must("capture", "save", c.ID, file)

	ids := map[string]int{} // of exchanges, by request
	for i := range 3 {
		rows := tshark(t, file, fmt.Sprintf(`http.request.uri contains "/request-%d"`, i), "tcp.dstport", "frame.comment", "frame.interface_name")
		if len(rows) != 2 {
			t.Fatalf("request %d is there %d times, want on both sides: %v", i, len(rows), rows)
		}
		id := word(rows[0][1], "exchange=")
		if id == "" || id != word(rows[1][1], "exchange=") || word(rows[0][1], "connection=") != word(rows[1][1], "connection=") {
			t.Errorf("request %d is not joined: %v", i, rows)
		}
		if rows[0][0] != fmt.Sprint(port) || word(rows[0][1], "side=") != "client" || word(rows[1][1], "side=") != "server" ||
			!strings.HasSuffix(o.addr, ":"+rows[1][0]) || word(rows[1][1], "member=") != "shop/web1" || rows[0][2] != "lo" {
			t.Errorf("request %d: %v", i, rows)
		}
		ids[id]++
		answers := tshark(t, file, fmt.Sprintf(`http.response && frame.comment contains "exchange=%s"`, id), "frame.number")
		if len(answers) != 2 {
			t.Errorf("request %d has %d answers, want one on each side", i, len(answers))
		}
	}
	if len(ids) != 3 {
		t.Errorf("3 requests have %d ids: %v", len(ids), ids)
	}
	b.must("capture", "delete", c.ID)
	if o := b.cli("capture", "save", c.ID, file+".2"); o.code != 3 {
		t.Errorf("a deleted capture: %+v", o)
	}
	if o := b.cli("capture", "start", "port", "x"); o.code != 2 && o.code != 1 || !strings.Contains(o.stderr, "character 6") {
		t.Errorf("a bad filter: %+v", o)
	}
}

// word returns what follows a mark in a text, up to a space.
func word(text, mark string) string {
	_, rest, _ := strings.Cut(text, mark)
	rest, _, _ = strings.Cut(rest, " ")
	return rest
}

// A connection that is still open when the capture ends is joined too.
func TestCaptureJoinsOpenConnections(t *testing.T) {
	needCapture(t)
	o := newOrigin(t, "web1")
	port, raw := freePort(t), freePort(t)
	b := start(t, setup{config: fmt.Sprintf(capturedText, o.addr, port, raw)})
	c := b.capture(map[string]any{"interfaces": []string{"lo"}, "cluster": "raw",
		"filter": fmt.Sprintf("port %d or port %s", raw, o.addr[strings.LastIndexByte(o.addr, ':')+1:])})
	nc, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", raw))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	io.WriteString(nc, "GET /open HTTP/1.1\r\nHost: a\r\n\r\n")
	if _, err := nc.Read(make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	b.packets(c.ID, 12)
	ask[manage.Capture](b, "capture.stop", map[string]any{"id": c.ID})
	b.captured(c.ID)
	file := filepath.Join(t.TempDir(), "raw.pcapng")
	b.must("capture", "save", c.ID, file)
	rows := tshark(t, file, `tcp.len > 0 && tcp.payload contains "GET /open"`, "frame.comment")
	if len(rows) != 2 || word(rows[0][0], "side=") != "client" || word(rows[1][0], "side=") != "server" ||
		word(rows[0][0], "connection=") != word(rows[1][0], "connection=") || word(rows[0][0], "cluster=") != "raw" {
		t.Errorf("rows %q", rows)
	}
}

// The command's own way: from a start to a file, ended by a limit.
func TestCaptureRunWritesAFile(t *testing.T) {
	needCapture(t)
	o := newOrigin(t, "web1")
	port, raw := freePort(t), freePort(t)
	b := start(t, setup{config: fmt.Sprintf(capturedText, o.addr, port, raw)})
	file := filepath.Join(t.TempDir(), "run.pcapng")
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if resp, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/", port)); err == nil {
				resp.Body.Close()
			}
		}
	}()
	var out string
	b.await("a capture ends", func() bool {
		o := b.cli("capture", "run", "-i", "lo", "-c", "20", "-w", file, "tcp", "port", fmt.Sprint(port))
		out = o.stdout + o.stderr
		return o.code == 0 || !strings.Contains(out, notReady)
	})
	if rows := tshark(t, file, "tcp", "frame.number"); len(rows) != 20 || !strings.Contains(out, "20 packets are in") {
		t.Errorf("%d packets; %s", len(rows), out)
	}
	if list := ask[manage.Captures](b, "capture.list", nil); len(list.Captures) != 0 {
		t.Errorf("the box keeps %+v", list.Captures)
	}
	if o := b.cli("capture", "run", "-w", file); o.code != 1 || !strings.Contains(o.stderr, "there already") {
		t.Errorf("over a file: %+v", o)
	}
}

// A box that is stopped completes what it captures, and nobody waits for it in vain.
func TestCaptureEndsWithTheBox(t *testing.T) {
	needCapture(t)
	o := newOrigin(t, "web1")
	port, raw := freePort(t), freePort(t)
	b := start(t, setup{config: fmt.Sprintf(capturedText, o.addr, port, raw)})
	c := b.capture(map[string]any{"interfaces": []string{"lo"}, "cluster": "shop"})
	resp, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/", port))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	b.packets(c.ID, 10)
	if err := b.stop(); err != nil {
		t.Error(err)
	}
	rows := tshark(t, filepath.Join(b.state, "captures", c.ID+".pcapng"), "http.request", "frame.comment")
	if len(rows) != 2 || word(rows[0][0], "exchange=") == "" {
		t.Errorf("rows %q", rows)
	}
	log, err := os.ReadFile(b.log)
	if err != nil || bytes.Contains(log, []byte("had not stopped")) {
		t.Errorf("the engine had to be killed (%v)", err)
	}
}
