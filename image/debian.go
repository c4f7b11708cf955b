// SPDX-License-Identifier: Apache-2.0

package image

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// A Package is one of Debian's packages, fetched and unpacked but not installed.
type Package struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Arch    string `json:"arch"`             // amd64, arm64 or all
	Source  string `json:"source,omitempty"` // the source package, where its name is another
	SHA256  string `json:"sha256"`           // of the .deb file
	Asked   string `json:"asked,omitempty"`  // the metapackage that led to it

	Root string `json:"-"` // folder with its files
}

// Fetch gets the packages of these names for one architecture (amd64 or arm64)
// and unpacks each into a folder of its own below dir, which serves as a cache:
// what is there already is not fetched again, and then no network is needed.
// Empty dir to take newer ones.
//
// They come from the archives that this machine's apt is configured for, by
// lists of our own in dir; apt checks their signatures. A metapackage of the
// kernel, such as linux-image-amd64, stands for the kernel it depends on.
func Fetch(ctx context.Context, arch string, names []string, dir string) ([]Package, error) {
	d, err := openDebian(arch, dir)
	if err != nil {
		return nil, fmt.Errorf("packages for %s: %w", arch, err)
	}
	defer d.lock.Close()
	if err := d.fetch(ctx, names); err != nil {
		return nil, fmt.Errorf("packages for %s: %w", arch, err)
	}
	var out []Package
	for _, name := range names {
		out = append(out, *d.have(name))
	}
	return out, nil
}

// debian is the cache of one architecture:
//
//	packages.json       what was fetched
//	apt/                apt's lists and its configuration
//	NAME_VERSION_ARCH/  the files of a package
type debian struct {
	arch  string
	dir   string // absolute: apt wants it so
	lock  *os.File
	known []Package
}

