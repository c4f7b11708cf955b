// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"

	"evener/firmware/accesslog"
	"evener/firmware/api"
)

// An accessFilter says which requests are wanted. A list wants any of its values;
// what stands in not is not wanted. All fields must fit.
type accessFilter struct {
	Cluster []string `json:"cluster,omitempty"`
	Rule    []string `json:"rule,omitempty"`
	Pool    []string `json:"pool,omitempty"`
	Server  []string `json:"server,omitempty"`
	Status  []string `json:"status,omitempty" doc:"classes such as 5xx, or statuses such as 404; 0: no answer"`
	Method  []string `json:"method,omitempty"`
	Path    []string `json:"path,omitempty" doc:"found in the path or its query"`
	Client  []string `json:"client,omitempty" doc:"addresses or networks"`

	Not accessExcept `json:"not,omitzero" doc:"what is left out"`
}

type accessExcept struct {
	Cluster []string `json:"cluster,omitempty"`
	Rule    []string `json:"rule,omitempty"`
	Pool    []string `json:"pool,omitempty"`
	Server  []string `json:"server,omitempty"`
	Status  []string `json:"status,omitempty"`
	Method  []string `json:"method,omitempty"`
	Path    []string `json:"path,omitempty"`
	Client  []string `json:"client,omitempty"`
}

// A condition is one field of a filter.
type condition func(accesslog.Seen) bool

// compile checks f and returns what decides; nil where every record fits.
func (f accessFilter) compile() (func(accesslog.Seen) bool, error) {
	want, err := conditions(accessExcept{f.Cluster, f.Rule, f.Pool, f.Server, f.Status, f.Method, f.Path, f.Client})
	if err != nil {
		return nil, err
	}
	not, err := conditions(f.Not)
	if err != nil {
		return nil, err
	}
	if len(want)+len(not) == 0 {
		return nil, nil
	}
	return func(s accesslog.Seen) bool {
		for _, c := range want {
			if !c(s) {
				return false
			}
		}
		for _, c := range not {
			if c(s) {
				return false
			}
		}
		return true
	}, nil
}

// conditions makes one for each field that is given.
func conditions(f accessExcept) (out []condition, err error) {
	name := func(list []string, of func(accesslog.Seen) accesslog.Name) {
		if len(list) > 0 {
			out = append(out, func(s accesslog.Seen) bool { return slices.Contains(list, s.Text(of(s))) })
		}
	}
	name(f.Cluster, func(s accesslog.Seen) accesslog.Name { return s.Cluster })
	name(f.Rule, func(s accesslog.Seen) accesslog.Name { return s.Rule })
	name(f.Pool, func(s accesslog.Seen) accesslog.Name { return s.Pool })
	name(f.Server, func(s accesslog.Seen) accesslog.Name { return s.Member })
	if len(f.Method) > 0 {
		out = append(out, func(s accesslog.Seen) bool { return slices.Contains(f.Method, string(s.Method.Bytes())) })
	}
	if len(f.Path) > 0 {
		out = append(out, func(s accesslog.Seen) bool {
			return slices.ContainsFunc(f.Path, func(part string) bool { return bytes.Contains(s.Path.Bytes(), []byte(part)) })
		})
	}
	for _, part := range []struct {
		list []string
		make func([]string) (condition, error)
	}{{f.Status, statusIn}, {f.Client, clientIn}} {
		if len(part.list) == 0 {
			continue
		}
		c, err := part.make(part.list)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

// statusIn reads statuses and classes of them.
func statusIn(list []string) (condition, error) {
	var wanted [1000]bool
	for _, s := range list {
		switch {
		case s == "0":
			wanted[0] = true
		case len(s) == 3 && s[0] >= '1' && s[0] <= '9' && s[1:] == "xx":
			for i := range 100 {
				wanted[int(s[0]-'0')*100+i] = true
			}
		case len(s) == 3 && strings.Trim(s, "0123456789") == "" && s[0] != '0':
			wanted[int(s[0]-'0')*100+int(s[1]-'0')*10+int(s[2]-'0')] = true
		default:
			return nil, api.Errorf(api.CodeParams, "params.status", "a status is written 404, a class of them 5xx, and no answer 0, not %q", s)
		}
	}
	return func(s accesslog.Seen) bool { return int(s.Status) < len(wanted) && wanted[s.Status] }, nil
}

// clientIn reads addresses and networks.
func clientIn(list []string) (condition, error) {
	var nets []netip.Prefix
	for _, s := range list {
		n, err := netip.ParsePrefix(s)
		if a, aerr := netip.ParseAddr(s); aerr == nil {
			n, err = netip.PrefixFrom(a.Unmap().WithZone(""), a.Unmap().BitLen()), nil
		}
		if err != nil {
			return nil, api.Errorf(api.CodeParams, "params.client", "a client is an address such as 192.0.2.7 or a network such as 192.0.2.0/24, not %q", s)
		}
		nets = append(nets, n)
	}
	return func(s accesslog.Seen) bool {
		a := s.Client().Addr()
		return slices.ContainsFunc(nets, func(n netip.Prefix) bool { return n.Contains(a) })
	}, nil
}
