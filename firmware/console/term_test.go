// SPDX-License-Identifier: Apache-2.0

package console

import (
	"context"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"evener/firmware/api"
)

func TestIdleLogsOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox()
		b.begin(t)
		b.types(login...)
		time.Sleep(9 * time.Minute)
		b.types("2")
		time.Sleep(9 * time.Minute)
		if out := b.shown(); strings.Contains(out, "logged out") {
			t.Fatalf("logged out in spite of a key within the time:\n%s", out)
		}
		time.Sleep(2 * time.Minute)
		if out := b.shown(); !strings.Contains(out, "Nothing was typed for 10m: you are logged out.") {
			t.Fatalf("not logged out:\n%s", out)
		}
		b.types("\r", "2\r")
		if out := b.shown(); !strings.HasSuffix(out, "Administrator: ") {
			t.Errorf("the next one is not asked to log in:\n%s", out)
		}
		b.hangUp()
	})
}

func TestHangUpLogsOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox()
		b.begin(t)
		b.types(login...)
		if err := b.hangUp(); err == nil || !strings.Contains(err.Error(), "hung up") {
			t.Errorf("Serve = %v, want that the terminal hung up", err)
		}
	})
}

func TestALineHasABound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox()
		b.begin(t)
		b.types("\r", strings.Repeat("x", 5000), "\x15\x0c1\r")
		letters := strings.ReplaceAll(b.shown(), "\a", "")
		if out := b.shown(); !strings.Contains(letters, strings.Repeat("x", maxLine)) || strings.Contains(letters, strings.Repeat("x", maxLine+1)) || !strings.Contains(out, "administrators: 2") {
			t.Errorf("not %d letters were taken, or the line did not go on; shown:\n%s", maxLine, out)
		}
		b.hangUp()
	})
}

func TestPasswordsAreNotShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox()
		b.begin(t)
		b.types("\r", "l\r", "alice\r", "wrong pass\x0c\x7fwordy\r", "5\r", "1\r", "geheim\xc3\xbcber\r", "geheim\xc3\xbcber\r", "\r")
		out := b.shown()
		for _, secret := range []string{"wrong pass", "wordy", "geheim", "good", "*"} {
			if strings.Contains(out, secret) {
				t.Errorf("the terminal shows %q:\n%s", secret, out)
			}
		}
		if got := b.eng.calls[1]; !strings.Contains(got, "geheimüber") {
			t.Errorf("the password came as %s", got)
		}
		b.hangUp()
	})
}

func TestWrongPasswordsDelayTheNextAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox()
		b.begin(t)
		b.types("\r")
		for range 3 {
			b.types("l\r", "alice\r", "bad\r")
		}
		b.types("l\r", "alice\r")
		if out := b.shown(); !strings.Contains(out, "try again in") {
			t.Fatalf("the fourth attempt did not have to wait:\n%s", out)
		}
		time.Sleep(time.Minute)
		b.types("l\r", "alice\r", "good password\r")
		if out := b.shown(); !strings.Contains(out, "alice: number") {
			t.Errorf("not let in after the delay:\n%s", out)
		}
		b.hangUp()
	})
}

func TestThrottleOfTheNetworkKeepsNobodyAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox()
		b.eng.answers["auth.login"] = api.Errorf(api.CodeThrottled, "auth.throttled", "too many failed attempts")
		b.begin(t)
		b.types(login...)
		if out := b.shown(); !strings.Contains(out, "alice: number") {
			t.Errorf("not let in:\n%s", out)
		}
		b.hangUp()
	})
}

// A deaf part never answers.
type deaf struct{}

func (deaf) Call(ctx context.Context, _ string, _, _ any) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestAnEngineThatHangsIsOneThatDoesNotAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox()
		b.cfg.Engine = deaf{}
		b.begin(t)
		time.Sleep(15 * time.Second)
		if out := b.shown(); !strings.Contains(out, "does not answer; revision 4 would run") {
			t.Errorf("shown:\n%s", out)
		}
		b.hangUp()
	})
}

// A slowPing answers everything but a ping, which takes until its context ends.
type slowPing struct{ *part }

func (p slowPing) Call(ctx context.Context, method string, params, result any) error {
	if method == "diag.ping" {
		return deaf{}.Call(ctx, method, params, result)
	}
	return p.part.Call(ctx, method, params, result)
}

func TestCtrlCEndsACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox()
		b.cfg.Engine = slowPing{b.eng}
		b.begin(t)
		b.types(append(login, "4\r", "1\r", "192.0.2.1\r", "typed ahead", "\x03", "0\r")...)
		if out := b.shown(); !strings.Contains(out, "Ctrl-C ends it.\n^C\n\nalice: number") {
			t.Errorf("shown:\n%s", out)
		}
		b.hangUp()
	})
}

func TestATerminalThatTakesNothingIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox()
		line, person := net.Pipe() // nobody reads
		over := make(chan error, 1)
		go func() { over <- New(b.cfg, slog.New(slog.DiscardHandler)).Serve(t.Context(), line) }()
		if err := <-over; err == nil || !strings.Contains(err.Error(), "takes nothing") {
			t.Errorf("Serve = %v", err)
		}
		person.Close()
	})
}

func TestMaintenanceShellAsksForThePasswordAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox()
		b.stored["serial"] = args{"known": true, "password_reset": true, "shell": true, "idle_seconds": 600}
		var typed string
		b.cfg.Shell = func(_ context.Context, in io.ReadCloser, out io.Writer) error {
			defer in.Close()
			buf := make([]byte, 10)
			n, err := in.Read(buf)
			typed = string(buf[:n])
			io.WriteString(out, "# ")
			return err
		}
		b.begin(t)
		b.types(append(login, "12\r", "bad\r")...)
		if b.types("12\r"); typed != "" {
			t.Fatal("a wrong password opened the shell")
		}
		b.types("good password\r", "id\x03\r", "0\r")
		if typed != "id\x03\r" {
			t.Errorf("the shell got %q", typed)
		}
		if calls := strings.Join(b.sup.calls, "\n"); strings.Count(calls, "serial.shell") != 2 || !strings.Contains(calls, `"user":"alice"`) {
			t.Errorf("calls = %s, want the beginning and the end of the shell", calls)
		}
		b.hangUp()
	})
}

func TestAFaultEndsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox()
		b.cfg.Command = func(context.Context, []string, io.Writer) error { panic("out of oats") }
		b.begin(t)
		b.types(append(login, "11\r", "status\r", "\r", "1\r")...)
		if out := b.shown(); !strings.Contains(out, "has a fault here: out of oats") || !strings.Contains(out, "administrators: 2") {
			t.Errorf("shown:\n%s", out)
		}
		b.hangUp()
	})
}

func TestABoxThatIsSetUpMeanwhileAsksForALogIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox()
		b.stored["setup"] = true
		b.begin(t)
		b.types("\r", "n\r")
		b.sup.mu.Lock()
		b.stored["setup"] = false
		b.sup.mu.Unlock()
		b.types("2\r")
		if out := b.shown(); !strings.HasSuffix(out, "This needs an administrator's log-in.\nAdministrator: ") {
			t.Errorf("shown:\n%s", out)
		}
		b.hangUp()
	})
}

func TestSplit(t *testing.T) {
	for line, want := range map[string]string{
		"show servers":        "show|servers",
		` a  "b c" 'd"' e"f"`: `a|b c|d"|ef`,
		`x ""`:                "x|",
		`x "y`:                "error",
	} {
		words, err := Words(line)
		got := strings.Join(words, "|")
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("Words(%q) = %q, want %q", line, got, want)
		}
	}
}

// FuzzNoise types anything at a box that has an administrator: nothing is called
// that needs a log-in, nothing but text is shown, and the console goes on.
func FuzzNoise(f *testing.F) {
	f.Add([]byte("\r1\r\x1b[A\x00\xff2\r"))
	f.Add([]byte("\r5\r1\rx\ry\r\x0314\r\rlb1\r"))
	f.Add([]byte("\rl\ralice\rgood password\r"))
	allowed := []string{"auth.login", "recovery.login", "port.list", "port.identify", "session.revoke", "user.set_password", "throttle.clear", "user.reset_totp", "user.list", "recovery.factory_reset"}
	f.Fuzz(func(t *testing.T, noise []byte) {
		if strings.Contains(string(noise), "alice") || len(noise) > 2000 {
			return // somebody who knows the password may do more
		}
		synctest.Test(t, func(t *testing.T) {
			b := newBox()
			b.begin(t)
			b.types(string(noise))
			for _, c := range append(b.eng.calls, b.sup.calls...) {
				method, params, _ := strings.Cut(c, " ")
				if !strings.Contains(strings.Join(allowed, " "), method) ||
					method == "recovery.factory_reset" && (strings.Contains(params, `"keys":true`) || strings.Contains(params, `"records":false`)) {
					t.Errorf("noise %q called %s", noise, c)
				}
			}
			if i := strings.IndexFunc(b.shown(), func(r rune) bool { return (r < 0x20 && !strings.ContainsRune("\n\r\b\a", r)) || r > 0x7e }); i >= 0 {
				t.Errorf("noise %q: shown %q", noise, b.shown()[i:])
			}
			b.hangUp()
		})
	})
}

