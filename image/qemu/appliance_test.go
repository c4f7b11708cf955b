// SPDX-License-Identifier: Apache-2.0

package qemu

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"evener/image/slot"
)

// consolePort and shopPort are ports of the box.
const (
	consolePort = 9443
	shopPort    = 8080
)

const password = "correct horse battery staple"

// A person uses the console of a box with a browser.
type person struct {
	*box
	http.Client
}

// oneNIC is a guest whose management port is in QEMU's user network.
func oneNIC(cfg Config) Config {
	cfg.NICs = []NIC{{Forward: []int{consolePort, shopPort}}}
	return cfg
}

// enter brings the serial dialogue to the question whether the box is to be set up,
// when the box has come so far.
func (b *box) enter() {
	b.t.Helper()
	b.expect("Press Enter for the menu")
	for {
		b.send("\r")
		if which, _ := b.expect("no administrator yet", "number, Enter for the menu|Number, Enter for the menu"); which == 0 {
			return
		}
		b.send("0\r")
		b.expect("Press Enter for the menu")
		b.pause()
	}
}

// pause is between two looks at something that takes a while.
func (b *box) pause() {
	select {
	case <-b.ctx.Done():
		b.t.Fatal(b.ctx.Err())
	case <-time.After(time.Second):
	}
}

func (b *box) send(text string) {
	b.t.Helper()
	if err := b.Serial().Send(text); err != nil {
		b.t.Fatal(err)
	}
}

// setUp goes through the first set-up at the serial console, as a new user does, and
// makes the first administrator with a browser.
func setUp(b *box) *person {
	b.t.Helper()
	b.enter()
	b.answer("Set it up now", "y")
	b.answer("address come from", "1")
	b.answer("VLAN", "")
	b.answer("Name servers", "")
	b.answer("at every address", "y")
	b.answer("Name of the box", "lb1")
	b.answer("Time zone", "")
	b.answer("Time servers", "")
	b.answer("Do it", "y")
	b.answer("k keep it", "k")
	_, m := b.expect(`set-up code +(\S+)\s`)
	p := &person{box: b}
	p.Transport = &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} // as after a look at the fingerprint
	p.Timeout = time.Minute
	b.t.Cleanup(p.CloseIdleConnections)
	p.Jar, _ = cookiejar.New(nil) // never an error
	p.await("the first administrator", func() error {
		return p.post("/api/v1/setup", map[string]any{"code": m[1], "user": "admin", "password": password}, nil)
	})
	return p
}

// post sends JSON to the console and reads the answer into result.
func (p *person) post(path string, in, result any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(p.ctx, http.MethodPost, "https://"+p.Addr(consolePort)+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := p.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%w: %s: %s: %s", errRefused, path, resp.Status, text)
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(text, result)
}

// ask calls a method of the API.
func (p *person) ask(method string, params, result any) error {
	if params == nil {
		params = struct{}{}
	}
	var out struct {
		Result json.RawMessage `json:"result"`
		Error  json.RawMessage `json:"error"`
	}
	if err := p.post("/api/v1/rpc", map[string]any{"jsonrpc": "2.0", "id": 1, "method": method, "params": params}, &out); err != nil {
		return err
	}
	if out.Error != nil {
		return fmt.Errorf("%w: %s: %s", errRefused, method, out.Error)
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(out.Result, result)
}

func (p *person) must(method string, params, result any) {
	p.t.Helper()
	if err := p.ask(method, params, result); err != nil {
		p.t.Fatal(err)
	}
}

// await tries until it works.
func (b *box) await(what string, f func() error) {
	b.t.Helper()
	for {
		err := f()
		if err == nil {
			return
		}
		select {
		case <-b.ctx.Done():
			b.t.Fatalf("%s: %v; last: %v; on the serial line:\n%s", what, b.ctx.Err(), err, tail(b.Serial().Unread()))
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// publish has the box serve a cluster with the origins as members. More goes into the
// configuration as it is.
func (p *person) publish(more string, origins ...*httptest.Server) {
	p.t.Helper()
	var old struct {
		Text string `json:"text"`
	}
	p.must("config.text", nil, &old)
	var b strings.Builder
	b.WriteString(old.Text + "\n" + more + "\n")
	members := ""
	for i, o := range origins {
		_, port, _ := net.SplitHostPort(o.Listener.Addr().String())
		fmt.Fprintf(&b, "\nserver \"web%d\" { address = \"10.0.2.2:%s\" }\n", i, port) // this machine, for the guest
		members += fmt.Sprintf("  member \"web%d\" {}\n", i)
	}
	fmt.Fprintf(&b, "pool \"shop\" {\n%s  probe \"http\" {\n    path = \"/health\"\n    interval = \"2s\"\n  }\n}\n", members)
	fmt.Fprintf(&b, "cluster \"shop\" {\n  protocol = \"http\"\n  listen = [\"0.0.0.0:%d\"]\n  pool = \"shop\"\n}\n", shopPort)
	p.must("config.set", map[string]any{"text": b.String()}, nil)
	p.must("config.commit", map[string]any{"comment": "the shop"}, nil)
}

// shop gets the cluster's answer.
func (b *box) shop() (string, error) {
	// QEMU takes a connection before the guest does, and then nothing comes of it.
	client := &http.Client{Timeout: 3 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get("http://" + b.Addr(shopPort) + "/")
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", resp.Status, text)
	}
	return string(text), err
}

// serves waits for an answer of an origin through the cluster.
func (b *box) serves(want string) {
	b.t.Helper()
	b.await("an answer through the cluster", func() error {
		got, err := b.shop()
		if err == nil && got != want {
			err = fmt.Errorf("it answers %q", got)
		}
		return err
	})
}

// anOrigin answers everything with text.
func anOrigin(t testing.TB, text string) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, text) }))
	t.Cleanup(s.Close)
	return s
}

