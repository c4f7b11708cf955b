// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What a line of each kind of file may be.
var (
	defconfigLine = regexp.MustCompile(`^(BR2_[A-Z0-9_a-z]+=(y|[0-9]+|"[^"]*")|# BR2_[A-Z0-9_a-z]+ is not set)$`)
	fragmentLine  = regexp.MustCompile(`^(CONFIG_[A-Z0-9_]+=(y|m|[0-9]+|"[^"]*")|# CONFIG_[A-Z0-9_]+ is not set)$`)
	symbolOf      = regexp.MustCompile(`(?:BR2|CONFIG)_[A-Z0-9_a-z]+`)
	externalPath  = regexp.MustCompile(`\$\(BR2_EXTERNAL_EVENER_PATH\)/([^\s"]+)`)
	hashLine      = regexp.MustCompile(`^sha256  [0-9a-f]{64}  \S+$`)
)

// buildroot reads a file below buildroot/.
func buildroot(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "buildroot", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// defconfigs are the names below buildroot/configs.
func defconfigs(t *testing.T) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(root, "buildroot/configs"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if len(names) < 2 {
		t.Fatalf("there are defconfigs %v only, want one for each architecture", names)
	}
	return names
}

// settings reads lines of symbols: what each is set to, "n" if it is not set.
func settings(t *testing.T, name string, line *regexp.Regexp, into map[string]string) {
	t.Helper()
	for i, row := range strings.Split(strings.TrimSuffix(buildroot(t, name), "\n"), "\n") {
		if !line.MatchString(row) {
			if row != "" && (!strings.HasPrefix(row, "#") || strings.Contains(row, "is not set")) || line == defconfigLine {
				t.Errorf("buildroot/%s:%d: %q sets no symbol; \"# SYMBOL is not set\" takes one away", name, i+1, row)
			}
			continue
		}
		symbol := symbolOf.FindString(row)
		_, value, set := strings.Cut(row, "=")
		if !set {
			value = "n"
		}
		if _, twice := into[symbol]; twice {
			t.Errorf("buildroot/%s:%d: %s was set before", name, i+1, symbol)
		}
		into[symbol] = strings.Trim(value, `"`)
	}
}

func defconfig(t *testing.T, name string) map[string]string {
	t.Helper()
	set := map[string]string{}
	settings(t, "configs/"+name, defconfigLine, set)
	return set
}

// fragments returns what the kernel's fragments of a defconfig set together.
func fragments(t *testing.T, name string) map[string]string {
	t.Helper()
	set := map[string]string{}
	for _, m := range externalPath.FindAllStringSubmatch(defconfig(t, name)["BR2_LINUX_KERNEL_CONFIG_FRAGMENT_FILES"], -1) {
		settings(t, m[1], fragmentLine, set)
	}
	return set
}

func TestBuildrootFindsEveryFileAndUsesIt(t *testing.T) {
	used := map[string]bool{"external.desc": true, "external.mk": true, "Config.in": true}
	for _, name := range defconfigs(t) {
		used["configs/"+name] = true
		for _, m := range externalPath.FindAllStringSubmatch(buildroot(t, "configs/"+name), -1) {
			if _, err := os.Stat(filepath.Join(root, "buildroot", m[1])); err != nil {
				t.Errorf("buildroot/configs/%s: %v", name, err)
			}
			used[m[1]] = true
		}
	}
	for _, m := range regexp.MustCompile(`source "\$BR2_EXTERNAL_EVENER_PATH/(\S+)"`).FindAllStringSubmatch(buildroot(t, "Config.in"), -1) {
		buildroot(t, m[1])
		buildroot(t, strings.TrimSuffix(m[1], "Config.in")+path.Base(path.Dir(m[1]))+".mk")
		used[path.Dir(m[1])] = true
	}
	// The script names one configuration for each platform, in its own folder.
	for _, m := range regexp.MustCompile(`config=(\S+)`).FindAllStringSubmatch(buildroot(t, "board/evener/post-image.sh"), -1) {
		buildroot(t, "board/evener/"+m[1])
		used["board/evener/"+m[1]] = true
	}
	for _, f := range files(t, func(name string) bool { return strings.HasPrefix(name, "buildroot/") }) {
		name := strings.TrimPrefix(f.name, "buildroot/")
		known := used[name]
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			known = known || used[dir]
		}
		if !known {
			t.Errorf("%s: no defconfig, package or script of the tree names it", f.name)
		}
	}
}

func TestBuildrootKnowsTheTree(t *testing.T) {
	if want := "name: EVENER\ndesc: "; !strings.HasPrefix(buildroot(t, "external.desc"), want) {
		t.Errorf("buildroot/external.desc must begin with %q", want)
	}
	if want := "$(sort $(wildcard $(BR2_EXTERNAL_EVENER_PATH)/package/*/*.mk))"; !strings.Contains(buildroot(t, "external.mk"), want) {
		t.Errorf("buildroot/external.mk must include %s", want)
	}
}

