// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
	"time"

	"evener/firmware/api"
	"evener/firmware/audit"
	"evener/firmware/event"
	"evener/firmware/support"
)

// A SupportBundle is a file for those who look for a fault, which follows.
type SupportBundle struct {
	Stream int    `json:"stream" doc:"a gzipped tar archive; its manifest.json lists what is in it"`
	Name   string `json:"name" doc:"for the file"`
}

func (b *Box) addSupport(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "support.bundle", Purpose: "Sends one file of what helps to find a fault, without secrets.",
		Role: api.Admin, Sudo: true, Audit: "make a support bundle", Timeout: time.Minute},
		func(ctx context.Context, c api.Call, _ struct{}) (SupportBundle, error) {
			if err := unscoped(c, "what the box knows of all clusters"); err != nil {
				return SupportBundle{}, err
			}
			head := support.Head{Version: b.cfg.Version, Host: b.cfg.Hostname, Board: b.cfg.Board, Made: time.Now().UTC(), By: c.Author}
			stream, err := api.OpenDownload(ctx, b.bundle(reg, c, head))
			return SupportBundle{stream, "evener-support-" + head.Made.Format("20060102-150405") + ".tar.gz"}, err
		})
}

// bundle makes the file as it is read.
func (b *Box) bundle(reg *api.Registry, c api.Call, head support.Head) io.ReadCloser {
	ctx, stop := context.WithCancel(context.Background())
	r, w := io.Pipe()
	e := &export{r, stop, make(chan struct{})}
	go func() {
		defer close(e.done)
		var s support.Secrets
		b.knownSecrets(&s)
		w.CloseWithError(support.Write(ctx, w, head, b.supportParts(reg, c), &s)) // nil is io.EOF
	}()
	return e
}

// knownSecrets tells s what must stand nowhere: what the vault holds as a text, and
// what the texts of all revisions that are kept hold.
func (b *Box) knownSecrets(s *support.Secrets) {
	if a := b.cfg.Auth; a != nil {
		s.Add(a.SetupCode())
	}
	if b.cfg.Store == nil {
		return
	}
	vault := b.cfg.Store.Vault()
	for name := range vault.Items("") {
		data, err := vault.Load(name)
		if err == nil && len(data) <= 1024 && !bytes.ContainsAny(data, "{\n") {
			s.Add(string(data))
		}
	}
	for _, rev := range b.cfg.Store.History() {
		if text, err := b.cfg.Store.Text(rev.Number); err == nil {
			s.Config(string(text))
		}
	}
}

// supportCalls are the methods whose answers go into a bundle, as far as the box has
// them.
var supportCalls = []struct{ method, params, what string }{
	{"sys.info", `{}`, "what runs, and what needs attention"},
	{"machine.show", `{}`, "the devices of the supervisor"},
	{"hardware.show", `{}`, "board and sensors"},
	{"port.list", `{}`, "network ports"},
	{"network.show", `{}`, "the management port"},
	{"time.show", `{}`, "the clock and its time servers"},
	{"cluster.list", `{}`, "clusters"},
	{"rule.list", `{}`, "rules"},
	{"pool.list", `{}`, "pools and members"},
	{"connection.list", `{"limit":200}`, "open connections, the oldest"},
	{"certificate.list", `{}`, "certificates, without their keys"},
	{"config.history", `{}`, "revisions"},
	{"capture.list", `{}`, "packet captures"},
}

