// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"encoding/json"
	"testing"

	"evener/firmware/api"
	"evener/firmware/support"
)

// A loggingMachine is a supervisor that has a log of all processes.
type loggingMachine struct{ text string }

func (m loggingMachine) Call(_ context.Context, method string, _, result any) error {
	if method != "log.tail" {
		return api.Errorf(api.CodeMethod, "method.unknown", "%s", method)
	}
	raw, err := json.Marshal(map[string]any{"text": m.text})
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, result)
}

func TestSupportBundleHasTheLogOfAllProcesses(t *testing.T) {
	d := newDesk(t, shop)
	part := func() (support.Part, bool) {
		for _, p := range d.supportParts(d.Methods(), by("ann")) {
			if p.Name == "box.log" {
				return p, true
			}
		}
		return support.Part{}, false
	}
	p, ok := part()
	if !ok {
		t.Fatal("it has no part for the log")
	}
	d.cfg.Machine = nil
	if _, err := p.Make(t.Context()); err == nil {
		t.Error("it comes from nowhere")
	}
	d.cfg.Machine = loggingMachine{"level=ERROR msg=\"machine not as it should be\"\n"}
	if got, err := p.Make(t.Context()); err != nil || string(got) != "level=ERROR msg=\"machine not as it should be\"\n" {
		t.Errorf("the log is %q, %v", got, err)
	}
}