func TestBuildrootPackageBuildsWhatThereIs(t *testing.T) {
	mk := buildroot(t, "package/evener/evener.mk")
	variable := func(name string) string {
		m := regexp.MustCompile(`(?m)^` + name + ` :?= *(.*)$`).FindStringSubmatch(mk)
		if m == nil {
			t.Fatalf("evener.mk does not set %s", name)
		}
		return m[1]
	}
	for _, who := range []string{"EVENER", "HOST_EVENER"} {
		if got := variable(who + "_GOMOD"); got+"/" != module {
			t.Errorf("%s_GOMOD is %s, go.mod says %s", who, got, strings.TrimSuffix(module, "/"))
		}
		if got := variable(who + "_GO_ENV"); got != "CGO_ENABLED=0" {
			t.Errorf("%s_GO_ENV is %q: programs must be static", who, got)
		}
		for _, target := range strings.Fields(variable(who + "_BUILD_TARGETS")) {
			text, err := os.ReadFile(filepath.Join(root, target, "main.go"))
			if err != nil || !strings.Contains(string(text), "\npackage main\n") {
				t.Errorf("%s_BUILD_TARGETS: %s is no program (%v)", who, target, err)
			}
		}
	}
	for _, want := range []string{"$(eval $(golang-package))\n", "$(eval $(host-golang-package))\n", "-X main.version=$(EVENER_VERSION)"} {
		if !strings.Contains(mk, want) {
			t.Errorf("evener.mk lacks %q", want)
		}
	}
	if in := buildroot(t, "package/evener/Config.in"); !strings.Contains(in, "\nconfig BR2_PACKAGE_EVENER\n") ||
		!strings.Contains(in, "depends on BR2_PACKAGE_HOST_GO_TARGET_ARCH_SUPPORTS\n") {
		t.Error("package/evener/Config.in has no BR2_PACKAGE_EVENER that depends on Go's targets")
	}
}

// TestBuildrootDefconfigs compares them with each other and with what a box needs. With
// a checkout of the series 2026.02 named by EVENER_BUILDROOT, Buildroot itself reads
// them too, which docs/manual/buildroot.md asks of whoever changes one.
func TestBuildrootDefconfigs(t *testing.T) {
	if checkout := os.Getenv("EVENER_BUILDROOT"); checkout != "" {
		for _, name := range defconfigs(t) {
			comesBack(t, checkout, name)
		}
	}
	first := defconfig(t, defconfigs(t)[0])
	own := regexp.MustCompile(`^BR2_(x86_64|aarch64|TARGET_GRUB2_\w+|LINUX_KERNEL_(INTREE_DTS_NAME|DTS_SUPPORT|DTB_KEEP_DIRNAME|CONFIG_FRAGMENT_FILES)|ROOTFS_POST_IMAGE_SCRIPT_ARGS)$`)
	for _, name := range defconfigs(t)[1:] {
		other := defconfig(t, name)
		for symbol := range merged(first, other) {
			if first[symbol] != other[symbol] && !own.MatchString(symbol) {
				t.Errorf("%s is %q in one defconfig and %q in %s", symbol, first[symbol], other[symbol], name)
			}
		}
	}
	for symbol, want := range map[string]string{
		"BR2_INIT_NONE": "y", "BR2_SYSTEM_BIN_SH_NONE": "y", "BR2_PACKAGE_BUSYBOX": "n", "BR2_TARGET_ENABLE_ROOT_LOGIN": "n",
		"BR2_PACKAGE_EVENER": "y", "BR2_PACKAGE_E2FSPROGS": "y", "BR2_PACKAGE_CA_CERTIFICATES": "y", "BR2_TARGET_TZ_INFO": "y",
		"BR2_PACKAGE_HOST_GENIMAGE": "y", "BR2_PACKAGE_HOST_SQUASHFS": "y", "BR2_TARGET_GRUB2": "y", "BR2_REPRODUCIBLE": "y",
	} {
		if first[symbol] != want {
			t.Errorf("%s is %q, want %s", symbol, first[symbol], want)
		}
	}
}

func merged(a, b map[string]string) map[string]bool {
	all := map[string]bool{}
	for k := range a {
		all[k] = true
	}
	for k := range b {
		all[k] = true
	}
	return all
}

