// SPDX-License-Identifier: Apache-2.0

package config

import (
	"net/netip"
	"time"

	"github.com/hashicorp/hcl/v2"
)

// A Config is one checked configuration: every reference resolves, every limit
// holds, every default is filled in. It is immutable after Parse.
type Config struct {
	Engine    Engine     `json:"engine"`
	Metrics   *Metrics   `json:"metrics,omitempty"`    // nil: not served
	AccessLog *AccessLog `json:"access_log,omitempty"` // nil: not written
	Console   Console    `json:"console"`

	System     System     `json:"system"`
	Management Management `json:"management"`

	Ports      []*Port      `json:"ports"`
	Bonds      []*Bond      `json:"bonds"`
	Routes     []*Route     `json:"routes"`
	RouteRules []*RouteRule `json:"route_rules"`
	NATs       []*NAT       `json:"nats"`
	Forwarding Forwarding   `json:"forwarding"`

	Panel  Panel  `json:"panel"`
	Serial Serial `json:"serial"`

	Upgrade Upgrade `json:"upgrade"`

	Node   Node     `json:"node"`
	Groups []*Group `json:"groups"`

	ACME         []*ACME        `json:"acme"`
	Trusts       []*Trust       `json:"trusts"`
	Certificates []*Certificate `json:"certificates"`

	Servers    []*Server    `json:"servers"`
	Pools      []*Pool      `json:"pools"`
	Clusters   []*Cluster   `json:"clusters"`
	Responders []*Responder `json:"responders"`

	Syslogs []*Syslog `json:"syslogs"`
	Mails   []*Mail   `json:"mails"`
	Alerts  []*Alert  `json:"alerts"`
}

// Engine holds what concerns the whole data plane.
type Engine struct {
	Loops          int      `json:"loops"`           // 0: one per CPU
	MaxConnections int      `json:"max_connections"` // client connections of all clusters; 0: what the descriptor limit allows
	DrainTimeout   Duration `json:"drain_timeout"`   // 30s; longest wait for running exchanges at restart or upgrade
}

// Metrics says where Prometheus text is served.
type Metrics struct {
	Listen netip.AddrPort `json:"listen"`           // 127.0.0.1:9100
	Token  string         `json:"-" config:"token"` // bearer token, required outside loopback
}

// AccessLog says where a line for each exchange goes.
type AccessLog struct {
	Path   string   `json:"path"`   // a file, or "stderr"
	Format string   `json:"format"` // "json" (default) or "combined"
	Fields []string `json:"fields"` // names of access log fields; empty: the standard set of the format

	Range hcl.Range `json:"-"`
}