// TestAStrangerLosesABoxThatGetsAnAdministrator makes an administrator while somebody
// without a log-in is in the midst of something: that must not go on.
func TestAStrangerLosesABoxThatGetsAnAdministrator(t *testing.T) {
	for name, try := range map[string]struct{ before, after []string }{
		"command line":  {[]string{"n\r", "11\r", "status\r"}, []string{"user list\r"}},
		"first set-up":  {[]string{"y\r", "1\r", "\r", "\r", "lb7\r", "\r", "\r"}, []string{"\r"}},
		"address":       {[]string{"n\r", "2\r", "1\r", "\r", "\r"}, []string{"y\r"}},
		"confirm":       {[]string{"n\r", "2\r", "1\r", "\r", "\r", "y\r"}, []string{"k\r"}},
		"revert":        {[]string{"n\r", "2\r", "1\r", "\r", "\r", "y\r"}, []string{"r\r"}},
		"restore":       {[]string{"n\r", "6\r", "2\r"}, []string{"y\r"}},
		"restart":       {[]string{"n\r", "8\r", "2\r"}, []string{"\r"}},
		"power":         {[]string{"n\r", "15\r", "2\r"}, []string{"off\r"}},
		"factory reset": {[]string{"n\r", "14\r", "\r", "y\r", "n\r"}, []string{"lb1\r"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBox()
				ran := 0
				b.cfg.Command = func(context.Context, []string, io.Writer) error { ran++; return nil }
				b.stored["setup"] = true
				b.begin(t)
				b.types("\r")
				b.types(try.before...)
				calls := func() int { return ran + len(b.eng.calls) + len(b.sup.calls) }
				was := calls()
				b.sup.mu.Lock()
				b.stored["setup"] = false
				b.sup.mu.Unlock()
				b.types(try.after...)
				if n := calls(); n != was {
					t.Errorf("%d calls more: %v %v", n-was, b.eng.calls, b.sup.calls)
				}
				if out := b.shown(); !strings.Contains(out, "an administrator by now") || !strings.HasSuffix(out, "Press Enter for the menu. ") {
					t.Errorf("the stranger was not put out:\n%s", out)
				}
				b.hangUp()
			})
		})
	}
}

func TestLiveLogLogsOutWhoTypesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox()
		b.begin(t)
		b.types(append(login, "10\r")...)
		time.Sleep(9 * time.Minute)
		b.types("x")
		time.Sleep(9 * time.Minute)
		if out := b.shown(); strings.Contains(out, "logged out") {
			t.Fatalf("logged out in spite of a key within the time:\n%s", out)
		}
		time.Sleep(2 * time.Minute)
		if out := b.shown(); !strings.Contains(out, "Nothing was typed for 10m: you are logged out.") || !strings.HasSuffix(out, "Press Enter for the menu. ") {
			t.Errorf("not logged out:\n%s", out)
		}
		b.hangUp()
	})
}

// A slowLine takes a tenth of a second for whatever is written.
type slowLine struct{ net.Conn }

func (l slowLine) Write(b []byte) (int, error) {
	time.Sleep(100 * time.Millisecond)
	return l.Conn.Write(b)
}

func TestCtrlCEndsALogThatIsLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox()
		line, records := args{"time": time.Now(), "level": "INFO", "message": "busy"}, []args{}
		for range 1000 {
			records = append(records, line)
		}
		b.eng.answers["sys.log"] = args{"records": records, "next": 1000}
		b.slow = true
		b.begin(t)
		for _, piece := range append(login, "10\r") {
			b.types(piece)
			time.Sleep(10 * time.Second)
		}
		b.types("\x03")
		time.Sleep(2 * time.Second)
		if out := b.shown(); strings.Count(out, "busy") < 20 || !strings.HasSuffix(out, "^C\n\nalice: number, Enter for the menu, 0 to log out: ") {
			t.Errorf("%d records are shown, and then\n%s", strings.Count(out, "busy"), out[max(0, len(out)-300):])
		}
		b.hangUp()
	})
}
