// SPDX-License-Identifier: Apache-2.0

package netconf

import (
	"cmp"
	"maps"
	"slices"
)

// What makes a link needs several looks: a VLAN is on what has an index already, and
// a bond takes ports once it is there. Each plan holds what can be done at once:
//
//	no bond ------> AddBond --> AddMember of each port (LinkDown first) --> AddVLAN
//	other mode ---> RemoveBond (with its VLANs), and so again
//	not wanted ---> RemoveMember, addresses, RemoveVLAN, RemoveBond

// tagged lists the VLANs that are wanted on what is there.
func (g goal) tagged(s State) (out []tagged) {
	if port, there := s.Interfaces[g.Interface]; there && g.Method != None && g.VLAN > 0 {
		out = append(out, tagged{port.Index, g.VLAN})
	}
	for _, l := range g.Links {
		if l.VLAN == 0 {
			continue
		}
		if _, below, there := s.find(g.Desired, l.Over); there {
			if t := (tagged{below.Index, l.VLAN}); !slices.Contains(out, t) {
				out = append(out, t)
			}
		}
	}
	return out
}

// planVLANs returns the steps that make the VLANs that are not there, and notes them
// as ours.
func (g goal) planVLANs(s State, r *record) (steps []Step) {
	for _, t := range g.tagged(s) {
		if _, _, made := s.vlan(t); made {
			continue
		}
		if !slices.Contains(r.VLANs, t) {
			r.VLANs = append(r.VLANs, t)
		}
		port := s.name(t.Parent)
		name := s.vlanName(port, t)
		s = s.with(name) // two at once must not get the same
		steps = append(steps, Step{Kind: AddVLAN, Interface: port, Index: t.Parent, Name: name, VLAN: t.ID})
	}
	return steps
}

// with is s with one name more taken.
func (s State) with(name string) State {
	more := map[string]Link{name: {}}
	for n, l := range s.Interfaces {
		more[n] = l
	}
	s.Interfaces = more
	return s
}

// planBonds returns the steps that make bonds and give them their ports.
func (g goal) planBonds(s State, r *record) (steps []Step) {
	for _, l := range g.Links {
		if l.Bond == nil {
			continue
		}
		want := l.Bond.state()
		have, there := s.Interfaces[l.Interface]
		switch {
		case !there:
			r.ownBond(l.Interface)
			steps = append(steps, Step{Kind: AddBond, Interface: l.Interface, Bond: want})
			continue
		case have.Bond == nil || have.Bond.Mode != want.Mode || have.Bond.Fast != want.Fast:
			continue // told as a problem
		case have.Bond.Monitor != want.Monitor || want.Mode == LACP && have.Bond.Hash != want.Hash:
			steps = append(steps, Step{Kind: ChangeBond, Interface: l.Interface, Index: have.Index, Bond: want})
		}
		steps = append(steps, g.planMembers(s, l, have.Index, r)...)
	}
	return steps
}

// remakeBonds returns the steps that remove bonds whose mode is another one than is
// wanted: the kernel changes it only for one without ports. Those of others stay,
// but for one that nobody uses.
func (g goal) remakeBonds(s State, r *record) (steps []Step) {
	for _, l := range g.Links {
		if l.Bond == nil {
			continue
		}
		want, have := l.Bond.state(), s.Interfaces[l.Interface]
		if have.Bond == nil || have.Bond.Mode == want.Mode && have.Bond.Fast == want.Fast {
			continue
		}
		if slices.Contains(r.Bonds, l.Interface) || s.unused(have) {
			r.ownBond(l.Interface)
			steps = append(steps, Step{Kind: RemoveBond, Interface: l.Interface, Index: have.Index})
		}
	}
	return steps
}

// planMembers puts ports into a bond. A port must be off for that; the bond switches
// it on. The port by which the box is administered is left out.
func (g goal) planMembers(s State, l LinkSpec, bond int, r *record) (steps []Step) {
	for _, m := range l.Bond.Members {
		link, there := s.Interfaces[m.Interface]
		if !there || m.Interface == g.Interface && g.Method != None || link.Master == bond {
			continue
		}
		if link.Master != 0 && !slices.Contains(r.Members, link.Index) {
			continue // somebody else has put it elsewhere; told as a problem
		}
		if !slices.Contains(r.Members, link.Index) {
			r.Members = append(slices.Clone(r.Members), link.Index)
		}
		if link.Master != 0 {
			steps = append(steps, Step{Kind: RemoveMember, Interface: m.Interface, Index: link.Index})
		}
		if link.Up {
			r.switchOff(link.Index)
			steps = append(steps, Step{Kind: LinkDown, Interface: m.Interface, Index: link.Index})
		}
		steps = append(steps, Step{Kind: AddMember, Interface: m.Interface, Index: link.Index, Name: l.Interface, Master: bond})
	}
	return steps
}

// releaseMembers takes ports of ours out of bonds that are not to have them.
func (g goal) releaseMembers(s State, r *record) (steps []Step) {
	r.Members = slices.DeleteFunc(slices.Clone(r.Members), func(index int) bool {
		face, link := s.name(index), s.link(index)
		if g.Desired.memberOf(face) != "" {
			return false
		}
		if link.Master != 0 {
			steps = append(steps, Step{Kind: RemoveMember, Interface: face, Index: index})
		}
		return link.Master == 0 // else until it is out
	})
	return steps
}

