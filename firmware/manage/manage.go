// SPDX-License-Identifier: Apache-2.0

// Package manage holds the management operations of the box, each once, as
// methods of a registry of package api. Whoever administers the box, by command
// line, browser or panel, comes through here.
//
// It connects the store of revisions with the running balancer: what is
// committed is served, what is not confirmed goes back. It knows no transport
// and shows nothing.
package manage

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"evener/firmware/alert"
	"evener/firmware/api"
	"evener/firmware/audit"
	"evener/firmware/auth"
	"evener/firmware/capture"
	"evener/firmware/config"
	"evener/firmware/event"
	"evener/firmware/lb"
	"evener/firmware/logring"
	"evener/firmware/stats"
	"evener/firmware/store"
	"evener/firmware/supervise"
)

// Config is what a Box connects. Without any of it a Box can only list its
// methods.
type Config struct {
	Store      *store.Store
	Balancer   *lb.Balancer
	Ring       *logring.Handler
	Registry   *stats.Registry
	Supervisor Supervisor
	Machine    Machine // nil: there is no supervisor to ask
	Ports      Ports   // nil: none are known
	Network    Network // nil: nobody configures it
	Clock      Clock   // nil: nobody keeps it
	Metrics    Metrics
	Commands   CommandLine // nil: command lines are not run
	Access     Access
	Taps       Taps // nil: traffic cannot be followed
	History    *stats.History
	Audit      *audit.Log            // nil: what is done is logged, and not kept
	Events     *event.Journal        // nil: nothing is kept of what happens
	Alerts     *alert.Dispatcher     // nil: nobody is told
	Mirror     Mirror                // nil: nothing is mirrored
	Active     func(map[string]bool) // told which failover groups are active on this box; must not block; nil: nobody
	Auth       *auth.Auth            // nil: the users cannot be read, and nobody can log in
	Upgrades   Upgrader              // nil: the slots are not known

	// Reach asks the box by its own API socket and console as others do, and says what
	// answered; nil: nobody can.
	Reach      func(ctx context.Context) (string, error)
	UpgradeDir string // folder of what is kept of upgrades

	BlackBox string // file of what survives a crash; "": nothing is recorded
	Captures string // folder for packet captures, made where it is not there; "": there can be none
	Spool    string // folder for the files of transfers, made where it is not there; "": none
	Version  string
	Hostname string
	UIHash   string // of the console's pages; "": there are none
	Board    string
	Started  time.Time
	Problems []string // that need attention for the life of this process

	Alarms []MachineAlarm // what process 1 of an appliance has found wrong
}

// A MachineAlarm is something that is wrong with the machine below the box, since its
// start.
type MachineAlarm struct {
	Object string // "state", "data", "clock", ...
	Text   string
	Grave  bool      // the box serves with less than it should
	Since  time.Time // about the machine's start
}

// A Supervisor restarts roles and tells of them.
type Supervisor interface {
	Restart(role string) error
	Status() (supervise.Status, error)
}

// Metrics serves the statistics at the address that a configuration names.
type Metrics interface {
	Use(*config.Metrics) error
}

// Access writes the access log that a configuration wants.
type Access interface {
	Use(*config.AccessLog) error
}

// A Box carries out the operations.
type Box struct {
	cfg Config
	log *slog.Logger

	mu      sync.Mutex // serialises what changes the running configuration; guards applied
	applied uint64     // revision that the balancer serves

	drafts   sync.Mutex // serialises what changes candidates; taken before mu
	restart  restart
	unserved unserved
	console  console
	noticed  noticed // when problems began
	signed   noticed // and signs
	topics   topics
	clock    timekeeping
	beat     heartbeat
	hardware hardwareWatch
	standby  standby
	shared   sharedCache
	stage    chan *rehearsal
	loss     struct { // what this box asks for a rehearsal
		mu    sync.Mutex // guards what follows
		id    string
		probe *lossProbe // nil: nothing
	}

	ports     ports
	upgrades  upgrades
	network   network
	revisions revisions
	tails     tails
	spool     spool
	captures  *capture.Folder // nil: there can be none
	diags     chan struct{}   // a place for each look at the network
	unpacking sync.Mutex      // held while a backup that was sent is unpacked
}

// An unserved tells what of the running revision is not served, and why.
type unserved struct {
	mu  sync.Mutex // guards what follows
	err error      // nil: it is
}

func (u *unserved) set(err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.err = err
}

func (u *unserved) get() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.err
}

// A restart is the last one that was asked for.
type restart struct {
	mu   sync.Mutex // guards what follows
	role string
	err  string
	done bool
}

// New returns a Box.
func New(cfg Config, log *slog.Logger) *Box {
	b := &Box{cfg: cfg, log: log, diags: make(chan struct{}, maxDiag), standby: newStandby(), stage: make(chan *rehearsal)}
	b.makeTables()
	var err error
	if b.spool, err = newSpool(cfg.Spool); err != nil {
		log.Error("folder of transfers not ready", "err", err)
	}
	b.openCaptures()
	if cfg.Registry != nil {
		cfg.Registry.Register(b.collect)
	}
	return b
}

