// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"testing"

	"evener/firmware/manage"
)

// A dogHouse tells of a watchdog, or does not answer.
type dogHouse struct {
	dog  *manage.MachineWatchdog
	fail error
}

func (d dogHouse) Call(_ context.Context, _ string, _, result any) error {
	result.(*manage.MachineShow).Watchdog = d.dog
	return d.fail
}

func TestCauseOfAStartIsWhatTheWatchdogSays(t *testing.T) {
	reset := &manage.MachineWatchdog{Boot: []string{"the watchdog has reset the box", "the CPU was too hot"}}
	for name, c := range map[string]struct {
		house dogHouse
		want  string
	}{
		"reset":     {dogHouse{dog: reset}, "the watchdog has reset the box, the CPU was too hot"},
		"nothing":   {dogHouse{dog: &manage.MachineWatchdog{}}, ""},
		"no dog":    {dogHouse{}, ""},
		"no answer": {dogHouse{dog: reset, fail: errors.New("it does not answer")}, ""},
	} {
		if got := causeOfStart(c.house); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