// A shown is what is used of the result of upgrade.show.
type shown struct {
	Running struct {
		Slot, Version string
		OK            bool
	}
	Slots []struct {
		Slot, Version, State, Reason string
	}
	Progress *struct{ Step string }
	Journal  []struct{ Event, Slot, Version, Reason string }
}

// reason is what the journal says of the newest event of a kind.
func (s *shown) reason(event string) string {
	for _, e := range s.Journal { // the newest first
		if e.Event == event {
			return e.Reason
		}
	}
	return ""
}

// upgrades asks for the slots, when the box answers.
func (p *person) upgrades() (s shown) {
	p.t.Helper()
	p.await("upgrade.show", func() error { return p.ask("upgrade.show", nil, &s) })
	return s
}

// sudo gives the password again.
func (p *person) sudo() {
	p.t.Helper()
	p.await("the password again", func() error { return p.post("/api/v1/sudo", map[string]any{"password": password}, nil) })
}

// take has the box fetch a bundle and waits for the end of that. It returns the last
// reason of a refusal, "" if the bundle was written.
func (p *person) take(bundle []byte) string {
	p.t.Helper()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write(bundle) }))
	defer web.Close()
	_, port, _ := net.SplitHostPort(web.Listener.Addr().String())
	before := p.upgrades()
	p.sudo()
	p.must("upgrade.fetch", map[string]any{"url": "http://10.0.2.2:" + port + "/evener.evb"}, nil)
	var s shown
	p.await("the end of the update", func() error {
		if err := p.ask("upgrade.show", nil, &s); err != nil {
			return err
		}
		if s.Progress != nil || len(s.Journal) == len(before.Journal) {
			return fmt.Errorf("it goes on: %+v", s.Progress)
		}
		return nil
	})
	last := s.Journal[0]
	if last.Event == "written" {
		return ""
	}
	return last.Reason
}

// restartInto has the box start a slot now.
func (p *person) restartInto(slot string) {
	p.t.Helper()
	before := len(resets(p.Guest))
	p.sudo()
	// The box may be gone before it has answered. A box that refuses stays.
	if err := p.ask("upgrade.activate", map[string]any{"slot": slot, "reboot": true}, nil); errors.Is(err, errRefused) && !strings.Contains(err.Error(), "engine.restarting") {
		p.t.Fatal(err)
	}
	if err := p.WaitReset(p.ctx, before+1); err != nil {
		p.t.Fatal(err)
	}
}

// resets lists how often the machine has begun anew.
func resets(g *Guest) (list []Event) {
	for _, e := range g.Events() {
		if e.Name == "RESET" {
			list = append(list, e)
		}
	}
	return list
}

// again cuts the power of the box, changes its boot state, and switches it on. The
// display is taken away meanwhile.
func (p *person) again(change func(slot.State) slot.State) *person {
	p.t.Helper()
	if err := p.Kill(); err != nil {
		p.t.Fatal(err)
	}
	image := filepath.Join(p.t.TempDir(), "again.img")
	if err := Flatten(p.ctx, p.Disk(), image); err != nil {
		p.t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		p.t.Fatal(err)
	}
	d, err := slot.Open(image)
	if err != nil {
		p.t.Fatal(err)
	}
	s, err := d.Boot()
	if err == nil {
		err = d.SetBoot(change(s))
	}
	if err := errors.Join(err, d.Close()); err != nil {
		p.t.Fatal(err)
	}
	cfg := p.cfg
	cfg.Disk, cfg.Panel = image, false
	return &person{boot(p.t, p.places, cfg), p.Client}
}

var (
	errNotYet  = errors.New("not yet")         // something is still under way
	errRefused = errors.New("the box says no") // it was asked, and answers so
)