func TestBuildrootChecksTheKernelItFetches(t *testing.T) {
	hash := buildroot(t, "board/evener/patches/linux/linux.hash")
	for row := range strings.Lines(hash) {
		if row = strings.TrimSuffix(row, "\n"); row != "" && !strings.HasPrefix(row, "#") && !hashLine.MatchString(row) {
			t.Errorf("linux.hash: %q is not \"sha256  DIGEST  FILE\"", row)
		}
	}
	if headers := buildroot(t, "board/evener/patches/linux-headers/linux-headers.hash"); headers != hash {
		t.Error("linux-headers.hash must be the same file as linux.hash: headers come from the kernel's archive")
	}
	for _, name := range defconfigs(t) {
		version := defconfig(t, name)["BR2_LINUX_KERNEL_CUSTOM_VERSION_VALUE"]
		if !strings.Contains(hash, "  linux-"+version+".tar.xz\n") {
			t.Errorf("%s: linux.hash has no digest of linux-%s.tar.xz", name, version)
		}
		series := strings.Split(version+"..", ".")
		if symbol := "BR2_PACKAGE_HOST_LINUX_HEADERS_CUSTOM_" + series[0] + "_" + series[1]; defconfig(t, name)[symbol] != "y" {
			t.Errorf("%s: the kernel is %s, so %s must be y", name, version, symbol)
		}
	}
}

func TestBuildrootScriptsCanBeRun(t *testing.T) {
	for _, name := range []string{"post-build.sh", "post-image.sh"} {
		file := filepath.Join(root, "buildroot/board/evener", name)
		st, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if st.Mode()&0o111 == 0 {
			t.Errorf("%s cannot be run: chmod +x", name)
		}
		if !strings.HasPrefix(buildroot(t, "board/evener/"+name), "#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0\n") {
			t.Errorf("%s must begin with #!/bin/sh and the licence", name)
		}
		if text, err := exec.Command("sh", "-n", file).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, text)
		}
	}
}

// kernelNeeds is what the firmware cannot do without, or tells that it supports.
var kernelNeeds = map[string]string{
	"both": `IGB IXGBE I40E ICE E1000E R8169 VIRTIO_NET VIRTIO_BLK MACVLAN BONDING VLAN_8021Q NF_TABLES NF_TABLES_INET
		NF_TABLES_NETDEV NETFILTER_INGRESS NETFILTER_EGRESS NF_NAT NFT_NAT NFT_MASQ NFT_REDIR NF_CONNTRACK NF_CT_NETLINK
		BPF_SYSCALL BPF_JIT NET_XGRESS XDP_SOCKETS DEBUG_INFO_BTF TLS WATCHDOG WATCHDOG_HANDLE_BOOT_ENABLED I6300ESB_WDT
		HWMON NEW_LEDS LEDS_CLASS LEDS_GPIO SERIAL_8250 SERIAL_8250_CONSOLE USB_SERIAL_FTDI_SIO INPUT_EVDEV GPIO_CDEV PACKET
		IP_MULTIPLE_TABLES IPV6_MULTIPLE_TABLES SQUASHFS SQUASHFS_ZLIB EXT4_FS VFAT_FS BLK_DEV_INITRD RD_GZIP DEVTMPFS TMPFS
		SECURITY_LANDLOCK SECURITY_LOCKDOWN_LSM SECCOMP_FILTER MODULE_SIG_FORCE BPF_UNPRIV_DEFAULT_OFF EFI`,
	"evener_x86_64_defconfig":  "ITCO_WDT SP5100_TCO W83627HF_WDT SENSORS_CORETEMP SENSORS_K10TEMP HYPERV_NET VMXNET3 VGA_CONSOLE",
	"evener_aarch64_defconfig": "MVNETA MVPP2 ARM_SBSA_WATCHDOG SERIAL_AMBA_PL011_CONSOLE FSL_DPAA2_ETH GPIO_PL061",
}

func TestBuildrootKernelHasWhatTheFirmwareNeeds(t *testing.T) {
	for _, name := range defconfigs(t) {
		set := fragments(t, name)
		for _, symbol := range strings.Fields(kernelNeeds["both"] + " " + kernelNeeds[name]) {
			if v := set["CONFIG_"+symbol]; v != "y" && v != "m" {
				t.Errorf("%s: no fragment sets CONFIG_%s", name, symbol)
			}
		}
		// What finds the root cannot be a module of that root.
		for _, symbol := range []string{"SQUASHFS", "EXT4_FS", "VIRTIO_BLK", "BLK_DEV_SD", "BLK_DEV_NVME", "MMC_BLOCK"} {
			if set["CONFIG_"+symbol] != "y" {
				t.Errorf("%s: CONFIG_%s must be built in", name, symbol)
			}
		}
		if lsm := strings.Split(set["CONFIG_LSM"], ","); !slices.Contains(lsm, "landlock") || !slices.Contains(lsm, "lockdown") {
			t.Errorf("%s: CONFIG_LSM %v leaves out landlock or lockdown", name, lsm)
		}
	}
}
