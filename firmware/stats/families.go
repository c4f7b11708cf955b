// SPDX-License-Identifier: Apache-2.0

package stats

// A Type is a metric type of the Prometheus text format.
type Type string

// The types that are used here. A set of states is a gauge with one series for
// each state.
const (
	CounterType   Type = "counter"
	GaugeType     Type = "gauge"
	HistogramType Type = "histogram"
)

// A Family is all series of one name.
type Family struct {
	Name   string
	Type   Type
	Help   string   // one sentence
	Labels []string // names, in the order in which values are given to a Writer
}

// What the registry itself knows.
var (
	BuildInfo                = &Family{"evener_build_info", GaugeType, "Always 1; the labels say what runs.", []string{"version", "commit", "model"}}
	GenerationCurrent        = &Family{"evener_generation", GaugeType, "Generation that serves new exchanges.", nil}
	GenerationsDraining      = &Family{"evener_generations_draining", GaugeType, "Older generations that still have exchanges running.", nil}
	LoopBusy                 = &Family{"evener_loop_busy_seconds_total", CounterType, "Time that an event loop spent working.", []string{"loop"}}
	LoopWakeups              = &Family{"evener_loop_wakeups_total", CounterType, "Times that an event loop woke up.", []string{"loop"}}
	LoopAccepted             = &Family{"evener_loop_accepted_total", CounterType, "Connections that an event loop accepted.", []string{"loop"}}
	LoopDescriptors          = &Family{"evener_loop_descriptors", GaugeType, "File descriptors that an event loop has open.", []string{"loop"}}
	ClusterAccepted          = &Family{"evener_cluster_accepted_total", CounterType, "Client connections accepted.", []string{"cluster"}}
	ClusterRefused           = &Family{"evener_cluster_refused_total", CounterType, "Client connections closed at once: over a limit, or disabled.", []string{"cluster"}}
	ClusterConnections       = &Family{"evener_cluster_connections", GaugeType, "Client connections open.", []string{"cluster"}}
	ClusterStarted           = &Family{"evener_cluster_requests_started_total", CounterType, "Exchanges begun.", []string{"cluster"}}
	ClusterActive            = &Family{"evener_cluster_active_requests", GaugeType, "Exchanges running.", []string{"cluster"}}
	ClusterRequests          = &Family{"evener_cluster_requests_total", CounterType, "Exchanges ended, by class of the status.", []string{"cluster", "code_class"}}
	ClusterBytes             = &Family{"evener_cluster_bytes_total", CounterType, "Bytes read from (in) and written to (out) clients.", []string{"cluster", "direction"}}
	ClusterDuration          = &Family{"evener_cluster_request_duration_seconds", HistogramType, "Duration of whole exchanges.", []string{"cluster"}}
	ClusterTerminations      = &Family{"evener_cluster_terminations_total", CounterType, "Exchanges and connections that did not simply complete, by reason.", []string{"cluster", "reason"}}
	ClusterRejected          = &Family{"evener_cluster_rejected_total", CounterType, "Requests refused as malformed, by reason.", []string{"cluster", "reason"}}
	ClusterRetries           = &Family{"evener_cluster_retries_total", CounterType, "Further members tried.", []string{"cluster"}}
	ClusterReused            = &Family{"evener_cluster_reused_total", CounterType, "Exchanges on a connection to the member that was open already.", []string{"cluster"}}
	ClusterConnectFailures   = &Family{"evener_cluster_connect_failures_total", CounterType, "Connections to members that failed.", []string{"cluster"}}
	ClusterQueued            = &Family{"evener_cluster_queued_total", CounterType, "Exchanges that had to wait for a member.", []string{"cluster"}}
	ClusterQueueTimeouts     = &Family{"evener_cluster_queue_timeouts_total", CounterType, "Exchanges that waited for a member in vain.", []string{"cluster"}}
	ClusterWaiting           = &Family{"evener_cluster_waiting", GaugeType, "Exchanges waiting for a member.", []string{"cluster"}}
	ClusterPersist           = &Family{"evener_cluster_persist_total", CounterType, "Persistence records met and made, by outcome.", []string{"cluster", "outcome"}}
	ClusterCompressed        = &Family{"evener_cluster_compressed_total", CounterType, "Answers compressed.", []string{"cluster"}}
	ClusterCompressedBytes   = &Family{"evener_cluster_compressed_bytes_total", CounterType, "Content of compressed answers, as it came from servers (in) and went to clients (out).", []string{"cluster", "direction"}}
	ClusterCompressRefused   = &Family{"evener_cluster_compress_refused_total", CounterType, "Answers not compressed because the memory for that was used up.", []string{"cluster"}}
	ClusterTunnels           = &Family{"evener_cluster_tunnels_total", CounterType, "Exchanges that became tunnels.", []string{"cluster"}}
	ClusterTunnelsOpen       = &Family{"evener_cluster_tunnels_open", GaugeType, "Tunnels open.", []string{"cluster"}}
	ClusterDatagrams         = &Family{"evener_cluster_datagrams_total", CounterType, "Datagrams passed on to members (in) and to clients (out).", []string{"cluster", "direction"}}
	ClusterHandshakes        = &Family{"evener_cluster_tls_handshakes_total", CounterType, "TLS handshakes of clients that succeeded, by kind.", []string{"cluster", "kind"}}
	ClusterHandshakeFailures = &Family{"evener_cluster_tls_failures_total", CounterType, "TLS handshakes of clients that failed, by reason.", []string{"cluster", "reason"}}
	ClusterProxyRefused      = &Family{"evener_cluster_proxy_refused_total", CounterType, "Connections refused because of their PROXY header, by reason.", []string{"cluster", "reason"}}
	PortUp                   = &Family{"evener_port_up", GaugeType, "Whether a network port has a link.", []string{"port"}}
	PortSpeed                = &Family{"evener_port_speed_bits_per_second", GaugeType, "What the link of a network port has agreed on; 0 is not known.", []string{"port"}}
	PortBytes                = &Family{"evener_port_bytes_total", CounterType, "Bytes that a network port has received (in) and sent (out).", []string{"port", "direction"}}
	PortPackets              = &Family{"evener_port_packets_total", CounterType, "Packets that a network port has received (in) and sent (out).", []string{"port", "direction"}}
	PortErrors               = &Family{"evener_port_errors_total", CounterType, "Packets that were damaged (in) or could not be sent (out).", []string{"port", "direction"}}
	PortDropped              = &Family{"evener_port_dropped_total", CounterType, "Packets that the kernel or the hardware has dropped.", []string{"port", "direction"}}
	RuleHits                 = &Family{"evener_rule_hits_total", CounterType, "Requests that a rule decided.", []string{"cluster", "rule"}}
	RuleLastHit              = &Family{"evener_rule_last_hit_timestamp_seconds", GaugeType, "When a rule decided last, Unix time.", []string{"cluster", "rule"}}
	ServerRequests           = &Family{"evener_server_requests_total", CounterType, "Tries ended, by class of the status.", []string{"pool", "server", "code_class"}}
	ServerDuration           = &Family{"evener_server_response_duration_seconds", HistogramType, "From the request being sent to the head of the answer.", []string{"pool", "server"}}
	ServerErrors             = &Family{"evener_server_errors_total", CounterType, "Tries that failed, by kind.", []string{"pool", "server", "kind"}}
)

