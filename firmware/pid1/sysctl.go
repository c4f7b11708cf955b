// SPDX-License-Identifier: Apache-2.0

package pid1

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// A Sysctl is one setting of the kernel below /proc/sys, with the reason for it. The
// manual (docs/manual/appliance.md) shows the same table.
type Sysctl struct{ Key, Value, Why string }

// Sysctls are the settings of an appliance. One that a kernel does not have is passed
// over.
var Sysctls = []Sysctl{
	{"net.core.somaxconn", "65535", "a burst of new connections waits in the listener's queue instead of being dropped"},
	{"net.ipv4.tcp_max_syn_backlog", "65535", "as many handshakes may be under way"},
	{"net.ipv4.tcp_syncookies", "1", "a flood of SYNs beyond that queue locks no client out"},
	{"net.ipv4.ip_local_port_range", "10240 65535", "55,000 connections to each address and port of a server, instead of 28,000"},
	{"net.ipv4.tcp_tw_reuse", "1", "a port towards a server is used again one second after its connection ended"},
	{"net.ipv4.tcp_fin_timeout", "15", "clients that vanish while a connection ends hold its memory for 15 s, not 60"},
	{"net.ipv4.tcp_slow_start_after_idle", "0", "a kept connection to a server answers at full speed after a pause"},
	{"net.ipv4.tcp_notsent_lowat", "131072", "answers wait in our buffers, which are counted, and not in the kernel's"},
	{"net.core.rmem_max", "16777216", "windows for a gigabit over 100 ms"},
	{"net.core.wmem_max", "16777216", "the same for what is sent"},
	{"net.ipv4.tcp_rmem", "4096 131072 16777216", "a connection begins small and grows to that as it needs"},
	{"net.ipv4.tcp_wmem", "4096 65536 16777216", "the same for what is sent"},
	{"net.core.netdev_max_backlog", "8192", "frames that come faster than one core takes them wait"},
	{"net.ipv4.tcp_mtu_probing", "1", "a path that swallows large packets and says nothing is found out"},
	{"net.ipv4.conf.all.rp_filter", "0", "the larger of this and a port's own counts; each port has its own"},
	{"net.ipv4.conf.default.rp_filter", "2", "a packet whose source could not be reached by any port is forged; which port does not matter, because answers may take another"},
	{"net.ipv4.conf.all.accept_redirects", "0", "no neighbour changes the routes of the box"},
	{"net.ipv4.conf.default.accept_redirects", "0", "the same for ports that come later"},
	{"net.ipv6.conf.all.accept_redirects", "0", "the same for IPv6"},
	{"net.ipv6.conf.default.accept_redirects", "0", "the same for ports that come later"},
	{"net.ipv4.conf.all.send_redirects", "0", "the box is a proxy and no router's adviser"},
	{"net.ipv4.conf.default.send_redirects", "0", "the same for ports that come later"},
	{"net.ipv4.conf.all.accept_source_route", "0", "nobody chooses the way of a packet through the box"},
	{"net.ipv4.conf.all.arp_ignore", "1", "an address is answered for on the port that has it, which failover relies on"},
	{"net.ipv4.conf.all.arp_announce", "2", "ARP questions name an address of the port that asks"},
	{"kernel.printk", "1 4 1 7", "messages of the kernel do not run through the dialogue on the console; they are kept in its log"},
	{"kernel.panic", "10", "a kernel that has crashed starts again after ten seconds"},
	{"kernel.panic_on_oops", "1", "a kernel that has gone wrong inside is not trusted with traffic"},
	{"kernel.softlockup_panic", "1", "a core that hangs in the kernel for 20 s counts as a crash"},
	{"kernel.kptr_restrict", "2", "addresses inside the kernel are told to nobody"},
	{"kernel.dmesg_restrict", "1", "the kernel's log is for root"},
	{"kernel.unprivileged_bpf_disabled", "1", "only the roles with the right load programs into the kernel; until the next start nobody can allow it again"},
	{"net.core.bpf_jit_harden", "1", "constants of programs of unprivileged users are blinded"},
	{"kernel.yama.ptrace_scope", "2", "one role cannot read the memory of another"},
	{"kernel.perf_event_paranoid", "3", "counters of the processor are for root"},
	{"kernel.kexec_load_disabled", "1", "no other kernel is started past the check of the slot"},
	{"kernel.sysrq", "0", "keys on the console do not reach the kernel"},
	{"kernel.core_pattern", "|/bin/false", "no memory of a process, with its keys, is written to the disk"},
	{"fs.protected_hardlinks", "1", "links to files of others are not made"},
	{"fs.protected_symlinks", "1", "links in folders that all may write to are not followed"},
	{"fs.protected_fifos", "1", "the same for pipes"},
	{"fs.protected_regular", "1", "the same for files"},
	{"fs.suid_dumpable", "0", "a process that has changed its user leaves no memory behind"},
	{"fs.file-max", "2097152", "a million clients with a server each"},
}

// ApplySysctls writes the settings. What the kernel has not is skipped; what it
// refuses is in the error.
func ApplySysctls(root string, list []Sysctl) error {
	var errs []error
	for _, s := range list {
		name := filepath.Join(root, "proc/sys", strings.ReplaceAll(s.Key, ".", "/"))
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err == nil {
			_, err = f.WriteString(s.Value)
			err = errors.Join(err, f.Close())
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("set %s to %s: %w", s.Key, s.Value, err))
		}
	}
	return errors.Join(errs...)
}

// Lockdown asks the kernel to keep root from changing it: "integrity" forbids unsigned
// modules, writing to memory and ports of the machine, and other kernels. A kernel
// that does not insist on signed modules is left alone: its modules may have no
// signature, and then the box could load none. It returns what holds now, in words
// for people.
func Lockdown(root string) (string, error) {
	name := filepath.Join(root, "sys/kernel/security/lockdown")
	text, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return "this kernel has no lockdown", nil
	}
	if err != nil {
		return "", err
	}
	// "none [integrity] confidentiality": what is in brackets holds.
	if now := bracketed(string(text)); now != "none" {
		return "lockdown is " + now + " since the kernel's start", nil
	}
	signed, err := os.ReadFile(filepath.Join(root, "sys/module/module/parameters/sig_enforce"))
	if err != nil || strings.TrimSpace(string(signed)) != "Y" {
		return "lockdown is not asked for: the kernel does not insist on signed modules (module.sig_enforce=1)", nil
	}
	if err := os.WriteFile(name, []byte("integrity"), 0); err != nil {
		return "", fmt.Errorf("ask for lockdown: %w", err)
	}
	return "lockdown is integrity", nil
}

func bracketed(s string) string {
	_, s, _ = strings.Cut(s, "[")
	s, _, _ = strings.Cut(s, "]")
	return s
}
