// SPDX-License-Identifier: Apache-2.0

package supervise

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// protocol is the version of the frames that this program speaks. It rises when
// a frame changes its meaning; new fields and new types do not need that, for
// both ends ignore the fields that they do not know and refuse unknown requests.
const protocol = 1

// Limits of one frame. A socket pair of the default size takes it whole.
const (
	maxFrame      = 64 << 10 // bytes
	specsPerFrame = 256
)

// A frameType says what a frame is about.
type frameType string

// The frames. A request has an ID; its answer is the frame with the same ID
// and the type answer.
const (
	// Both ways, first frame.
	hello frameType = "hello" // Protocol, Version; from the supervisor also Role

	// From the supervisor.
	orderGo    frameType = "go"
	orderDrain frameType = "drain"   // Deadline
	orderStop  frameType = "stop"    // Deadline
	socketsOf  frameType = "sockets" // ID, Specs[0], with its descriptors
	pairWith   frameType = "pair"    // Role, with one end of a connection; ID to the one who dialled
	answer     frameType = "answer"  // ID, Error, Status

	// From the role.
	sayReady    frameType = "ready"
	sayReleased frameType = "released"
	sayAlive    frameType = "alive"
	askAcquire  frameType = "acquire" // ID, Specs, More
	askKeep     frameType = "keep"    // ID, Specs, More
	askRestart  frameType = "restart" // ID, Role
	askStatus   frameType = "status"  // ID
	askDial     frameType = "dial"    // ID, Role
	sayHangUp   frameType = "hangup"  // ID of a dial that is no longer wanted
)

// A frame is one message of the control channel, in either direction.
type frame struct {
	Type     frameType     `json:"type"`
	ID       uint64        `json:"id,omitempty"`
	Protocol int           `json:"protocol,omitempty"`
	Version  string        `json:"version,omitempty"`
	Role     string        `json:"role,omitempty"`
	Deadline time.Duration `json:"deadline,omitempty"` // nanoseconds from now
	Specs    []ListenSpec  `json:"specs,omitempty"`
	More     bool          `json:"more,omitempty"` // the specs go on in the next frame of this ID
	Error    string        `json:"error,omitempty"`
	Status   *Status       `json:"status,omitempty"`
}

var errNoType = errors.New("frame without a type")

// encode returns f as bytes, or an error if they would be too many.
func (f frame) encode() ([]byte, error) {
	b, err := json.Marshal(f)
	if err != nil {
		return nil, fmt.Errorf("encode %s frame: %w", f.Type, err)
	}
	if len(b) > maxFrame {
		return nil, fmt.Errorf("encode %s frame: %d bytes, at most %d are allowed", f.Type, len(b), maxFrame)
	}
	return b, nil
}

// decodeFrame reads one frame. It ignores fields that it does not know.
func decodeFrame(b []byte) (frame, error) {
	if len(b) > maxFrame {
		return frame{}, fmt.Errorf("frame of %d bytes, at most %d are allowed", len(b), maxFrame)
	}
	var f frame
	if err := json.Unmarshal(b, &f); err != nil {
		return frame{}, fmt.Errorf("frame: %w", err)
	}
	if f.Type == "" {
		return frame{}, errNoType
	}
	if len(f.Specs) > specsPerFrame {
		return frame{}, fmt.Errorf("%s frame with %d listeners, at most %d are allowed", f.Type, len(f.Specs), specsPerFrame)
	}
	return f, nil
}

// specFrames splits a request about many listeners into frames. There is always
// one, so that an empty set can be asked for.
func specFrames(t frameType, id uint64, specs []ListenSpec) []frame {
	var frames []frame
	for {
		n := min(len(specs), specsPerFrame)
		frames = append(frames, frame{Type: t, ID: id, Specs: specs[:n], More: n < len(specs)})
		specs = specs[n:]
		if len(specs) == 0 {
			return frames
		}
	}
}