// What others know and collectors bring.
var (
	ConfigRevision       = &Family{"evener_config_revision", GaugeType, "Revision of the configuration that runs.", nil}
	ConfigLastCommit     = &Family{"evener_config_last_commit_timestamp_seconds", GaugeType, "When it was committed, Unix time.", nil}
	ConfigConfirmPending = &Family{"evener_config_confirm_pending", GaugeType, "1 while a commit waits to be confirmed.", nil}
	UpgradeTrial         = &Family{"evener_upgrade_trial", GaugeType, "1 while the version that runs is on trial.", nil}
	SlotGood             = &Family{"evener_slot_good", GaugeType, "1 if the version in a slot has passed its self-test.", []string{"slot", "version"}}
	PoolServers          = &Family{"evener_pool_servers", GaugeType, "Members of a pool in each state.", []string{"pool", "state"}}
	ServerUp             = &Family{"evener_server_up", GaugeType, "1 if the member may be given clients, else 0.", []string{"pool", "server"}}
	ServerAdminState     = &Family{"evener_server_admin_state", GaugeType, "1 for the state that was asked for, 0 for the others.", []string{"pool", "server", "state"}}
	ServerHealth         = &Family{"evener_server_health", GaugeType, "1 for what the probes found, 0 for the others.", []string{"pool", "server", "state"}}
	ServerConnections    = &Family{"evener_server_connections", GaugeType, "Connections to the member.", []string{"pool", "server"}}
	ServerStickySessions = &Family{"evener_server_sticky_sessions", GaugeType, "Persistence records that name the member.", []string{"pool", "server"}}
	ServerWeight         = &Family{"evener_server_weight", GaugeType, "Weight in force.", []string{"pool", "server"}}
	ProbeDuration        = &Family{"evener_probe_duration_seconds", GaugeType, "Duration of the last probe.", []string{"pool", "server", "probe"}}
	ProbeFailures        = &Family{"evener_probe_failures_total", CounterType, "Probes that failed, by outcome.", []string{"pool", "server", "probe", "outcome"}}
	PersistEntries       = &Family{"evener_persist_entries", GaugeType, "Persistence records held.", nil}
	TLSComputing         = &Family{"evener_tls_computing", GaugeType, "TLS handshakes that compute.", nil}
	TLSWaiting           = &Family{"evener_tls_handshakes", GaugeType, "TLS handshakes under way.", []string{"role"}}
	TLSShed              = &Family{"evener_tls_shed_total", CounterType, "TLS handshakes refused because too many were under way.", []string{"role"}}
	TLSUpstream          = &Family{"evener_tls_server_handshakes_total", CounterType, "TLS handshakes with servers that succeeded, by kind.", []string{"kind"}}
	TLSUpstreamFailures  = &Family{"evener_tls_server_failures_total", CounterType, "TLS handshakes with servers that failed, by reason.", []string{"reason"}}
	CertificateNotAfter  = &Family{"evener_certificate_not_after_seconds", GaugeType, "When a certificate ends, Unix time.", []string{"certificate"}}
	CertificateNotBefore = &Family{"evener_certificate_not_before_seconds", GaugeType, "When a certificate begins, Unix time.", []string{"certificate"}}
	AccessLogWritten     = &Family{"evener_accesslog_written_total", CounterType, "Access log lines written.", nil}
	AccessLogDropped     = &Family{"evener_accesslog_dropped_total", CounterType, "Access log lines dropped because the destination did not keep up.", nil}
	SensorValue          = &Family{"evener_sensor_value", GaugeType, "What a sensor of the box measures: degrees Celsius, revolutions per minute, volts or watts, by its kind.", []string{"sensor", "kind"}}
	SensorState          = &Family{"evener_sensor_state", GaugeType, "1 for the state of a sensor, 0 for the others.", []string{"sensor", "state"}}
	GroupState           = &Family{"evener_group_state", GaugeType, "1 for the state of a failover group on this box, 0 for the others.", []string{"group", "state"}}
	GroupPriority        = &Family{"evener_group_priority", GaugeType, "Priority of this box for a failover group, after what is tracked.", []string{"group"}}
	GroupTransitions     = &Family{"evener_group_transitions_total", CounterType, "Changes of the state of a failover group since the engine started.", []string{"group"}}
	RouterSent           = &Family{"evener_router_advertisements_sent_total", CounterType, "VRRP advertisements sent.", []string{"group", "router"}}
	RouterReceived       = &Family{"evener_router_advertisements_received_total", CounterType, "VRRP advertisements received.", []string{"group", "router"}}
	RouterErrors         = &Family{"evener_router_errors_total", CounterType, "VRRP packets refused, by reason.", []string{"group", "router", "reason"}}
	PeerSeen             = &Family{"evener_peer_heartbeat", GaugeType, "1 while heartbeats of another box come, else 0.", []string{"peer"}}
	PeerConnected        = &Family{"evener_peer_mirror_connected", GaugeType, "1 while the mirror reaches another box, else 0.", []string{"peer"}}
	PeerLag              = &Family{"evener_peer_mirror_lag_seconds", GaugeType, "Time from a change to its acknowledgement by another box, 99 of 100.", []string{"peer"}}
	PeerQueued           = &Family{"evener_peer_mirror_queued", GaugeType, "Changes that another box has not acknowledged.", []string{"peer"}}
	PeerDifferences      = &Family{"evener_peer_differences", GaugeType, "Objects of the shared configuration that are not the same on another box.", []string{"peer"}}
	MirrorRecords        = &Family{"evener_mirror_changes_total", CounterType, "Changes that came from other boxes, by what became of them.", []string{"table", "outcome"}}
	StandbyAlarms        = &Family{"evener_standby_alarms", GaugeType, "Alarms of hot standby.", []string{"severity"}}
	HistorySeries        = &Family{"evener_history_series", GaugeType, "Series that the history keeps.", nil}
	HistorySeriesRefused = &Family{"evener_history_series_refused", GaugeType, "Series that the history has no room for.", nil}
)