// supportParts lists the files of a bundle.
func (b *Box) supportParts(reg *api.Registry, c api.Call) []support.Part {
	parts := []support.Part{
		{Name: "configuration.hcl", What: "the revision that runs", Make: b.runningText}, // first: what it hides is hidden in all others
	}
	for _, m := range supportCalls {
		if reg.Method(m.method) == nil {
			continue
		}
		parts = append(parts, support.Part{Name: m.method + ".json", What: m.what, Make: func(ctx context.Context) ([]byte, error) {
			raw, err := reg.Call(ctx, c, m.method, json.RawMessage(m.params))
			if err != nil {
				return nil, err
			}
			return raw, nil
		}})
	}
	return append(parts,
		support.Part{Name: "log.jsonl", What: "what the engine logged last", Make: b.logPart},
		support.Part{Name: "box.log", What: "what all processes of the appliance logged last", Make: b.boxLogPart},
		support.Part{Name: "events.jsonl", What: "the last events", Make: b.eventsPart},
		support.Part{Name: "audit.jsonl", What: "who did what last", Make: b.auditPart},
		support.Part{Name: "metrics.txt", What: "the statistics", Make: func(context.Context) ([]byte, error) {
			var out bytes.Buffer
			err := b.cfg.Registry.WriteText(&out)
			return out.Bytes(), err
		}},
		support.Part{Name: "goroutines.txt", What: "what the engine's goroutines do", Make: func(context.Context) ([]byte, error) {
			var out bytes.Buffer
			err := pprof.Lookup("goroutine").WriteTo(&out, 1)
			return out.Bytes(), err
		}},
		support.Part{Name: "memory.json", What: "the engine's memory", Make: func(context.Context) ([]byte, error) {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return json.Marshal(map[string]any{"heap": m.HeapAlloc, "system": m.Sys, "objects": m.HeapObjects, "collections": m.NumGC,
				"paused_ns": m.PauseTotalNs, "goroutines": runtime.NumGoroutine(), "cpus": runtime.NumCPU()})
		}},
		support.Part{Name: "system.txt", What: "kernel, memory, disks, addresses, routes", Make: b.systemPart},
		support.Part{Name: "blackbox.json", What: "the recording of the last minutes", Make: b.blackBoxPart(0)},
		support.Part{Name: "blackbox-crash.json", What: "the recording before the last crash", Make: b.blackBoxPart(1)},
	)
}

func (b *Box) runningText(context.Context) ([]byte, error) {
	return b.cfg.Store.Text(b.cfg.Store.Running().Number)
}

// jsonLines writes one object a line.
func jsonLines[T any](list []T, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	for _, v := range list {
		if err := enc.Encode(v); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), nil
}

// supportRecords is how many records of the log, events and audit log are shown.
const supportRecords = 2000

func (b *Box) logPart(context.Context) ([]byte, error) {
	return jsonLines(b.cfg.Ring.Records(0, supportRecords).Records, nil)
}

// boxLogPart asks the supervisor, which alone may read that.
func (b *Box) boxLogPart(ctx context.Context) ([]byte, error) {
	if b.cfg.Machine == nil {
		return nil, errors.New("there is no supervisor to ask")
	}
	var out struct {
		Text string `json:"text"`
	}
	err := b.cfg.Machine.Call(ctx, "log.tail", map[string]any{"bytes": 4 << 20}, &out)
	return []byte(out.Text), err
}

func (b *Box) eventsPart(context.Context) ([]byte, error) {
	if b.cfg.Events == nil {
		return nil, nil
	}
	return jsonLines(b.cfg.Events.Query(event.Filter{}, supportRecords, 0), nil)
}

func (b *Box) auditPart(ctx context.Context) ([]byte, error) {
	if b.cfg.Audit == nil {
		return nil, nil
	}
	return jsonLines(b.cfg.Audit.Query(ctx, audit.Filter{}, supportRecords, 0))
}

func (b *Box) blackBoxPart(crash int) func(context.Context) ([]byte, error) {
	return func(context.Context) ([]byte, error) {
		if b.cfg.BlackBox == "" {
			return nil, errNoBlackBox
		}
		r, err := ReadBlackBox(b.cfg.BlackBox, crash, 2000)
		if err != nil {
			return nil, err
		}
		return json.Marshal(r)
	}
}

// systemFiles tell of the system in which the box runs.
var systemFiles = []string{"/proc/version", "/etc/os-release", "/proc/uptime", "/proc/loadavg", "/proc/meminfo", "/proc/mounts", "/proc/net/dev",
	"/proc/net/route", "/proc/net/sockstat", "/proc/net/softnet_stat", "/proc/interrupts", "/proc/self/status", "/proc/self/limits",
	"/proc/pressure/cpu", "/proc/pressure/memory", "/proc/pressure/io", "/proc/sys/net/core/somaxconn"}

func (b *Box) systemPart(context.Context) ([]byte, error) {
	var out strings.Builder
	for _, name := range systemFiles {
		text, err := readSystemFile(name)
		if err != nil {
			text = []byte(err.Error() + "\n")
		}
		fmt.Fprintf(&out, "== %s\n%s\n", name, text)
	}
	return []byte(out.String()), nil
}

// readSystemFile reads at most 256 KiB.
func readSystemFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, 256<<10))
}
