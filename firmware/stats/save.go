// SPDX-License-Identifier: Apache-2.0

package stats

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"evener/firmware/durable"
)

// saveMagic is the first line of a saved history. The number is that of the
// format; whoever changes spans or metricsOf raises it.
//
// A gzip stream follows: the length of the header (4 bytes, big endian), the
// header (JSON), the timeline (8 bytes a point), then for each object of the header
// its rows (4 bytes a point), all little endian.
const saveMagic = "evener history 1\n"

// maxHeader bounds the header of a file that is read.
const maxHeader = 16 << 20

type saveHeader struct {
	Newest  int64    `json:"newest"`
	Objects []object `json:"objects"`
}

// Save writes the history to a file, so that a power cut leaves the old file or the
// new one. Ticks and queries go on meanwhile. One Save at a time: it writes to
// path with ".tmp" first.
func (h *History) Save(path string) error {
	tmp, err := os.OpenFile(path+".tmp", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("save history: %w", err)
	}
	err = h.saveTo(tmp)
	if err == nil {
		err = tmp.Sync()
	}
	if e := tmp.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("save history: %w", errors.Join(err, os.Remove(tmp.Name())))
	}
	if err := durable.SyncDir(filepath.Dir(path)); err != nil {
		return fmt.Errorf("save history: %w", err)
	}
	return nil
}

func (h *History) saveTo(out io.Writer) error {
	h.mu.Lock()
	head := saveHeader{Newest: h.newest}
	times := h.times
	for o := range h.tracks {
		head.Objects = append(head.Objects, o)
	}
	h.mu.Unlock()
	slices.SortFunc(head.Objects, object.compare)

	buf := bufio.NewWriter(out)
	if _, err := buf.WriteString(saveMagic); err != nil {
		return err
	}
	zip, err := gzip.NewWriterLevel(buf, gzip.BestSpeed)
	if err != nil {
		return err
	}
	text, err := json.Marshal(head)
	if err != nil {
		return err
	}
	body := binary.BigEndian.AppendUint32(nil, uint32(len(text)))
	if _, err := zip.Write(append(body, text...)); err != nil {
		return err
	}
	if err := binary.Write(zip, binary.LittleEndian, times[:]); err != nil {
		return err
	}
	values := make([]byte, SeriesBytes)
	for _, o := range head.Objects {
		for i := range metricsOf[o.Kind] {
			h.copyRow(values, o, i, &times)
			if _, err := zip.Write(values); err != nil {
				return err
			}
		}
	}
	return errors.Join(zip.Close(), buf.Flush())
}

// copyRow writes a row into out as it belongs to the timeline: points that were written
// since for another moment are unknown.
func (h *History) copyRow(out []byte, o object, i int, times *timeline) {
	h.mu.Lock()
	defer h.mu.Unlock()
	tr := h.tracks[o]
	if tr == nil { // forgotten meanwhile
		clear(out)
		return
	}
	for p, v := range tr.rows[i] {
		if h.times[p] != times[p] {
			v = 0
		}
		binary.LittleEndian.PutUint32(out[4*p:], v)
	}
}

// Load reads a saved history; call it before the first Tick. A file that is not
// there is no error. A file of another version or a damaged one is left alone,
// ignored and logged.
func (h *History) Load(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("load history: %w", err)
	}
	defer f.Close() // was only read
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ticks > 0 {
		return errors.New("load history: it has begun already")
	}
	if err := h.loadFrom(bufio.NewReader(f)); err != nil {
		h.log.Warn("saved history ignored", "path", path, "err", err)
	}
	return nil
}

// loadFrom takes all of the file or nothing.
func (h *History) loadFrom(in *bufio.Reader) error {
	magic := make([]byte, len(saveMagic))
	if _, err := io.ReadFull(in, magic); err != nil || string(magic) != saveMagic {
		first, _, _ := bytes.Cut(magic, []byte("\n"))
		return fmt.Errorf("it begins with %q, not %q", first, saveMagic[:len(saveMagic)-1])
	}
	zip, err := gzip.NewReader(in)
	if err != nil {
		return err
	}
	head, err := readHeader(zip)
	if err != nil {
		return err
	}
	var times timeline
	if err := binary.Read(zip, binary.LittleEndian, times[:]); err != nil {
		return fmt.Errorf("timeline: %w", err)
	}
	tracks, series, buf := make(map[object]*track), 0, make([]byte, SeriesBytes)
	for _, o := range head.Objects {
		n := len(metricsOf[o.Kind])
		if n == 0 || tracks[o] != nil {
			return fmt.Errorf("%s %q %q: unknown kind, or there twice", o.Kind, o.Name, o.Server)
		}
		if series += n; series > h.cfg.MaxSeries {
			return fmt.Errorf("more than %d series", h.cfg.MaxSeries)
		}
		tr := newTrack(n)
		tracks[o] = tr
		for _, r := range tr.rows {
			if err := r.read(zip, buf); err != nil {
				return fmt.Errorf("%s %q %q: %w", o.Kind, o.Name, o.Server, err)
			}
		}
	}
	if n, err := io.Copy(io.Discard, io.LimitReader(zip, 1)); n != 0 || err != nil { // verifies the checksum
		return fmt.Errorf("end of the data: %d bytes more, %v", n, err)
	}
	h.times, h.tracks, h.series, h.newest = times, tracks, series, head.Newest
	return nil
}

func readHeader(in io.Reader) (head saveHeader, err error) {
	var size [4]byte
	if _, err := io.ReadFull(in, size[:]); err != nil {
		return head, fmt.Errorf("header: %w", err)
	}
	n := binary.BigEndian.Uint32(size[:])
	if n > maxHeader {
		return head, fmt.Errorf("header of %d bytes", n)
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(in, text); err != nil {
		return head, fmt.Errorf("header: %w", err)
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return head, fmt.Errorf("header: %w", err)
	}
	if head.Newest < 0 {
		return head, fmt.Errorf("header: newest is %d", head.Newest)
	}
	return head, nil
}