// A Server is a machine's address that pools take members from.
type Server struct {
	Name        string            `json:"name"`
	Description string            `json:"description,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	Address     netip.AddrPort    `json:"address"`
	Range       hcl.Range         `json:"-"`
}

// A Pool is a set of members that can serve the same requests.
type Pool struct {
	Name           string    `json:"name"`
	Description    string    `json:"description,omitempty"`
	Policy         Policy    `json:"policy"`
	Protocol       string    `json:"protocol"`       // http (default), h2, h2c
	Responsiveness string    `json:"responsiveness"` // slowest, slow, medium (default), fast, fastest
	Custom         *Custom   `json:"custom,omitempty"`
	Members        []*Member `json:"members"`
	Probes         []*Probe  `json:"probes"`
	TLS            *PoolTLS  `json:"tls,omitempty"`  // nil: members are spoken to in the clear
	SlowStart      Duration  `json:"slow_start"`     // 0s: a member that comes back gets its full weight at once
	Queue          int       `json:"queue"`          // 1024 exchanges wait when every member is full; 0: none
	ProxyProtocol  string    `json:"proxy_protocol"` // off (default), v1, v2
	ProxyTLVs      []string  `json:"proxy_tlvs"`     // what v2 tells: authority, ssl (both by default), cert_cn, alpn, unique_id, crc32c
	Idle           int       `json:"idle"`           // 64: idle connections kept to each member by each loop
	Range          hcl.Range `json:"-"`

	Labels map[string]string `json:"labels,omitempty"`
}

// A Policy names how a member is chosen.
type Policy string

// The policies.
const (
	RoundRobin       Policy = "round_robin" // the default
	StaticWeight     Policy = "static_weight"
	LeastConnections Policy = "least_connections"
	FastestResponse  Policy = "fastest_response"
	Adaptive         Policy = "adaptive"
	ServerAgent      Policy = "server_agent"
	CustomPolicy     Policy = "custom"
	Random2          Policy = "random2"
	SourceHash       Policy = "source_hash"
	URIHash          Policy = "uri_hash"
)

// Custom holds the shares of policy "custom", each 0 to 100.
type Custom struct {
	Delay       int `json:"delay"`
	Connections int `json:"connections"`
	Agent       int `json:"agent"`
}

// A Member is a server in a pool.
type Member struct {
	Server         string    `json:"server"`          // name of the server; the member's name too
	Weight         int       `json:"weight"`          // 0 to 200, 100; 0: no new clients
	MaxConnections int       `json:"max_connections"` // 0: unlimited
	HotSpare       bool      `json:"hot_spare"`
	DontPersist    bool      `json:"dont_persist"`
	DontProbe      bool      `json:"dont_probe"`
	TCPMux         bool      `json:"tcp_mux"`    // true; false: this member's connections are not reused
	ProbePort      int       `json:"probe_port"` // 0: the server's port
	Range          hcl.Range `json:"-"`
}

// ProbeType names how a member is probed.
type ProbeType string

// The probe types.
const (
	ProbeICMP   ProbeType = "icmp"
	ProbeTCP    ProbeType = "tcp"
	ProbeTLS    ProbeType = "tls"
	ProbeHTTP   ProbeType = "http"
	ProbeGRPC   ProbeType = "grpc"   // grpc.health.v1
	ProbeACV    ProbeType = "acv"    // send a string, expect another
	ProbeAgent  ProbeType = "agent"  // server agent: an integer -1 to 100
	ProbeSimple ProbeType = "simple" // simple health check: a float between healthy and loaded
)

// A Probe is one kind of question that every member of a pool is asked.
type Probe struct {
	Type            ProbeType `json:"type"`
	Interval        Duration  `json:"interval"`          // 15s (1s to 1h)
	Jitter          int       `json:"jitter"`            // 10: per cent of the interval, 0 to 50
	Timeout         Duration  `json:"timeout"`           // 5s for the whole probe
	ConnectTimeout  Duration  `json:"connect_timeout"`   // 1s
	DataTimeout     Duration  `json:"data_timeout"`      // 2s
	Rise            int       `json:"rise"`              // 2 good answers in a row: up
	Fall            int       `json:"fall"`              // 3 bad answers in a row: down
	Tries           int       `json:"tries"`             // 1: attempts within one probe before it counts as bad
	Port            int       `json:"port"`              // 0: the member's probe_port; agent: 1510
	Method          string    `json:"method,omitempty"`  // http: GET
	Path            string    `json:"path,omitempty"`    // http: "/"
	Host            string    `json:"host,omitempty"`    // http, grpc: the member's address
	Service         string    `json:"service,omitempty"` // grpc: the server as a whole
	Status          []int     `json:"status,omitempty"`  // http: 200 to 399 when empty
	Send            string    `json:"send,omitempty"`    // acv, agent
	Expect          string    `json:"expect,omitempty"`  // http, acv: substring of the answer
	ExpectRegex     string    `json:"expect_regex,omitempty"`
	Within          int       `json:"within,omitempty"`           // http, acv: looked for in this many bytes; 1024
	TLS             *bool     `json:"tls,omitempty"`              // tcp, http, grpc, acv: nil: if the pool has TLS
	ServerName      string    `json:"server_name,omitempty"`      // over TLS: SNI; empty: the pool's
	Verify          *bool     `json:"verify,omitempty"`           // over TLS: check the certificate; nil: as the pool
	Healthy         float64   `json:"healthy,omitempty"`          // simple: 0.0
	Loaded          float64   `json:"loaded,omitempty"`           // simple: 100.0
	Weight          int       `json:"weight,omitempty"`           // simple: 100, 1 to 100
	RequireResponse bool      `json:"require_response,omitempty"` // agent, simple: silence means bad; false
	Range           hcl.Range `json:"-"`
}

// Protocol says what a cluster speaks.
type Protocol string

// The protocols.
const (
	HTTP  Protocol = "http"
	HTTPS Protocol = "https"
	TCP   Protocol = "tcp"
	UDP   Protocol = "udp"
)

// Exchanges reports whether the box sees requests and answers: http and https.
func (p Protocol) Exchanges() bool { return p == HTTP || p == HTTPS }

// A Listen is an address, or for tcp and udp a range of ports on one.
type Listen struct {
	Addr netip.AddrPort `json:"addr"`
	Last uint16         `json:"last"` // last port of the range; Addr.Port() when there is one
}

// A Cluster is a virtual address that clients connect to.
type Cluster struct {
	Name        string     `json:"name"`
	Description string     `json:"description,omitempty"`
	Protocol    Protocol   `json:"protocol"`
	Listen      []Listen   `json:"listen"`
	Pool        string     `json:"pool,omitempty"`
	Responder   string     `json:"responder,omitempty"` // answers when no member is available, or always if there is no pool
	Disabled    bool       `json:"disabled"`
	Persist     []*Persist `json:"persist"`      // primary and fallback
	Rules       []*Rule    `json:"rules"`        // http
	SNI         []*SNI     `json:"sni"`          // tcp
	TLS         ClusterTLS `json:"tls,omitzero"` // https
	Timeouts    Timeouts   `json:"timeouts"`
	Limits      Limits     `json:"limits"`
	HTTP        *HTTPFlags `json:"http,omitempty"` // http and https clusters only
	Flags       Flags      `json:"flags"`
	Rewrite     *Rewrite   `json:"rewrite,omitempty"`
	Compress    *Compress  `json:"compress,omitempty"`
	Retries     int        `json:"retries"` // 2: more members tried for one exchange

	ProxyProtocol string         `json:"proxy_protocol,omitempty"` // off (default), require
	ProxyFrom     []netip.Prefix `json:"proxy_from"`               // who may say by it who the client is

	Labels map[string]string `json:"labels,omitempty"`
	Tests  []*Test           `json:"tests"` // http

	Range hcl.Range `json:"-"`
}

// Flags are those that a rule may override.
type Flags struct {
	AbortServer bool `json:"abort_server"` // false
	OnceOnly    bool `json:"once_only"`    // false
	IgnoreCase  bool `json:"ignore_case"`  // true
	ClientIP    bool `json:"client_ip"`    // false: X-Forwarded-For and -Proto are not added
	TCPMux      bool `json:"tcp_mux"`      // true
}

// HTTPFlags hold what only http clusters have.
type HTTPFlags struct {
	AllowExtendedChars bool           `json:"allow_extended_chars"` // false: bytes of 0x80 and above in a target are refused
	AllowTrace         bool           `json:"allow_trace"`          // false: TRACE is answered 405
	Upgrade            bool           `json:"upgrade"`              // true: websocket upgrades are forwarded
	H2C                bool           `json:"h2c"`                  // false: HTTP/2 in the clear is refused
	MergeSlashes       bool           `json:"merge_slashes"`        // false
	RejectEncodedSlash bool           `json:"reject_encoded_slash"` // false
	RejectGetBody      bool           `json:"reject_get_body"`      // false
	Underscore         string         `json:"underscore"`           // drop (default), keep, reject: field names with "_"
	Via                bool           `json:"via"`                  // true
	RequestID          bool           `json:"request_id"`           // true
	Forwarded          bool           `json:"forwarded"`            // false
	RedirectHTTPS      int            `json:"redirect_https"`       // http; 0: none
	RedirectHTTPSPort  int            `json:"redirect_https_port"`  // http; 443
	NoHeaderRewrite    bool           `json:"no_header_rewrite"`    // https; false: Location and the like get https
	HSTS               Duration       `json:"hsts"`                 // https; 0s: none
	HSTSSubdomains     bool           `json:"hsts_subdomains"`      // false
	HSTSPreload        bool           `json:"hsts_preload"`         // false
	RequestHeaders     []string       `json:"request_headers"`      // operations, "set Name value"
	AnswerHeaders      []string       `json:"answer_headers"`       // likewise
	Trusted            []netip.Prefix `json:"trusted"`              // sources whose X-Forwarded-*, Forwarded and X-Request-Id are kept

	OperationsAt OperationRanges `json:"-"`
}

// Timeouts of the phases of a connection or exchange.
type Timeouts struct {
	Handshake  Duration `json:"handshake,omitzero"` // 10s; https
	ClientHead Duration `json:"client_head"`        // 10s for a whole request head
	ClientBody Duration `json:"client_body"`        // 30s between two reads of a request body
	ClientIdle Duration `json:"client_idle"`        // 60s between requests
	ClientSend Duration `json:"client_send"`        // 30s between two writes that make progress
	Queue      Duration `json:"queue"`              // 5s waiting for a free member
	Connect    Duration `json:"connect"`            // 5s
	ServerHead Duration `json:"server_head"`        // 60s until the answer's head
	ServerBody Duration `json:"server_body"`        // 60s between two reads of an answer's body
	Tunnel     Duration `json:"tunnel"`             // 1h of silence in a tunnel; tcp: idle, 1h; udp: 30s
}

// Limits of what a client may send.
type Limits struct {
	Head        Bytes `json:"head"`        // 16KiB
	Fields      int   `json:"fields"`      // 100
	Field       Bytes `json:"field"`       // 8KiB
	URI         Bytes `json:"uri"`         // 8KiB
	Body        Bytes `json:"body"`        // 0: unlimited
	Requests    int   `json:"requests"`    // 0: unlimited, of one connection
	Connections int   `json:"connections"` // 0: unlimited, of the cluster
}

// PersistMethod names how a client is kept on its member.
type PersistMethod string

// The methods of persistence.
const (
	PersistNone   PersistMethod = "none"
	PersistCookie PersistMethod = "cookie"
	PersistSource PersistMethod = "source"
)

// A Persist is one method of persistence with its settings.
type Persist struct {
	Method PersistMethod `json:"method"`

	Scheme     string   `json:"scheme,omitempty"`     // cookie: "token" (default), "0", "1" or "2"
	Name       string   `json:"name,omitempty"`       // cookie: empty: EVENER_ and eight digits of the pool; schemes 0 to 2 have their own
	Age        Duration `json:"age,omitempty"`        // cookie: 0s, a session cookie
	Path       string   `json:"path,omitempty"`       // cookie: "/"
	Domain     string   `json:"domain,omitempty"`     // cookie: none
	Generation int      `json:"generation,omitempty"` // cookie: 0 to 65535
	Always     bool     `json:"always,omitempty"`     // cookie: set in every answer, false
	Secure     *bool    `json:"secure,omitempty"`     // cookie: only over TLS; nil: in https clusters

	Timeout      Duration  `json:"timeout,omitempty"`       // source: 10m, 1s to 1073741823s
	Netmask4     int       `json:"netmask4,omitempty"`      // source: 32
	Netmask6     int       `json:"netmask6,omitempty"`      // source: 128
	InterCluster bool      `json:"inter_cluster,omitempty"` // source: shared by clusters of one kind, false
	Range        hcl.Range `json:"-"`
}

// A Rule routes the requests for which When is true. Nil and empty fields are
// not overridden.
type Rule struct {
	Name        string         `json:"name"`
	Description string         `json:"description,omitempty"`
	When        hcl.Expression `json:"-"`    // compiled by package match
	Text        string         `json:"when"` // its source text
	Pool        string         `json:"pool,omitempty"`
	Responder   string         `json:"responder,omitempty"`
	Policy      Policy         `json:"policy,omitempty"`
	Persist     []*Persist     `json:"persist,omitempty"` // none when there is no block; method none switches it off
	Disabled    bool           `json:"disabled"`
	AbortServer *bool          `json:"abort_server,omitempty"`
	OnceOnly    *bool          `json:"once_only,omitempty"`
	IgnoreCase  *bool          `json:"ignore_case,omitempty"`
	ClientIP    *bool          `json:"client_ip,omitempty"`
	TCPMux      *bool          `json:"tcp_mux,omitempty"`

	RequestHeaders []string  `json:"request_headers,omitempty"` // after the cluster's
	AnswerHeaders  []string  `json:"answer_headers,omitempty"`
	Rewrite        *Rewrite  `json:"rewrite,omitempty"`  // in the cluster's place
	Compress       *Compress `json:"compress,omitempty"` // likewise

	OperationsAt OperationRanges `json:"-"`
	Range        hcl.Range       `json:"-"`
}

// An SNI sends the TLS connections of a tcp cluster whose server name fits
// Pattern ("shop.example.com" or "*.example.com") to a pool, untouched.
type SNI struct {
	Pattern string    `json:"pattern"`
	Pool    string    `json:"pool"`
	Range   hcl.Range `json:"-"`
}

// A Responder answers in place of a server.
type Responder struct {
	Name        string    `json:"name"`
	Description string    `json:"description,omitempty"`
	Status      int       `json:"status"`                 // 503; 302 with redirect
	Body        string    `json:"body,omitempty"`         // text
	File        string    `json:"file,omitempty"`         // or a file, read at commit; at most 1MiB
	ContentType string    `json:"content_type,omitempty"` // text/html; charset=utf-8
	Redirect    string    `json:"redirect,omitempty"`     // URL with $0 to $9, $host, $path, $query
	Match       string    `json:"match,omitempty"`        // RE2 over the request URL, for the captures of Redirect
	Range       hcl.Range `json:"-"`
}

// A Duration is written with its unit: "250ms", "5s", "8h", "14d".
type Duration time.Duration

// D returns d as a time.Duration.
func (d Duration) D() time.Duration { return time.Duration(d) }

// Bytes is a size, written with its unit: "512B", "16KiB", "10MiB".
type Bytes int64