// dropBonds removes bonds of ours that are not wanted any more.
func (g goal) dropBonds(s State, r *record) (steps []Step) {
	r.Bonds = slices.DeleteFunc(slices.Clone(r.Bonds), func(name string) bool {
		if slices.ContainsFunc(g.Links, func(l LinkSpec) bool { return l.Bond != nil && l.Interface == name }) {
			return false
		}
		link, there := s.Interfaces[name]
		if !there || link.Bond == nil {
			return true
		}
		steps = append(steps, Step{Kind: RemoveBond, Interface: name, Index: link.Index})
		return false // until it is gone
	})
	return steps
}

// unused reports whether nobody uses a bond, as the one that its module makes when
// it is loaded.
func (s State) unused(bond Link) bool {
	for _, l := range s.Interfaces {
		if l.Master == bond.Index || l.Parent == bond.Index {
			return false
		}
	}
	return !bond.Up && !slices.ContainsFunc(s.Addresses, func(a Address) bool { return a.Index == bond.Index })
}

// switchOff notes a link as switched off by us.
func (r *record) switchOff(index int) {
	if !slices.Contains(r.Offs, index) {
		r.Offs = append(slices.Clone(r.Offs), index)
	}
}

func (r *record) ownBond(name string) {
	if !slices.Contains(r.Bonds, name) {
		r.Bonds = append(slices.Clone(r.Bonds), name)
	}
}

// state is what the kernel is to say of the bond.
func (b *BondSpec) state() BondState {
	s := BondState{Mode: b.Mode, Monitor: b.Monitor}
	if b.Mode == LACP {
		s.Hash, s.Fast = b.Hash, b.Fast
	}
	return s
}

// planSwitches switches links on and off, and sets how long their packets may be.
func (g goal) planSwitches(s State, r *record) (steps []Step) {
	wanted := map[int]LinkSpec{}
	for _, l := range g.Links {
		if _, link, there := s.of(g.Desired, l); there && g.memberOf(s.name(link.Index)) == "" {
			wanted[link.Index] = l
		}
	}
	if port, there := s.Interfaces[g.Interface]; there && g.Method != None {
		_, seat, _ := s.seat(g.Interface, g.VLAN)
		for _, link := range []Link{port, seat} {
			if l := wanted[link.Index]; link.Index != 0 {
				l.Off = false // or nobody could administer the box
				wanted[link.Index] = l
			}
		}
	}
	order := slices.Collect(maps.Keys(wanted)) // a VLAN comes after what it is on
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(min(s.link(a).VLAN, 1), min(s.link(b).VLAN, 1)), cmp.Compare(a, b))
	})
	r.MTUs = slices.Clone(r.MTUs)
	for _, index := range order {
		steps = append(steps, switched(s, index, wanted[index], r)...)
	}
	return append(steps, g.unswitch(s, wanted, r)...)
}

// switched makes one link what it is to be.
func switched(s State, index int, l LinkSpec, r *record) (steps []Step) {
	face, link := s.name(index), s.link(index)
	if l.MTU != 0 && link.MTU != l.MTU {
		i := slices.IndexFunc(r.MTUs, func(x setting) bool { return x.Index == index })
		if i < 0 {
			r.MTUs = append(r.MTUs, setting{Index: index, Was: link.MTU})
			i = len(r.MTUs) - 1
		}
		r.MTUs[i].Set = l.MTU
		steps = append(steps, Step{Kind: SetMTU, Interface: face, Index: index, MTU: l.MTU})
	}
	switch {
	case l.Off && link.Up:
		r.switchOff(index)
		steps = append(steps, Step{Kind: LinkDown, Interface: face, Index: index})
	case !l.Off && !link.Up:
		steps = append(steps, Step{Kind: LinkUp, Interface: face, Index: index})
	}
	return steps
}

// unswitch brings back what links were before.
func (g goal) unswitch(s State, wanted map[int]LinkSpec, r *record) (steps []Step) {
	r.Offs = slices.DeleteFunc(slices.Clone(r.Offs), func(index int) bool {
		link, face := s.link(index), s.name(index)
		l, is := wanted[index]
		switch {
		case link.Index == 0:
			return true
		case link.Master != 0 || g.memberOf(face) != "":
			return false // it is off for its bond, which has switched it on
		case is:
			return !l.Off
		case link.Up:
			return true
		}
		steps = append(steps, Step{Kind: LinkUp, Interface: face, Index: index})
		return false // until it is on
	})
	r.MTUs = slices.DeleteFunc(r.MTUs, func(x setting) bool {
		link := s.link(x.Index)
		if l, is := wanted[x.Index]; is && l.MTU != 0 {
			return false
		}
		if link.Master != 0 {
			return false // the bond says how long its packets are
		}
		if link.Index == 0 || link.MTU != x.Set {
			return true // gone, back already, or changed by somebody else
		}
		steps = append(steps, Step{Kind: SetMTU, Interface: s.name(x.Index), Index: x.Index, MTU: x.Was})
		return false // until it is so
	})
	return steps
}