// Families returns every family there is, in the order of the manual.
func Families() []*Family {
	return []*Family{
		BuildInfo, GenerationCurrent, GenerationsDraining, LoopBusy, LoopWakeups, LoopAccepted,
		LoopDescriptors, ClusterAccepted, ClusterRefused, ClusterConnections, ClusterStarted,
		ClusterActive, ClusterRequests, ClusterBytes, ClusterDuration, ClusterTerminations,
		ClusterRejected, ClusterRetries, ClusterReused, ClusterConnectFailures, ClusterQueued,
		ClusterQueueTimeouts, ClusterWaiting, ClusterPersist, ClusterCompressed,
		ClusterCompressedBytes, ClusterCompressRefused, ClusterTunnels, ClusterTunnelsOpen,
		ClusterDatagrams, ClusterHandshakes, ClusterHandshakeFailures, ClusterProxyRefused,
		PortUp, PortSpeed, PortBytes, PortPackets, PortErrors, PortDropped,
		RuleHits, RuleLastHit, ServerRequests, ServerDuration, ServerErrors,
		ConfigRevision, ConfigLastCommit, ConfigConfirmPending, UpgradeTrial, SlotGood, PoolServers, ServerUp,
		ServerAdminState, ServerHealth, ServerConnections, ServerStickySessions, ServerWeight,
		ProbeDuration, ProbeFailures, PersistEntries, TLSComputing, TLSWaiting, TLSShed, TLSUpstream,
		TLSUpstreamFailures, CertificateNotAfter, CertificateNotBefore, AccessLogWritten, AccessLogDropped,
		SensorValue, SensorState,
		GroupState, GroupPriority, GroupTransitions, RouterSent, RouterReceived, RouterErrors, PeerSeen, PeerConnected, PeerLag,
		PeerQueued, PeerDifferences, MirrorRecords, StandbyAlarms, HistorySeries, HistorySeriesRefused,
	}
}
