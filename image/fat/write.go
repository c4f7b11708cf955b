// SPDX-License-Identifier: Apache-2.0

package fat

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// A node is a file or folder that is being laid out.
type node struct {
	name     string
	parent   *node
	children []*node // of a folder, ordered by name
	data     []byte  // of a file
	folder   bool
	short    [11]byte
	flags    byte
	long     bool
	first    uint32 // cluster; 0: empty file
	clusters int64
}

// Write makes a file system at the begin of w that holds the files. What w held
// there before does not matter; clusters that stay free are not touched.
func Write(w io.WriterAt, cfg Config, files []File) error {
	g, err := divide(cfg.Size)
	if err != nil {
		return err
	}
	if err := checkConfig(cfg); err != nil {
		return err
	}
	root, err := tree(files)
	if err != nil {
		return err
	}
	nodes := root.all(nil)
	used, err := place(g, nodes)
	if err != nil {
		return err
	}
	if err := writeHead(w, g, cfg, used); err != nil {
		return err
	}
	table := make([]byte, g.fatSize())
	fillTable(table, nodes)
	for n := range g.fats {
		if _, err := w.WriteAt(table, g.fatOffset()+int64(n)*g.fatSize()); err != nil {
			return fmt.Errorf("write FAT: %w", err)
		}
	}
	for _, n := range nodes {
		if n.clusters == 0 {
			continue
		}
		b := n.data
		if n.folder {
			b = n.entries(cfg)
		}
		b = append(slices.Clip(b), make([]byte, n.clusters*g.clusterSize()-int64(len(b)))...)
		if _, err := w.WriteAt(b, g.offset(n.first)); err != nil {
			return fmt.Errorf("write %q: %w", n.path(), err)
		}
	}
	return nil
}

func checkConfig(cfg Config) error {
	if len(cfg.Label) > 11 {
		return fmt.Errorf("FAT label %q is longer than 11 characters", cfg.Label)
	}
	for _, c := range []byte(cfg.Label) {
		if !(c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == ' ' || c == '-' || c == '_') {
			return fmt.Errorf("FAT label %q: must be of capital letters, digits, spaces, '-' and '_'", cfg.Label)
		}
	}
	if y := cfg.Time.UTC().Year(); y < 1980 || y > 2107 {
		return fmt.Errorf("FAT cannot hold the year %d: must be 1980 to 2107", y)
	}
	return nil
}

// tree turns the paths into folders and files with names of both kinds.
func tree(files []File) (*node, error) {
	root := &node{folder: true}
	for _, f := range files {
		parts := strings.Split(f.Path, "/")
		at := root
		for i, part := range parts {
			if err := checkName(part); err != nil {
				return nil, fmt.Errorf("file %q: %w", f.Path, err)
			}
			last := i == len(parts)-1
			child := at.child(part)
			if child != nil && (last || !child.folder) {
				return nil, fmt.Errorf("file %q: there is a %q already", f.Path, child.path())
			}
			if child == nil {
				child = &node{name: part, parent: at, folder: !last}
				at.children = append(at.children, child)
			}
			at = child
		}
		at.data = f.Data
		if int64(len(f.Data)) > 1<<32-1 {
			return nil, fmt.Errorf("file %q: must be less than 4 GiB", f.Path)
		}
	}
	root.nameAll()
	return root, nil
}

// child finds an entry; names are the same in either case of letters.
func (n *node) child(name string) *node {
	for _, c := range n.children {
		if strings.EqualFold(c.name, name) {
			return c
		}
	}
	return nil
}

// nameAll orders every folder and gives its entries short names: first those that
// need no other, then the aliases of long ones.
func (n *node) nameAll() {
	slices.SortFunc(n.children, func(a, b *node) int { return strings.Compare(a.name, b.name) })
	taken := map[[11]byte]bool{}
	for _, c := range n.children {
		var ok bool
		if c.short, c.flags, ok = shortName(c.name); ok {
			taken[c.short] = true
		}
		c.long = !ok
		c.nameAll()
	}
	for _, c := range n.children {
		if c.long {
			c.short, c.flags = aliasOf(c.name, taken), 0
			taken[c.short] = true
		}
	}
}

