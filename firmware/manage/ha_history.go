// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"evener/firmware/stats"
)

// historyMirror carries what this box has served in the last 14 days, minute by
// minute, so that the charts of a box that takes over go on.
func (b *Box) historyMirror() *MirrorTable {
	t := &MirrorTable{Name: "history"}
	t.Snapshot = func(ctx context.Context, yield func(key, value []byte) bool) error {
		if b.cfg.History == nil {
			return nil
		}
		b.cfg.History.Hours(0, func(h stats.Hour) bool {
			return ctx.Err() == nil && yield(hourKey(h), h.Values)
		})
		return context.Cause(ctx)
	}
	t.Apply = func(_ string, changes []MirrorChange) error {
		return t.each(changes, func(c MirrorChange) error {
			h, err := cutHour(c.Key)
			if err != nil || c.Deleted || b.cfg.History == nil {
				return err
			}
			h.Values = c.Value
			return b.cfg.History.Fill(h)
		})
	}
	return t
}

// tellHistory tells peers what was served in the hour of now and in the last minute of
// the one before.
func (b *Box) tellHistory(now time.Time) {
	if b.cfg.History == nil {
		return
	}
	t := b.standby.tables.history
	b.cfg.History.Hours(now.Add(-time.Minute).Truncate(time.Hour).Unix(), func(h stats.Hour) bool {
		t.put(hourKey(h), h.Values)
		return true
	})
}

// hourKey is the key of a record: kind, name and server, each ended by a zero byte,
// and the hour as eight bytes, big endian.
func hourKey(h stats.Hour) []byte {
	key := fmt.Appendf(nil, "%s\x00%s\x00%s\x00", h.Kind, h.Name, h.Server)
	return binary.BigEndian.AppendUint64(key, uint64(h.Number))
}

func cutHour(key []byte) (stats.Hour, error) {
	if len(key) > 8 {
		hour := binary.BigEndian.Uint64(key[len(key)-8:])
		parts := bytes.Split(key[:len(key)-8], []byte{0})
		if len(parts) == 4 && len(parts[3]) == 0 {
			return stats.Hour{Kind: stats.Kind(parts[0]), Name: string(parts[1]), Server: string(parts[2]), Number: int64(hour)}, nil
		}
	}
	return stats.Hour{}, fmt.Errorf("the key of an hour is KIND, NAME, SERVER, each with a zero byte, and 8 bytes, not %q", key)
}
