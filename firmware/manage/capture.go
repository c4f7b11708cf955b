// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"evener/firmware/api"
	"evener/firmware/capture"
	"evener/firmware/phrase"
)

type captureParams struct {
	Interfaces []string     `json:"interfaces,omitempty" doc:"ports or interfaces, or any for all that are up; any"`
	Filter     string       `json:"filter,omitempty" doc:"such as host 192.0.2.1 and tcp port 80; empty: every packet"`
	Cluster    string       `json:"cluster,omitempty" doc:"only packets of this cluster's clients and members"`
	Snaplen    int          `json:"snaplen,omitempty" doc:"bytes kept of each packet, 64 at least; 262144, which is all"`
	MaxBytes   int64        `json:"max_bytes,omitempty" doc:"64 KiB to 512 MiB; 32 MiB"`
	MaxPackets int64        `json:"max_packets,omitempty" doc:"no limit"`
	MaxTime    api.Duration `json:"max_time,omitempty" doc:"1s to 24h; 5m"`
	Ring       bool         `json:"ring,omitempty" doc:"go on at max_bytes, and give up the oldest packets"`
}

type captureID struct {
	ID string `json:"id"`
}

// A Capture is a capture of packets at one moment.
type Capture struct {
	ID         string       `json:"id"`
	State      string       `json:"state" doc:"running, ending (packets get their comments) or done"`
	Reason     string       `json:"reason,omitempty" doc:"of its end: stopped, bytes, packets, time, disk, engine or error"`
	Problem    string       `json:"problem,omitempty" doc:"for people"`
	By         string       `json:"by"`
	Started    time.Time    `json:"started"`
	Ended      *time.Time   `json:"ended,omitempty"`
	Interfaces []string     `json:"interfaces"`
	Filter     string       `json:"filter,omitempty" doc:"with the cluster's"`
	Cluster    string       `json:"cluster,omitempty"`
	Snaplen    int          `json:"snaplen"`
	MaxBytes   int64        `json:"max_bytes"`
	MaxPackets int64        `json:"max_packets,omitempty"`
	MaxTime    api.Duration `json:"max_time"`
	Ring       bool         `json:"ring,omitempty"`
	Packets    uint64       `json:"packets"`
	Bytes      int64        `json:"bytes" doc:"of the file"`
	Lost       uint64       `json:"lost" doc:"packets that came too fast to be kept"`
	Joined     uint64       `json:"joined" doc:"packets whose comment names an exchange; known when it is done"`

	Said phrase.Words `json:"said,omitempty" says:"problem" doc:"what the texts say, by field: kind and args, for translation"`
}

// Captures lists captures.
type Captures struct {
	Captures   []Capture `json:"captures" doc:"the newest first"`
	Interfaces []string  `json:"interfaces" doc:"that can be captured from now"`
}

// A CaptureDownload is the file of a capture, which follows.
type CaptureDownload struct {
	Stream int    `json:"stream" doc:"a pcapng file"`
	Name   string `json:"name" doc:"for the file"`
	Size   int64  `json:"size" doc:"bytes"`
}

var errNoCaptures = api.Errorf(api.CodeFailed, "capture.none", "this box has no folder for captures")

