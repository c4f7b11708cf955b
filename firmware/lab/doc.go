// SPDX-License-Identifier: Apache-2.0

// Package lab builds a small data centre out of network namespaces: two to four
// boxes, a client behind a router, a client next door, and servers. It breaks what
// it is told to break, counts what clients notice of that, and takes everything
// away at its end. It needs root and touches nothing outside its own namespaces
// but their names in /run/netns.
//
//	client            neighbour
//	  │ .2               │ .100
//	  │ 203.0.113.0/24   │
//	  │ .1  router .1    │
//	  └───────┴──────────┴──┬──────────┬── front  192.0.2.0/24, 2001:db8:1::/64
//	                     .2 │       .3 │          clusters at .10 and ::10
//	                     ┌──┴───┐   ┌──┴───┐
//	                     │ left ├───┤ right│       link   10.255.0.0/24, .1 and .2
//	                     └──┬───┘   └──┬───┘
//	                     .2 │       .3 │
//	          ┌──────────┬──┴──────────┴── back   198.51.100.0/24
//	      .11 │      .12 │
//	        web1       web2
//
// Front, back and link are bridges in a namespace of their own, so that ports can be
// blocked and packets dropped where a switch would do it.
package lab
