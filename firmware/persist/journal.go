// SPDX-License-Identifier: Apache-2.0

package persist

import (
	"errors"
	"fmt"
	"os"
)

const (
	journalName = "sources.journal"
	spareName   = "sources.journal.new"

	// A journal is rewritten when it is this long and three times what its
	// records need.
	rewriteFrom = 4 << 20

	// How many shards a Flush copies while it rewrites: up to 4 MiB of a full
	// table of the default size.
	rewriteShards = 4

	// How much is kept in memory of what could not be written. Beyond that the
	// journal is rewritten from the table.
	maxPending = 8 << 20
)

// A Journal keeps the records of one Sources table on disk: whole over a Close,
// and over a crash or a power cut but for what was not flushed yet. It is an
// append-only file that is rewritten, beside the old one, when it has grown.
//
// Only Flush, Close and Load do disk I/O, and they hold none of the table's locks
// meanwhile: event loops never wait for a disk. The three are called by one
// goroutine.
type Journal struct {
	disk    disk
	table   *Sources
	file    file
	size    int64  // end of the last frame that is surely written
	pending []byte // frames to be written at size
	rewrite bool   // the file does not hold everything, or is not ours
	spare   *spare // a rewriting under way
	renamed bool   // since the directory was last synced
	closed  bool
}

// A spare is the file that will take the journal's place.
type spare struct {
	file file
	size int64
	next int // the shard to copy next
}

// OpenJournal takes the journal in an existing directory for this process. It is
// an error if another process has it: the old engine closes it, then the new one
// opens it.
func OpenJournal(dir string) (*Journal, error) {
	d, err := openDir(dir)
	if err != nil {
		return nil, fmt.Errorf("open persistence journal: %w", err)
	}
	j, err := openJournal(d)
	if err != nil {
		d.Close()
		return nil, fmt.Errorf("open persistence journal in %s: %w", dir, err)
	}
	return j, nil
}

func openJournal(d disk) (*Journal, error) {
	j := &Journal{disk: d}
	f, err := d.Open(journalName)
	switch {
	case errors.Is(err, os.ErrNotExist):
		j.rewrite = true
		return j, nil
	case err != nil:
		return nil, err
	}
	size, err := f.Size()
	if err != nil {
		f.Close()
		return nil, err
	}
	j.file, j.size = f, size-size%frameSize
	return j, nil
}

// A LoadReport says what Load found.
type LoadReport struct {
	Records int  // in the table afterwards
	Frames  int  // read
	Damaged int  // frames left out because their checksum or contents are wrong
	Torn    int  // bytes of an unfinished frame at the end
	Clean   bool // the journal had been closed; false: a crash
}

// Load reads the journal into t, before t carries traffic, and from then on
// Flush writes t's changes. A connection that was open is taken to close now. An
// error leaves t with what could be read; the journal works all the same, and is
// written anew.
func (j *Journal) Load(t *Sources, now int64) (LoadReport, error) {
	j.table = t
	var r LoadReport
	var err error
	if j.file != nil {
		r, err = j.replay(t, now)
		if err != nil {
			j.rewrite = true
			err = fmt.Errorf("load persistence journal: %w", err)
		}
	}
	r.Records = t.Stats().Records
	t.listen(forJournal, true)
	return r, err
}

// Flush ticks the table's clock and writes what changed since the last Flush. It
// is called about once a second, with the wall-clock time. After an error nothing
// is lost: the next Flush tries again.
func (j *Journal) Flush(now int64) error {
	if j.closed || j.table == nil {
		return errors.New("flush persistence journal: not loaded, or closed")
	}
	j.table.Tick(now)
	shards := rewriteShards
	if j.rewrite {
		shards = numShards // nothing is safe until it is done
	}
	err := j.write(j.drain(now))
	if j.spare == nil && j.wantsRewrite() {
		err = errors.Join(err, j.begin())
	}
	if j.spare != nil {
		err = errors.Join(err, j.advance(now, shards))
	}
	if err = errors.Join(err, j.syncName()); err != nil {
		return fmt.Errorf("flush persistence journal: %w", err)
	}
	return nil
}

// Close writes the whole table and gives the journal up. It is called when
// traffic has been handed over. After an error the journal is as the last
// successful Flush left it, or newer.
func (j *Journal) Close(now int64) error {
	if j.closed {
		return nil
	}
	var err error
	if j.table != nil {
		err = j.finish(now)
	}
	if j.file != nil {
		err = errors.Join(err, j.file.Close())
	}
	j.closed = true
	if err = errors.Join(err, j.disk.Close()); err != nil {
		return fmt.Errorf("close persistence journal: %w", err)
	}
	return nil
}