// addCapture registers packet captures. They show all that passes the box, so they
// are an administrator's alone, who has just given the password.
func (b *Box) addCapture(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "capture.start", Purpose: "Begins to keep packets of interfaces in a file.",
		Role: api.Admin, Sudo: true, Effect: api.Runtime, Audit: "capture packets on {interfaces}, cluster {cluster}, filter {filter}"}, b.startCapture)
	api.Add(reg, api.Method{Name: "capture.list", Purpose: "Lists captures that run or are kept, and where packets can be captured.",
		Role: api.Admin}, b.listCaptures)
	api.Add(reg, api.Method{Name: "capture.stop", Purpose: "Ends a capture; its file is there when its state is done.",
		Role: api.Admin, Effect: api.Runtime, Audit: "end the capture {id}", Idempotent: true}, b.stopCapture)
	api.Add(reg, api.Method{Name: "capture.delete", Purpose: "Deletes a capture that has ended.",
		Role: api.Admin, Effect: api.Runtime, Audit: "delete the capture {id}"}, b.deleteCapture)
	api.Add(reg, api.Method{Name: "capture.download", Purpose: "Sends the file of a capture that has ended.",
		Role: api.Admin, Sudo: true, Audit: "download the capture {id}"}, b.downloadCapture)
	b.topics.captures = api.AddState(reg, api.Topic{Name: "state.captures", Purpose: "Packet captures, by id.", Role: api.Admin},
		func(context.Context, api.Call, struct{}) (map[string]Capture, error) {
			out := map[string]Capture{}
			if b.captures != nil {
				for _, s := range b.captures.List() {
					out[s.ID] = captureOf(s)
				}
			}
			return out, nil
		})
}

// openCaptures opens the folder of captures.
func (b *Box) openCaptures() {
	if b.cfg.Captures == "" {
		return
	}
	var err error
	b.captures, err = capture.Open(capture.Config{Dir: b.cfg.Captures, Program: "Evener " + b.cfg.Version, Source: captureSource{b},
		Changed: func() { changed(b.topics.captures) }}, b.log)
	if err != nil {
		b.captures = nil
		b.log.Error("folder of captures not ready", "err", err)
	}
}

// RunCaptures carries captures until ctx ends, and completes them then.
func (b *Box) RunCaptures(ctx context.Context) error {
	if b.captures == nil {
		<-ctx.Done()
		return nil
	}
	if err := b.captures.Run(ctx); err != nil {
		b.log.Error("packets cannot be captured", "err", err)
		<-ctx.Done()
	}
	return nil
}

func captureOf(s capture.Status) Capture {
	c := Capture{ID: s.ID, State: s.State, Reason: s.Reason, Problem: s.Problem, By: s.By, Started: s.Started.UTC().Truncate(time.Millisecond),
		Interfaces: s.Interfaces, Filter: s.Filter, Cluster: s.Cluster, Snaplen: s.Snaplen, MaxBytes: s.MaxBytes, MaxPackets: s.MaxPackets,
		MaxTime: api.Duration(s.MaxTime), Ring: s.Ring, Packets: s.Packets, Bytes: s.Bytes, Lost: s.Lost, Joined: s.Joined}
	if !s.Ended.IsZero() {
		at := s.Ended.UTC().Truncate(time.Millisecond)
		c.Ended = &at
	}
	c.Said = phrase.Fields("problem", c.Problem)
	return c
}

// captureError says to programs what is wrong.
func captureError(err error) error {
	switch bad := (*capture.FilterError)(nil); {
	case err == nil:
		return nil
	case errors.As(err, &bad):
		return api.Errorf(api.CodeParams, "params.filter", "%v", err)
	case errors.Is(err, capture.ErrNotFound):
		return api.Errorf(api.CodeNotFound, "not_found", "%v", err)
	case errors.Is(err, capture.ErrBusy):
		return api.Errorf(api.CodeConflict, "capture.running", "%v", err)
	case errors.Is(err, capture.ErrLimit):
		return api.Errorf(api.CodeTooMany, "too_many.captures", "%v", err)
	case errors.Is(err, capture.ErrRights):
		return api.Errorf(api.CodeFailed, "capture.rights", "%v", err)
	}
	return err
}

func (b *Box) startCapture(_ context.Context, c api.Call, p captureParams) (Capture, error) {
	if b.captures == nil {
		return Capture{}, errNoCaptures
	}
	if err := unscoped(c, "the traffic of all clusters"); err != nil {
		return Capture{}, err
	}
	r := capture.Request{Cluster: p.Cluster, By: c.Author, Snaplen: p.Snaplen, MaxBytes: p.MaxBytes, MaxPackets: p.MaxPackets,
		MaxTime: time.Duration(p.MaxTime), Ring: p.Ring}
	var err error
	if r.Filter, err = b.captureFilter(p.Filter, p.Cluster); err != nil {
		return Capture{}, captureError(err)
	}
	r.Text = capture.Text(r.Filter)
	if r.Interfaces, err = b.captureFaces(p.Interfaces); err != nil {
		return Capture{}, err
	}
	s, err := b.captures.Start(r)
	if err != nil {
		return Capture{}, captureError(err)
	}
	changed(b.topics.captures)
	return captureOf(s), nil
}

