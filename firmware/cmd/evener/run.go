// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"evener/board"
	"evener/firmware/supervise"
)

// A runConfig is what "evener run" was asked for.
type runConfig struct {
	board  string
	state  string
	config string
	user   string // of the console
	pages  string // of the console, "" for those in the program
	lan    string // folder of a simulated LAN, "": the networks of the kernel
	alone  bool   // without the demo servers of the simulated board

	engine string                         // user of the engine, which asks this process for what needs more rights; "": it has ours
	raise  func(object string, err error) // where engine is set: tells of what does not keep the box from starting

	// watchdog returns the one that was armed before the box started, and feeds it no
	// longer; nil: there is none.
	watchdog func() *os.File
}

func newRun() *cobra.Command {
	var c runConfig
	cmd := &cobra.Command{
		Use:   "run",
		Short: "start the box",
		Long: `Start the box: a supervisor that holds the listening sockets, the engine, and the console.

--config gives the first configuration of a box that has none; a box that has
one goes on with the revision that runs. If the file is none of its revisions,
the log says so once.`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c.state = stateDir(cmd)
			return runBox(cmd.Context(), c, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVar(&c.board, "board", "sim", "the hardware: sim, auto, which recognises the machine, or a board's name")
	cmd.Flags().StringVar(&c.config, "config", "", "first configuration of a box that has none")
	cmd.Flags().StringVar(&c.user, "console-user", "", "user of the console's process when root starts the box; evener-console, or else nobody")
	cmd.Flags().StringVar(&c.lan, "lan", "", "failover groups meet other boxes on a simulated LAN in this folder, which all of them share; board sim has one of its own without this")
	cmd.Flags().BoolVar(&c.alone, "no-demo-servers", false, "do not start the demo servers of board sim: another box on this machine has them")
	cmd.Flags().StringVar(&c.pages, "webui-dir", "", "serve the console's pages from this folder, to work on them")
	return cmd
}

// runBox runs the box, and then does with the machine what somebody has asked for.
func runBox(ctx context.Context, c runConfig, stdout, stderr io.Writer) error {
	defer debug.SetGCPercent(debug.SetGCPercent(supervisorGC))
	defer giveBack()()
	var p power
	return p.meet(ctx, superviseBox(ctx, c, &p, stdout, stderr))
}

func superviseBox(ctx context.Context, c runConfig, p *power, stdout, stderr io.Writer) error {
	found, err := findBoard(c.board, "/")
	if err != nil {
		return usageError{err}
	}
	b := found.Board
	if err := os.MkdirAll(c.state, 0o700); err != nil {
		return err
	}
	if err := c.resolve(b); err != nil {
		return err
	}
	lock, err := lockState(c.state)
	if err != nil {
		return err
	}
	defer lock.Close()
	log := slog.New(slog.NewTextHandler(stderr, nil)).With("role", "supervisor")
	if err := finishReset(c.state, log); err != nil {
		log.Error("the box starts with something left of a factory reset, and tries again to remove it at the next start", "err", err)
	}
	if err := checkFile(c.config, stderr); err != nil {
		return err
	}
	if b.Simulated {
		if err := startSimDisk(c.state, log); err != nil {
			log.Error("simulated slots not started: the box cannot be upgraded", "err", err)
		}
	}
	roles, err := rolesOf(b, c, log)
	if err != nil {
		return err
	}
	exe, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	cleaner := newHACleaner(c.state, log)
	s, err := supervise.New(supervise.Config{Roles: roles, Exe: exe, Version: version, Stderr: stderr, Log: log, Watch: cleaner.watch})
	if err != nil {
		return err
	}
	defer cleaner.start()()
	var armed *os.File
	if c.watchdog != nil {
		armed = c.watchdog()
	}
	m, err := openMachine(found, c.state, armed, log)
	if err != nil {
		return usageError{err}
	}
	// The supervisor hears the signals itself: the end of ctx, which comes of the
	// same signal, would count as the second, which kills.
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	p.board, p.log, p.end = b, log, end
	defer attend(ctx, life, s, m, p, c.state, roles[0].Credential)()
	go tellWhenUp(ctx, c, stdout)
	return s.Run(life)
}

// engineArgs is the command line of the engine of a box on board b.
func engineArgs(b board.Board, c runConfig) ([]string, error) {
	args := []string{"role", "engine", "--state", c.state, "--board", b.Name}
	if c.pages != "" {
		args = append(args, "--webui-dir", c.pages)
	}
	if c.lan != "" {
		args = append(args, "--lan", c.lan)
	}
	if c.engine != "" {
		args = append(args, "--orders")
	}
	if c.config == "" {
		return args, nil
	}
	file, err := filepath.Abs(c.config)
	return append(args, "--config", file), err
}

// engineStop is how long the engine has to finish what runs when the whole box stops.
const engineStop = 10 * time.Second

// rolesOf lists the processes of a box on board b.
func rolesOf(b board.Board, c runConfig, log *slog.Logger) ([]supervise.Role, error) {
	engine, err := engineArgs(b, c)
	if err != nil {
		return nil, err
	}
	console, err := consoleSpec(c.user, c.pages)
	if err != nil {
		return nil, err
	}
	standby, err := haSpec(b, c, log)
	if err != nil {
		return nil, err
	}
	roles := []supervise.Role{{
		Name: "engine", Args: engine, MayListen: true, MayControl: true,
		DrainTimeout: 10 * time.Minute, StopTimeout: engineStop,
	}, console, standby}
	if c.engine != "" {
		if err := restrictEngine(&roles[0], c); err != nil {
			return nil, err
		}
	}
	for _, o := range b.Origins {
		if c.alone {
			break
		}
		roles = append(roles, supervise.Role{Name: o.Name, StopLast: true, // what the engine drains may need it
			Args: []string{"role", "origin", "--state", c.state, "--name", o.Name, "--listen", o.Addr.String()}})
	}
	return roles, nil
}

// resolve finds the folders that c names. A simulated board has a simulated LAN of its
// own where c names none.
func (c *runConfig) resolve(b board.Board) error {
	if c.lan == "" && b.Simulated {
		c.lan = filepath.Join(c.state, "lan")
	}
	for _, dir := range []*string{&c.pages, &c.lan} {
		if *dir == "" {
			continue
		}
		abs, err := filepath.Abs(*dir)
		if err != nil {
			return err
		}
		*dir = abs
	}
	return nil
}

// attend runs what the supervisor does besides supervising s: its socket, the
// devices of m, the panel and the serial console. engine is the user of an engine that
// gives it orders, nil for none. stop ends all of it.
func attend(ctx, life context.Context, s *supervise.Supervisor, m *machine, p *power, state string, engine *syscall.Credential) (stop func()) {
	super := newSuperAPI(state, s, p.log)
	if super.engine = engine; engine != nil {
		super.add(addOrders(p.board.Name, state, engine, p.log))
	}
	super.add(super.addHold)
	super.add(p.add)
	super.add(m.add)
	root, logFile := "", ""
	if state == boxState {
		root, logFile = "/", boxLogFile
	}
	super.add(addAlarms(root))
	super.add(addLog(logFile))
	super.add(newRecoverer(state, s, p.renew, engine, p.log).add)
	super.add((&installer{root: "/", boot: startedFrom, log: p.log}).add)
	front := newFrontPanel(state, p.board.Panel, m.hal.Panel, super, p.log)
	super.add(front.add)
	menus := newSerialConsole(p.board, state, super, p.log)
	m.menu, m.reboots = front.answers, p.reboots
	if m.hal.Panel == nil {
		m.menu = nil
	}
	stops := []func(){
		m.start(s, super),
		bounded(p.log, "supervisor's socket", super.start()),
		bounded(p.log, "serial console", menus.start()),
		bounded(p.log, "panel", front.start(ctx, life, p.ending)),
	}
	// The watchdog goes last: nothing before it may wait for ever.
	return func() {
		for _, stop := range slices.Backward(stops) {
			stop()
		}
	}
}

// lockState keeps a second box away from a state for as long as the file is open.
// Its engine would find the store locked, crash and be started again for ever.
func lockState(dir string) (*os.File, error) {
	name := filepath.Join(dir, "box.lock")
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		pid, _ := io.ReadAll(io.LimitReader(f, 20))
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("state %s is in use: a box runs there already, process %s; stop it, or give another --state",
				dir, strings.TrimSpace(string(pid)))
		}
		return nil, fmt.Errorf("lock %s: %w", name, err)
	}
	if err := f.Truncate(0); err == nil {
		fmt.Fprintf(f, "%d\n", os.Getpid())
	}
	return f, nil
}

// checkFile refuses a configuration that could not be served, before anything
// is started.
func checkFile(name string, stderr io.Writer) error {
	if name == "" {
		return nil
	}
	src, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	_, found := checkText(name, src)
	found.Write(stderr, src)
	if found.HasErrors() {
		return fmt.Errorf("%s is not served: mend the mistakes above", name)
	}
	return nil
}