// all lists n and what is below, a folder before its entries.
func (n *node) all(list []*node) []*node {
	list = append(list, n)
	for _, c := range n.children {
		list = c.all(list)
	}
	return list
}

func (n *node) path() string {
	if n.parent == nil {
		return ""
	}
	return strings.TrimPrefix(n.parent.path()+"/"+n.name, "/")
}

// place gives every node its clusters and returns how many are used.
func place(g geometry, nodes []*node) (uint32, error) {
	next := int64(2)
	for _, n := range nodes {
		size := int64(len(n.data))
		if n.folder {
			size = max(n.entriesSize(), 1)
		}
		n.clusters = g.clustersFor(size)
		if n.clusters > 0 {
			n.first = uint32(next)
		}
		next += n.clusters
		if next-2 > int64(g.clusters) {
			return 0, fmt.Errorf("the files do not fit into a FAT32 of %d bytes", int64(g.sectors)*sectorSize)
		}
	}
	return uint32(next - 2), nil
}

// entriesSize is how many bytes a folder's entries take.
func (n *node) entriesSize() int64 {
	size := 2 * entrySize // "." and "..", in the root the label
	for _, c := range n.children {
		size += entrySize
		if c.long {
			size += len(longEntries(c.name, c.short))
		}
	}
	return int64(size)
}

func (n *node) entries(cfg Config) []byte {
	var b []byte
	if n.parent != nil {
		up := n.parent.first
		if n.parent.parent == nil {
			up = 0 // that is how ".." names the root
		}
		b = append(b, entry([11]byte([]byte(".          ")), 0, attrFolder, n.first, 0, cfg.Time)...)
		b = append(b, entry([11]byte([]byte("..         ")), 0, attrFolder, up, 0, cfg.Time)...)
	} else if cfg.Label != "" {
		b = append(b, entry(labelBytes(cfg.Label), 0, attrVolume, 0, 0, cfg.Time)...)
	}
	for _, c := range n.children {
		attr := byte(0)
		if c.folder {
			attr = attrFolder
		}
		if c.long {
			b = append(b, longEntries(c.name, c.short)...)
		}
		b = append(b, entry(c.short, c.flags, attr, c.first, uint32(len(c.data)), cfg.Time)...)
	}
	return b
}

// entry makes the 32 bytes of one entry.
func entry(short [11]byte, flags, attr byte, first, size uint32, t time.Time) []byte {
	t = t.UTC()
	date := uint16(t.Year()-1980)<<9 | uint16(t.Month())<<5 | uint16(t.Day())
	clock := uint16(t.Hour())<<11 | uint16(t.Minute())<<5 | uint16(t.Second()/2)
	e := make([]byte, entrySize)
	copy(e, short[:])
	e[11], e[12] = attr, flags
	le := binary.LittleEndian
	le.PutUint16(e[14:], clock) // made
	le.PutUint16(e[16:], date)
	le.PutUint16(e[18:], date) // read
	le.PutUint16(e[20:], uint16(first>>16))
	le.PutUint16(e[22:], clock) // changed
	le.PutUint16(e[24:], date)
	le.PutUint16(e[26:], uint16(first))
	le.PutUint32(e[28:], size)
	return e
}

func labelBytes(label string) [11]byte {
	var b [11]byte
	copy(b[:], label)
	return padded(b)
}

// fillTable chains the clusters of every node.
func fillTable(table []byte, nodes []*node) {
	le := binary.LittleEndian
	le.PutUint32(table, 0x0ffffff8) // the medium's byte again
	le.PutUint32(table[4:], endOfChain)
	for _, n := range nodes {
		for i := range n.clusters {
			at := int64(n.first) + i
			next := uint32(at + 1)
			if i == n.clusters-1 {
				next = endOfChain
			}
			le.PutUint32(table[4*at:], next)
		}
	}
}