func openDebian(arch, dir string) (*debian, error) {
	if arch != "amd64" && arch != "arm64" {
		return nil, fmt.Errorf("the architecture must be amd64 or arm64, not %q", arch)
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	d := &debian{arch: arch, dir: dir}
	if d.lock, err = os.Create(filepath.Join(dir, "lock")); err != nil {
		return nil, err
	}
	if err := unix.Flock(int(d.lock.Fd()), unix.LOCK_EX); err != nil {
		d.lock.Close()
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	if err := d.load(); err != nil {
		d.lock.Close()
		return nil, err
	}
	return d, nil
}

func (d *debian) list() string { return filepath.Join(d.dir, "packages.json") }

func (d *debian) load() error {
	data, err := os.ReadFile(d.list())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, &d.known); err != nil {
		return fmt.Errorf("%s: %v; remove the folder %s to fetch everything anew", d.list(), err, d.dir)
	}
	for i := range d.known {
		d.known[i].Root = d.folder(d.known[i])
	}
	return nil
}

func (d *debian) save() error {
	data, err := json.MarshalIndent(d.known, "", "\t")
	if err != nil {
		return err
	}
	tmp := d.list() + ".new"
	if err := os.WriteFile(tmp, append(data, '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(tmp, d.list())
}

// folder returns where the files of p are, or will be.
func (d *debian) folder(p Package) string {
	return filepath.Join(d.dir, strings.ReplaceAll(p.Name+"_"+p.Version+"_"+p.Arch, ":", "%3a"))
}

// have returns the package of that name, or to which that metapackage led, nil
// if it is not unpacked here.
func (d *debian) have(name string) *Package {
	i := slices.IndexFunc(d.known, func(p Package) bool { return p.Name == name || p.Asked == name })
	if i < 0 {
		return nil
	}
	if st, err := os.Stat(d.known[i].Root); err != nil || !st.IsDir() {
		return nil
	}
	return &d.known[i]
}

func (d *debian) fetch(ctx context.Context, names []string) error {
	var missing []string
	for _, name := range names {
		if d.have(name) == nil && !slices.Contains(missing, name) {
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	if err := d.configure(); err != nil {
		return err
	}
	if _, err := d.apt(ctx, "apt-get", "update", "-q"); err != nil {
		return err
	}
	asked := map[string]string{} // by the name of the real package
	for i, name := range missing {
		real, err := d.resolve(ctx, name)
		if err != nil {
			return err
		}
		if real != name {
			asked[real], missing[i] = name, real
		}
	}
	return d.download(ctx, missing, asked)
}

// configure writes apt's configuration: our lists and an empty list of what is
// installed. Where packages come from remains as the machine has it.
func (d *debian) configure() error {
	apt := filepath.Join(d.dir, "apt")
	for _, sub := range []string{"lists/partial", "archives/partial"} {
		if err := os.MkdirAll(filepath.Join(apt, sub), 0o755); err != nil {
			return err
		}
	}
	text := fmt.Sprintf(`APT::Architecture %q;
APT::Architectures { %q; };
APT::Sandbox::User "";
Acquire::Languages "none";
Acquire::Retries "3";
Dir::State %q;
Dir::State::lists %q;
Dir::State::status %q;
Dir::Cache %q;
`, d.arch, d.arch, apt, filepath.Join(apt, "lists"), filepath.Join(apt, "status"), apt)
	return errors.Join(
		os.WriteFile(filepath.Join(apt, "apt.conf"), []byte(text), 0o644),
		os.WriteFile(filepath.Join(apt, "status"), nil, 0o644))
}

func (d *debian) apt(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir = filepath.Join(d.dir, "apt", "archives")
	cmd.Env = append(os.Environ(), "LC_ALL=C", "APT_CONFIG="+filepath.Join(d.dir, "apt", "apt.conf"))
	return output(cmd)
}

// output runs cmd and returns what it wrote. Its error tells the command and the
// last that it said.
func output(cmd *exec.Cmd) ([]byte, error) {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if err == nil {
		return stdout.Bytes(), nil
	}
	said := strings.TrimSpace(stderr.String())
	if lines := strings.Split(said, "\n"); len(lines) > 5 {
		said = strings.Join(lines[len(lines)-5:], "\n")
	}
	name := strings.Join(cmd.Args[:min(2, len(cmd.Args))], " ")
	if errors.Is(err, exec.ErrNotFound) {
		return nil, fmt.Errorf("the program %s is missing: .ci/setup installs what building an image needs", cmd.Args[0])
	}
	return nil, fmt.Errorf("%s: %w: %s", name, err, said)
}

// resolve returns the package that a metapackage of the kernel depends on, or
// the name itself.
func (d *debian) resolve(ctx context.Context, name string) (string, error) {
	if !strings.HasPrefix(name, "linux-image-") {
		return name, nil
	}
	out, err := d.apt(ctx, "apt-cache", "depends", name)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(out)) {
		dep, ok := strings.CutPrefix(strings.TrimSpace(line), "Depends: ")
		if ok && strings.HasPrefix(dep, "linux-image-") {
			return dep, nil
		}
	}
	return name, nil
}

// download fetches the packages and unpacks them. Each is recorded as soon as it
// is whole, so that a build that was ended goes on from there.
func (d *debian) download(ctx context.Context, names []string, asked map[string]string) error {
	archives := filepath.Join(d.dir, "apt", "archives")
	if old, _ := filepath.Glob(filepath.Join(archives, "*.deb")); len(old) > 0 {
		for _, f := range old {
			if err := os.Remove(f); err != nil {
				return err
			}
		}
	}
	if _, err := d.apt(ctx, append([]string{"apt-get", "download", "-q"}, names...)...); err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(archives, "*.deb"))
	if err != nil {
		return err
	}
	for _, f := range files {
		p, err := d.unpack(ctx, f)
		if err != nil {
			return err
		}
		p.Asked = asked[p.Name]
		d.known = slices.DeleteFunc(d.known, func(o Package) bool {
			return o.Name == p.Name || p.Asked != "" && o.Asked == p.Asked
		})
		d.known = append(d.known, p)
		slices.SortFunc(d.known, func(a, b Package) int { return strings.Compare(a.Name, b.Name) })
		if err := d.save(); err != nil {
			return err
		}
	}
	for _, name := range names {
		if d.have(name) == nil {
			return fmt.Errorf("apt-get download brought no package %s", name)
		}
	}
	return nil
}

// unpack brings the files of a .deb into their folder, whole or not at all, and
// removes it.
func (d *debian) unpack(ctx context.Context, deb string) (Package, error) {
	p, err := d.describe(ctx, deb)
	if err != nil {
		return p, err
	}
	p.Root = d.folder(p)
	tmp := p.Root + ".new"
	if err := errors.Join(os.RemoveAll(tmp), os.RemoveAll(p.Root)); err != nil {
		return p, err
	}
	if _, err := output(exec.CommandContext(ctx, "dpkg-deb", "-x", deb, tmp)); err != nil {
		return p, err
	}
	if err := os.Rename(tmp, p.Root); err != nil {
		return p, err
	}
	return p, os.Remove(deb)
}

func (d *debian) describe(ctx context.Context, deb string) (Package, error) {
	out, err := output(exec.CommandContext(ctx, "dpkg-deb", "-f", deb, "Package", "Version", "Architecture", "Source"))
	if err != nil {
		return Package{}, err
	}
	field := map[string]string{}
	for line := range strings.Lines(string(out)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		field[key] = value
	}
	p := Package{Name: field["Package"], Version: field["Version"], Arch: field["Architecture"], Source: field["Source"]}
	if p.Name == "" || p.Version == "" || p.Arch != d.arch && p.Arch != "all" {
		return p, fmt.Errorf("%s: package %q, version %q, architecture %q: it should be for %s", deb, p.Name, p.Version, p.Arch, d.arch)
	}
	p.SHA256, err = fileSHA256(deb)
	return p, err
}

// fileSHA256 returns the digest of a file in hexadecimal digits.
func fileSHA256(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
