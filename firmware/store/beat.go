// SPDX-License-Identifier: Apache-2.0

package store

import "time"

// Beat writes a few bytes and waits until they are on the disk, so that its caller
// learns whether the disk still does that. It takes no lock of the store, and on a
// disk that hangs it does not return.
func (s *Store) Beat() error {
	return writeFile(s.disk, "heartbeat", []byte(time.Now().UTC().Format(time.RFC3339)+"\n"))
}
