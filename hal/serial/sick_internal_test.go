// SPDX-License-Identifier: Apache-2.0

package serial

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestSickLineIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for took, want := range map[time.Duration]error{time.Second: nil, 1100 * time.Millisecond: ErrSick} {
			err := prompt(time.Second, func() error {
				time.Sleep(took)
				return nil
			})
			if !errors.Is(err, want) {
				t.Errorf("settings that took %v: %v, want %v", took, err, want)
			}
		}
		own := errors.New("its own")
		if err := prompt(time.Second, func() error { time.Sleep(time.Hour); return own }); err != own {
			t.Errorf("a slow error: %v, want its own", err)
		}
	})
}