// finish writes the whole table to a file that says that it is whole.
func (j *Journal) finish(now int64) error {
	j.table.listen(forJournal, false)
	defer j.drop()
	last := j.write(j.drain(now)) // in case that there is no room for a new file
	j.drop()
	if err := j.begin(); err != nil {
		return errors.Join(last, err)
	}
	if err := j.advance(now, numShards); err != nil {
		return errors.Join(last, err)
	}
	return errors.Join(j.write(frame{kind: frameClean, wall: now}.append(nil)), j.syncName())
}

// drain returns frames for what changed in the table.
func (j *Journal) drain(now int64) []byte {
	at := j.table.clock.at(now)
	var b []byte
	for i := range j.table.shards {
		b = j.table.shards[i].drain(b, now, at)
	}
	return b
}

// write appends frames, and those that could not be written before, to the
// journal, and to the spare, so that both are good whenever the power fails.
func (j *Journal) write(frames []byte) error {
	var err error
	if j.spare != nil && len(frames) > 0 {
		if err = j.spare.write(frames); err != nil {
			j.drop()
		}
	}
	j.pending = append(j.pending, frames...)
	if len(j.pending) == 0 || j.file == nil {
		j.pending = nil // begin copies everything
		return err
	}
	if e := writeSync(j.file, j.pending, j.size); e != nil {
		if len(j.pending) > maxPending {
			j.pending, j.rewrite = nil, true
			j.drop()
		}
		return errors.Join(err, e)
	}
	j.size += int64(len(j.pending))
	j.pending = nil
	return err
}

// wantsRewrite reports whether the journal is unfit or three times as long as it
// need be.
func (j *Journal) wantsRewrite() bool {
	return j.rewrite || j.size >= rewriteFrom &&
		j.size >= 3*frameSize*int64(1+j.table.Stats().Records)
}

// begin starts the file that takes the journal's place.
func (j *Journal) begin() error {
	f, err := j.disk.Create(spareName)
	if err != nil {
		return err
	}
	j.spare = &spare{file: f}
	if err := j.spare.write(headFrame().append(nil)); err != nil {
		j.drop()
		return err
	}
	return nil
}

// advance copies some shards to the spare; after the last, the spare becomes the
// journal.
func (j *Journal) advance(now int64, shards int) error {
	sp, at := j.spare, j.table.clock.at(now)
	for ; shards > 0 && sp.next < numShards; shards-- {
		if err := sp.copy(&j.table.shards[sp.next], now, at); err != nil {
			j.drop()
			return err
		}
		sp.next++
	}
	if sp.next < numShards {
		return nil
	}
	if err := j.disk.Rename(spareName, journalName); err != nil {
		j.drop()
		return err
	}
	j.renamed = true
	if j.file != nil {
		j.file.Close()
	}
	j.file, j.size, j.pending = sp.file, sp.size, nil
	j.rewrite, j.spare = false, nil
	return nil
}

// syncName makes a new file's name last. Until it does, a power cut may bring the
// old file back, and Flush reports that.
func (j *Journal) syncName() error {
	if !j.renamed {
		return nil
	}
	if err := j.disk.Sync(); err != nil {
		return err
	}
	j.renamed = false
	return nil
}

// drop gives up a rewriting.
func (j *Journal) drop() {
	if j.spare == nil {
		return
	}
	j.spare.file.Close()
	j.spare = nil
	j.disk.Remove(spareName) // if it stays, the next rewriting overwrites it
}

func (sp *spare) copy(s *shard, now, at int64) error {
	var batch []entry
	var b []byte
	for from := uint32(0); ; {
		batch, from = s.copySome(batch[:0], from)
		for i := range batch {
			if !batch[i].dead(at) {
				b = batch[i].put(now, at).append(b)
			}
		}
		if from == 0 {
			return sp.write(b)
		}
	}
}

func (sp *spare) write(b []byte) error {
	if err := writeSync(sp.file, b, sp.size); err != nil {
		return err
	}
	sp.size += int64(len(b))
	return nil
}

func writeSync(f file, b []byte, at int64) error {
	if len(b) == 0 {
		return nil
	}
	if _, err := f.WriteAt(b, at); err != nil {
		return err
	}
	return f.Sync()
}