// Methods returns a registry of every operation.
func (b *Box) Methods() *api.Registry {
	reg := api.New(b.log, api.Config{Audit: b.audit})
	b.addSystem(reg)
	b.addConfig(reg)
	b.addDraft(reg)
	b.addTry(reg)
	b.addRebase(reg)
	b.addReview(reg)
	b.addSource(reg)
	b.addTrial(reg)
	b.addTests(reg)
	b.addDraftTopics(reg)
	b.addAccessTopics(reg)
	b.addCommit(reg)
	b.addShow(reg)
	b.addConnections(reg)
	b.addPorts(reg)
	b.addNetwork(reg)
	b.addTime(reg)
	b.addCapture(reg)
	b.addDiag(reg)
	b.addBlackBox(reg)
	b.addSupport(reg)
	b.addPersist(reg)
	b.addServer(reg)
	b.addExplain(reg)
	b.addHistory(reg)
	b.addCertificates(reg)
	b.addCertificateChecks(reg)
	b.addCertificateRequests(reg)
	b.addTrusts(reg)
	b.addAudit(reg)
	b.addAuditStream(reg)
	b.addNote(reg)
	b.addEvents(reg)
	b.addAlerts(reg)
	b.addLogTopics(reg)
	b.addLive(reg)
	b.addHello(reg)
	b.addConsole(reg)
	b.addBackup(reg)
	b.addBackupCheck(reg)
	b.addBackupStreams(reg)
	b.addAuth(reg)
	b.addUsers(reg)
	b.addSessions(reg)
	b.addTokens(reg)
	b.addPanel(reg)
	b.addHardware(reg)
	b.addPower(reg)
	b.addHA(reg)
	b.addUpgrade(reg)
	b.addCommandLine(reg)
	b.addREST(reg)
	return reg
}

// Start serves the running revision. Where that fails, because somebody else has
// a port or a responder's file is gone, the box can still be administered, says
// so, and Run tries again.
func (b *Box) Start() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.serveRunning()
}

// Run takes back commits that nobody confirmed in time, until ctx ends.
func (b *Box) Run(ctx context.Context) error {
	ticker := time.NewTicker(200 * time.Millisecond)
	defer ticker.Stop()
	again := time.NewTicker(2 * time.Second)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-again.C:
			b.mu.Lock()
			if b.unserved.get() != nil {
				b.serveRunning()
			}
			b.refreshConsole()
			b.mu.Unlock()
		case now := <-ticker.C:
			b.mu.Lock()
			if event, ok := b.cfg.Store.Tick(now); ok {
				b.log.Warn("commit not confirmed in time", "rev", event.Revision, "running", event.Running)
				b.serveRunning()
				b.sharedChanged()
			}
			b.mu.Unlock()
		}
	}
}

// serveRunning serves the revision that the store says runs.
func (b *Box) serveRunning() {
	rev := b.cfg.Store.Running()
	text, err := b.cfg.Store.Text(rev.Number)
	if err == nil {
		var cfg *config.Config
		if cfg, err = parse(text, rev.Number); err == nil {
			err = b.serve(cfg, rev.Number)
			b.useConsole(&cfg.Console) // by which what is wrong can be mended
			b.useStandby(cfg)
		}
	}
	if was := b.unserved.get(); err != nil && (was == nil || was.Error() != err.Error()) {
		b.log.Error("running revision not served whole", "rev", rev.Number, "err", err)
	}
	b.unserved.set(err)
}

// serve serves cfg, and where the balancer does already, what else it wants.
func (b *Box) serve(cfg *config.Config, number uint64) error {
	b.useNetwork(cfg) // the addresses before those who listen on them
	if b.applied != number {
		if err := b.cfg.Balancer.Apply(cfg, number); err != nil {
			return fmt.Errorf("revision %d is not served: %w", number, err)
		}
		b.applied = number
	}
	b.useConsole(&cfg.Console)
	b.useStandby(cfg)
	b.unserved.set(nil)
	b.certificatesChanged()
	b.useAlerts(cfg)
	if b.cfg.Upgrades != nil {
		b.cfg.Upgrades.SetTimes(cfg.Upgrade.Soak.D(), cfg.Upgrade.Limit.D())
	}
	return b.outputs(cfg)
}

// outputs moves the metrics and the access log to where cfg wants them. What fails
// stays as it was.
func (b *Box) outputs(cfg *config.Config) error {
	var metrics, access error
	if err := b.cfg.Metrics.Use(cfg.Metrics); err != nil {
		metrics = fmt.Errorf("the metrics are not served: %w", err)
	}
	if err := b.cfg.Access.Use(cfg.AccessLog); err != nil {
		access = fmt.Errorf("the access log is not written: %w", err)
	}
	return errors.Join(metrics, access)
}

// collect writes what the store knows into the metrics.
func (b *Box) collect(w *stats.Writer) {
	rev := b.cfg.Store.Running()
	w.Uint(stats.ConfigRevision, rev.Number)
	w.Float(stats.ConfigLastCommit, float64(rev.Time.UnixMilli())/1000)
	_, pending := b.cfg.Store.Pending()
	w.Bool(stats.ConfigConfirmPending, pending)
	b.collectHardware(w)
	b.collectPorts(w)
	b.collectHA(w)
	b.collectUpgrade(w)
}