// captureFaces finds interfaces by the names that the configuration, or the system,
// has for them.
func (b *Box) captureFaces(names []string) ([]capture.Interface, error) {
	ports := b.portNames()
	if len(names) == 0 || slices.Contains(names, "any") {
		list, err := capture.EveryInterface()
		for n := range list {
			list[n].Note = portNote(ports, list[n])
		}
		return list, err
	}
	var out []capture.Interface
	for _, name := range names {
		for face, port := range ports {
			if port == name {
				name = face
				break
			}
		}
		i, err := capture.FindInterface(name)
		if i.Note = portNote(ports, i); err != nil {
			return nil, api.Errorf(api.CodeParams, "params.interfaces", "%v; capture.list says where packets can be captured", err)
		}
		if !slices.ContainsFunc(out, func(o capture.Interface) bool { return o.Index == i.Index }) {
			out = append(out, i)
		}
	}
	return out, nil
}

// portNames returns the names of ports by their interfaces.
func (b *Box) portNames() map[string]string {
	out := map[string]string{}
	if b.cfg.Ports == nil {
		return out
	}
	list, err := b.cfg.Ports.List()
	if err != nil {
		b.log.Warn("ports not known to captures", "err", err)
	}
	for _, p := range list {
		if p.Interface != "" {
			out[p.Interface] = p.Name
		}
	}
	return out
}

// portNote says in the file which port an interface is.
func portNote(ports map[string]string, i capture.Interface) string {
	if port := ports[i.Name]; port != "" && port != i.Name {
		return strings.TrimSpace("port " + port + " " + i.Note)
	}
	return i.Note
}

func (b *Box) listCaptures(context.Context, api.Call, struct{}) (Captures, error) {
	out := Captures{Captures: []Capture{}, Interfaces: []string{}}
	if b.captures == nil {
		return out, nil
	}
	for _, s := range b.captures.List() {
		out.Captures = append(out.Captures, captureOf(s))
	}
	faces, err := capture.EveryInterface()
	if err != nil {
		return out, nil // the list is empty, and says so
	}
	ports := b.portNames()
	for _, i := range faces {
		out.Interfaces = append(out.Interfaces, cmp.Or(ports[i.Name], i.Name))
	}
	return out, nil
}

func (b *Box) stopCapture(_ context.Context, c api.Call, p captureID) (Capture, error) {
	if b.captures == nil {
		return Capture{}, errNoCaptures
	}
	if err := unscoped(c, "the capture "+p.ID); err != nil {
		return Capture{}, err
	}
	s, err := b.captures.Stop(p.ID)
	return captureOf(s), captureError(err)
}

func (b *Box) deleteCapture(_ context.Context, c api.Call, p captureID) (struct{}, error) {
	if b.captures == nil {
		return struct{}{}, errNoCaptures
	}
	if err := unscoped(c, "the capture "+p.ID); err != nil {
		return struct{}{}, err
	}
	err := b.captures.Delete(p.ID)
	changed(b.topics.captures)
	return struct{}{}, captureError(err)
}

func (b *Box) downloadCapture(ctx context.Context, c api.Call, p captureID) (CaptureDownload, error) {
	if b.captures == nil {
		return CaptureDownload{}, errNoCaptures
	}
	if err := unscoped(c, "the capture "+p.ID); err != nil {
		return CaptureDownload{}, err
	}
	f, s, err := b.captures.Open(p.ID)
	if err != nil {
		return CaptureDownload{}, captureError(err)
	}
	stream, err := api.OpenDownload(ctx, f)
	return CaptureDownload{stream, "capture-" + s.ID + ".pcapng", s.Bytes}, err
}
