// SPDX-License-Identifier: Apache-2.0

package mirror

import "errors"

// LogConfig bounds a Log. A zero field takes the default named beside it.
type LogConfig struct {
	Records int // 131072 changed records are remembered for peers
	Bytes   int // 16 MiB of their keys and values
}

// A Log remembers what this box changed in a table until all peers have it. Only
// the newest change of a key is kept. When it is full the oldest go, and a peer
// that did not have them gets a new snapshot. While there are no peers it keeps
// nothing.
type Log struct{}

// NewLog returns an empty log.
func NewLog(cfg LogConfig) *Log { return &Log{} }

// Limits of a record.
const (
	MaxKey   = 4 << 10  // bytes
	MaxValue = 64 << 10 // bytes
)

var errRecordSize = errors.New("a record's key has 1 to 4096 bytes, its value at most 65536")

// Put notes that this box set key to value; both are copied. It never waits for a
// peer. What Records.Apply was given must not be put: each box sends its own.
func (l *Log) Put(key, value []byte) error { return errRecordSize }

// Delete notes that this box removed key.
func (l *Log) Delete(key []byte) error { return errRecordSize }
