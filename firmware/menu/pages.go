// SPDX-License-Identifier: Apache-2.0

package menu

import (
	"fmt"
	"strings"
	"time"
)

// pages returns the pages of the status, at least one. What nobody has told is left
// out.
func (s *state) pages() [][]string {
	if s.news.stopping || s.silent() {
		return s.split(s.silentPage())
	}
	var out [][]string
	for _, p := range [][]string{s.boxPage(), s.standbyPage(), s.trafficPage(), s.consolePage()} {
		out = append(out, s.split(p)...)
	}
	out = append(out, s.fingerprint()...)
	for _, p := range [][]string{s.networkPage(), s.portsPage(), s.sensorPage(), s.versionPage()} {
		out = append(out, s.split(p)...)
	}
	return out
}

// split makes pages of one that has too many lines; each begins with the first.
func (s *state) split(lines []string) (out [][]string) {
	if len(lines) <= s.disp.Rows {
		if len(lines) == 0 {
			return nil
		}
		return [][]string{lines}
	}
	for _, part := range chunks(lines[1:], s.disp.Rows-1) {
		out = append(out, append([]string{lines[0]}, part...))
	}
	return out
}

// silentPage says what the supervisor knows while the engine does not answer.
func (s *state) silentPage() []string {
	head := tSilent
	switch {
	case s.news.stopping:
		head = tStopping
	case s.starting():
		head = tStarting
	}
	lines := []string{s.text(head)}
	for _, r := range s.news.roles {
		lines = append(lines, pair(r.Name, r.State, s.disp.Cols))
	}
	return lines
}

// boxPage is the name of the box and how it does.
func (s *state) boxPage() []string {
	st := s.news.status
	how := tServes
	if !st.Serves {
		how = tServesNot
	}
	lines := []string{s.text(how)}
	if st.Host != "" {
		lines = []string{st.Host, s.text(how)}
	}
	alarms := s.text(tNoAlarms)
	if n := len(st.Problems) + st.More; n > 0 {
		alarms = s.pair(tAlarms, fmt.Sprint(n))
	}
	return append(lines, alarms, st.Now.Add(s.now.Sub(s.news.at)).Local().Format("2006-01-02 15:04"))
}

// trafficPage is what the box carries.
func (s *state) trafficPage() []string {
	st := s.news.status
	lines := []string{
		s.pair(tClusters, fmt.Sprintf("%d/%d", st.Clusters.Up, st.Clusters.Total)),
		s.pair(tServers, fmt.Sprintf("%d/%d", st.Servers.Up, st.Servers.Total)),
	}
	if s.disp.Rows >= 4 {
		if s.news.rated {
			lines = append(lines, s.pair(tAccepted, short(s.news.rate)))
		}
		return append(lines, pair(s.text(tTrafficIn)+"/"+s.text(tTrafficOut), bits(st.BytesIn)+" "+bits(st.BytesOut), s.disp.Cols))
	}
	return lines
}

// short writes a number in at most five characters.
func short(v float64) string {
	for _, unit := range []string{"", "k", "M", "G", "T"} {
		switch {
		case v < 9.95 && unit != "":
			return fmt.Sprintf("%.1f%s", v, unit)
		case v < 999.5:
			return fmt.Sprintf("%.0f%s", v, unit)
		}
		v /= 1000
	}
	return "much"
}

// bits writes a rate of bytes as one of bits.
func bits(bytes float64) string { return short(bytes*8) + "b" }

// consolePage is where the box is administered.
func (s *state) consolePage() []string {
	list := s.news.status.Console.Addresses
	if len(list) == 0 {
		return []string{s.text(tConsoleOff)}
	}
	lines := []string{s.text(tConsole)}
	for _, a := range list {
		a = strings.TrimPrefix(a, "https://")
		for width(a) > s.disp.Cols {
			lines, a = append(lines, cut(a, s.disp.Cols)), a[len(cut(a, s.disp.Cols)):]
		}
		lines = append(lines, a)
	}
	if s.disp.Rows >= 4 && len(lines) < s.disp.Rows && len(s.fingerprintLines()) > 0 {
		lines = append(lines, s.text(tFingerprint)+":") // the page that follows has no room for a title
	}
	return lines
}

