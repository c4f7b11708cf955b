// SPDX-License-Identifier: Apache-2.0

package bypass

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// attribute reads one line of a file of a driver.
func attribute(parts ...string) (string, error) {
	b, err := os.ReadFile(filepath.Join(parts...))
	return strings.ToLower(strings.TrimSpace(string(b[:min(len(b), 200)]))), err
}

// set writes a file of a driver, and never makes one.
func set(value string, parts ...string) error {
	f, err := os.OpenFile(filepath.Join(parts...), os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(value + "\n")
	return errors.Join(err, f.Close())
}

// optional is set for what not every card has.
func optional(value string, parts ...string) error {
	if err := set(value, parts...); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// glob lists folders and files below root, without it.
func glob(root, pattern string) []string {
	names, _ := filepath.Glob(filepath.Join(root, pattern))
	for i, n := range names {
		names[i], _ = filepath.Rel(root, n)
	}
	slices.Sort(names)
	return names
}

func modeOf(text string, words map[string]Mode) (Mode, error) {
	if m, ok := words[text]; ok {
		return m, nil
	}
	return Unknown, fmt.Errorf("the driver says %q, which means nothing known", text)
}

// gen3 is CASwell's driver for copper, caswell_bpgen3: /sys/class/bypass/g3bpN with
// bypass (n normal, b bypassed, o open), func (1: the relay obeys), bpe (bypassed
// without power) and nextboot.
type gen3 struct{}

var gen3Words = map[string]Mode{"n": Normal, "b": Bypassed, "o": Open}

func (gen3) find(root string) (out []Pair) {
	for _, dir := range glob(root, "sys/class/bypass/g3bp*") {
		out = append(out, Pair{Name: filepath.Base(dir), Driver: "caswell-g3", Path: dir})
	}
	return out
}

func (gen3) mode(root string, p Pair) (now, off Mode, err error) {
	text, err := attribute(root, p.Path, "bypass")
	if err != nil {
		return Unknown, Unknown, err
	}
	now, err = modeOf(text, gen3Words)
	return now, enabled(attribute(root, p.Path, "bpe")), err
}

func (gen3) force(root string, p Pair) error {
	return errors.Join(optional("1", root, p.Path, "func"), set("n", root, p.Path, "bypass"),
		optional("0", root, p.Path, "bpe"), optional("0", root, p.Path, "nextboot"))
}

// enabled says what a pair does without power, from the file that lets it bypass.
func enabled(text string, err error) Mode {
	switch {
	case err == nil && text == "1":
		return Bypassed
	case err == nil && text == "0":
		return Open
	}
	return Unknown
}

// gen2 is CASwell's driver for fibre, caswell_bpgen2: /sys/class/misc/caswell_bpgen2/slotN
// with bypassM (0 normal, 1 open, 2 bypassed), bpeM and nextbootM for each pair M.
// The path of a pair is that of its bypassM.
type gen2 struct{}

var gen2Words = map[string]Mode{"0": Normal, "1": Open, "2": Bypassed}

func (gen2) find(root string) (out []Pair) {
	for _, file := range glob(root, "sys/class/misc/caswell_bpgen2/slot*/bypass[0-9]") {
		slot, n := filepath.Split(file)
		out = append(out, Pair{Name: filepath.Base(slot) + "-" + n[len(n)-1:], Driver: "caswell", Path: file})
	}
	return out
}

// beside returns the path of another file of the same pair.
func (gen2) beside(p Pair, name string) string {
	return filepath.Join(filepath.Dir(p.Path), name+p.Path[max(len(p.Path)-1, 0):])
}

func (d gen2) mode(root string, p Pair) (now, off Mode, err error) {
	text, err := attribute(root, p.Path)
	if err != nil {
		return Unknown, Unknown, err
	}
	now, err = modeOf(text, gen2Words)
	return now, enabled(attribute(root, d.beside(p, "bpe"))), err
}

func (d gen2) force(root string, p Pair) error {
	return errors.Join(set("0", root, p.Path), optional("0", root, d.beside(p, "bpe")), optional("0", root, d.beside(p, "nextboot")))
}

// silicom is Silicom's bpctl_mod: /proc/net/bypass/bypass_IFACE with bypass,
// dis_bypass, bypass_pwoff and bypass_pwup (on or off), bypass_wd (milliseconds, 0
// none) and bypass_slave (the other port). Only the first port of a pair has a slave.
type silicom struct{}

var silicomWords = map[string]Mode{"off": Normal, "on": Bypassed}

func (silicom) find(root string) (out []Pair) {
	for _, dir := range glob(root, "proc/net/bypass/bypass_*") {
		slave, err := attribute(root, dir, "bypass_slave")
		if err != nil || slave == "" || strings.Contains(slave, "fail") {
			continue
		}
		first := strings.TrimPrefix(filepath.Base(dir), "bypass_")
		out = append(out, Pair{Name: first + "-" + slave, Ports: [2]string{first, slave}, Driver: "silicom", Path: dir})
	}
	return out
}

func (silicom) mode(root string, p Pair) (now, off Mode, err error) {
	text, err := attribute(root, p.Path, "bypass")
	if err != nil {
		return Unknown, Unknown, err
	}
	now, err = modeOf(text, silicomWords)
	off = Unknown
	if text, e := attribute(root, p.Path, "bypass_pwoff"); e == nil {
		off = map[string]Mode{"on": Bypassed, "off": Open}[text]
	}
	if off == "" {
		off = Unknown
	}
	return now, off, err
}

// force lets the card's own watchdog go first: it would switch again.
func (silicom) force(root string, p Pair) error {
	return errors.Join(optional("0", root, p.Path, "bypass_wd"), set("off", root, p.Path, "bypass"),
		optional("off", root, p.Path, "bypass_pwoff"), optional("off", root, p.Path, "bypass_pwup"))
}
