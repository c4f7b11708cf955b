// SPDX-License-Identifier: Apache-2.0

package image

import (
	"bytes"
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// ComponentsFile is where an image has the list of what is in it.
const ComponentsFile = "etc/evener/packages.json"

// A Component is one thing an image is made of, in the form of CycloneDX 1.5
// (https://cyclonedx.org/docs/1.5/json), which tools for such lists read.
type Component struct {
	Type       string     `json:"type"` // "application", "library" or "operating-system"
	Name       string     `json:"name"`
	Version    string     `json:"version"`
	PURL       string     `json:"purl,omitempty"` // package URL
	Hashes     []hash     `json:"hashes,omitempty"`
	Properties []property `json:"properties,omitempty"`
}

type hash struct {
	Alg     string `json:"alg"`
	Content string `json:"content"`
}

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// component returns the entry of a Debian package.
func (p Package) component() Component {
	c := Component{
		Type: "library", Name: p.Name, Version: p.Version,
		PURL:   fmt.Sprintf("pkg:deb/debian/%s@%s?arch=%s", p.Name, escapePURL(p.Version), p.Arch),
		Hashes: []hash{{"SHA-256", p.SHA256}},
	}
	if strings.HasPrefix(p.Name, "linux-image-") {
		c.Type = "operating-system"
	}
	if p.Source != "" {
		c.Properties = []property{{"debian:source", p.Source}}
	}
	return c
}

// escapePURL escapes what a version may have and a package URL may not.
func escapePURL(version string) string {
	return strings.NewReplacer("%", "%25", "+", "%2B", "~", "~", ":", "%3A").Replace(version)
}

// components returns the list of what is in the image: what the source told and
// the modules that our program was built from.
func (s Spec) components(t *Tree, b *Base) ([]byte, error) {
	parts := slices.Clone(b.Parts)
	program, err := t.Read("sbin/evener")
	if err != nil {
		return nil, err
	}
	info, err := buildinfo.Read(bytes.NewReader(program))
	if err != nil {
		return nil, fmt.Errorf("/sbin/evener: %w", err)
	}
	parts = append(parts, Component{Type: "library", Name: "go", Version: info.GoVersion, PURL: "pkg:golang/std@" + strings.TrimPrefix(info.GoVersion, "go")})
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		parts = append(parts, Component{Type: "library", Name: m.Path, Version: m.Version,
			PURL: fmt.Sprintf("pkg:golang/%s@%s", m.Path, escapePURL(m.Version)), Properties: []property{{"go:sum", m.Sum}}})
	}
	slices.SortFunc(parts, func(a, b Component) int { return strings.Compare(a.PURL+a.Name, b.PURL+b.Name) })
	doc := map[string]any{
		"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
		"metadata": map[string]any{
			"timestamp": s.Created.UTC().Format(time.RFC3339),
			"component": Component{Type: "operating-system", Name: "evener", Version: s.Version,
				Properties: []property{{"evener:arch", s.Arch}, {"evener:kernel", b.Index.Version}, {"evener:source", b.Name}}},
		},
		"components": parts,
	}
	data, err := json.MarshalIndent(doc, "", "  ")
	return append(data, '\n'), err
}