// fingerprintLines returns the digits of the fingerprint, 16 in a line.
func (s *state) fingerprintLines() (lines []string) {
	if s.silent() {
		return nil
	}
	digits := s.news.status.Console.digits()
	for len(digits) > 0 {
		n := min(16, len(digits))
		line := groups(digits[:n], 4)
		if width(line) > s.disp.Cols {
			line = digits[:n]
		}
		lines, digits = append(lines, line), digits[n:]
	}
	return lines
}

// fingerprint returns the pages of the fingerprint: all its digits.
func (s *state) fingerprint() [][]string {
	lines := s.fingerprintLines()
	if len(lines) == 0 {
		return nil
	}
	if s.disp.Rows >= len(lines)+1 {
		lines = append([]string{s.text(tFingerprint)}, lines...)
		return [][]string{lines}
	}
	out := chunks(lines, s.disp.Rows)
	if s.disp.Rows < 4 { // the title comes before, as a page of its own
		out = append([][]string{{s.text(tFingerprint), "SHA-256"}}, out...)
	}
	return out
}

// networkPage is the management port as it is.
func (s *state) networkPage() []string {
	n := s.news.network
	if n == nil || len(n.Addresses) == 0 {
		return nil
	}
	lines := []string{strings.TrimSpace(s.text(tNetwork) + " " + n.Port)}
	if n.VLAN > 0 {
		lines = append(lines, "VLAN "+itoa(n.VLAN))
	}
	for _, a := range n.Addresses {
		lines = append(lines, wrap(a, s.disp.Cols)...)
	}
	if n.Gateway != "" {
		lines = append(lines, wrap("> "+n.Gateway, s.disp.Cols)...)
	}
	return lines
}

// portsPage is a row of ports: + has a link, - has none, . is off, ? is not there.
func (s *state) portsPage() []string {
	if len(s.news.ports) == 0 {
		return nil
	}
	marks := map[string]string{"up": "+", "no-carrier": "-", "down": ".", "missing": "?"}
	var list []string
	for _, p := range s.news.ports {
		list = append(list, p.Name+marks[p.State])
	}
	return append([]string{s.text(tPorts)}, wrap(strings.Join(list, " "), s.disp.Cols)...)
}

// sensorPage is how warm it is and how fast fans turn.
func (s *state) sensorPage() (lines []string) {
	for _, x := range s.news.sensors {
		value := ""
		switch {
		case x.State == "missing":
			value = "?"
		case x.Kind == "temperature":
			value = fmt.Sprintf("%.0f C", x.Value)
		case x.Kind == "fan":
			value = fmt.Sprintf("%.0f rpm", x.Value)
		}
		if (x.Kind == "temperature" || x.Kind == "fan") && value != "" {
			if x.State == "warning" || x.State == "critical" {
				value += "!"
			}
			lines = append(lines, pair(x.Name, value, s.disp.Cols))
		}
	}
	return lines
}

// versionPage is what runs, and since when.
func (s *state) versionPage() []string {
	st := s.news.status
	up := st.Now.Sub(st.Started)
	text := fmt.Sprintf("%d:%02d", int(up.Hours()), int(up.Minutes())%60)
	if days := int(up.Hours()) / 24; days > 0 {
		text = fmt.Sprintf("%dd %d:%02d", days, int(up.Hours())%24, int(up.Minutes())%60)
	}
	version, _, _ := strings.Cut(st.Version, "+")
	lines := []string{s.pair(tVersion, version), s.pair(tRevision, fmt.Sprint(st.Revision)), s.pair(tUp, text)}
	return append(lines, s.pair(tDate, st.Now.Add(s.now.Sub(s.news.at)).Local().Format(time.DateOnly)))
}
