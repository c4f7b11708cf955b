// SPDX-License-Identifier: Apache-2.0

package lcd

import (
	"strings"
	"testing"
	"time"

	"evener/hal/serial"
)

// A chatty port has a byte whenever it is read.
type chatty struct{}

func (chatty) Read(b []byte) (int, error)         { b[0] = 'x'; return 1, nil }
func (chatty) Write(b []byte) (int, error)        { return len(b), nil }
func (chatty) Close() error                       { return nil }
func (chatty) SetReadTimeout(time.Duration) error { return nil }
func (chatty) ResetInput() error                  { return nil }

var _ serial.Port = chatty{}

// A fault in what reads a display loses the display and nothing else.
func TestFaultOfADriverIsTheLossOfItsDisplay(t *testing.T) {
	var s stream
	s.start(chatty{}, 9600, func([]byte) { panic("index out of range") })
	for range s.Keys() { // until there are no more
	}
	<-s.gone
	if err := s.lost(); err == nil || !strings.Contains(err.Error(), "index out of range") {
		t.Errorf("lost = %v, want the fault", err)
	}
}
