package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"onebook/infra/local/drive"
)

var (
	many  = flag.Int("lives", 3, "lives in TestKill")
	kills = flag.Int("kills", 5, "kills in TestKill")
	seed  = flag.Uint64("seed", 0, "of the moments; 0 takes one from the clock")
)

var binary string

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(withProgram(m.Run))
}

func withProgram(run func() int) int {
	dir, err := os.MkdirTemp("", "onebook-kill-")
	if err == nil {
		defer os.RemoveAll(dir)
		binary, err = drive.Build(context.Background(), dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return run()
}

// What was answered is there after kill -9, and nothing is there twice. The long one is make kill.
func TestKill(t *testing.T) {
	if *seed == 0 {
		*seed = uint64(time.Now().UnixNano())
	}
	out, err := Endure(t.Context(), Options{
		Binary: binary, Folder: filepath.Join(t.TempDir(), "data"), Lives: *many, Kills: *kills, Seed: *seed, Log: t.Output(),
	})
	if err != nil {
		t.Fatalf("seed %d: %v", *seed, err)
	}
	t.Log(out)
	for _, w := range out.Wrong {
		t.Error(w)
	}
	if want := out.Lives * whole.steps(); out.Deeds < want || out.Facts < want {
		t.Errorf("only %d deeds and %d facts: the lives were not lived", out.Deeds, out.Facts)
	}
}

// The reading in the end finds what is gone, what is there twice, and what is not as it was told.
func TestRereadBites(t *testing.T) {
	c, program := start(t)
	l := &life{Client: c, kept: newLedger(), notYet: patient(t), again: func() bool { return false }}
	if err := l.live(t.Context()); err != nil {
		t.Fatal(err)
	}
	wrong := func(lives ...*life) string {
		t.Helper()
		out := &Outcome{}
		l.kept.wrong = nil
		if err := advance(t.Context(), c, "1h"); err != nil {
			t.Fatal(err)
		}
		if err := reread(t.Context(), c, lives, l.kept, out); err != nil {
			t.Fatal(err)
		}
		return strings.Join(l.kept.wrong, "\n")
	}
	if w := wrong(l); w != "" {
		t.Fatalf("nothing is wrong, but:\n%s", w)
	}
	// A thing that was told of and is gone, and a figure that is another.
	gone := strings.Replace(l.contact, "ct_", "ct_0", 1)[:len(l.contact)]
	l.kept.facts["/v1/contacts/"+gone] = map[string]string{"id": `"x"`}
	l.kept.facts["/v1/invoices/"+l.invoice]["total"] = "1"
	w := wrong(l)
	for _, want := range []string{"/v1/contacts/" + gone + " was answered and is gone", "total was told as 1 and is"} {
		if !strings.Contains(w, want) {
			t.Errorf("%q is not found in:\n%s", want, w)
		}
	}
	delete(l.kept.facts, "/v1/contacts/"+gone)
	l.kept.facts["/v1/invoices/"+l.invoice]["total"] = plain(l.total)
	// A letter that went out twice, a payment nobody knows of, and an invoice too many.
	for _, again := range []struct {
		path string
		body any
	}{
		{"/v1/invoices/" + l.invoice + "/send", nil},
		{"/v1/invoices/" + l.invoice + "/payments", map[string]any{"amount": 1, "method": "cash", "receivedOn": firstDay}},
		{"/v1/invoices", map[string]any{"contactId": l.contact, "lines": []map[string]any{{"name": "x", "quantity": "1", "unitPrice": "1", "tax": map[string]string{"category": "Z", "rate": "0"}}}}},
	} {
		if err := c.Post(t.Context(), again.path, "", again.body, nil); err != nil {
			t.Fatal(err)
		}
	}
	w = wrong(l)
	for _, want := range []string{"mails: ", "life 0: payments: 2, not 1", "life 0: the balance: ", "how many in /v1/invoices: 2, not 1", "what was paid"} {
		if !strings.Contains(w, want) {
			t.Errorf("%q is not found in:\n%s", want, w)
		}
	}
	if err := program.Stop(); err != nil {
		t.Error(err)
	}
}

// start starts a program with an organisation in a folder of its own.
func start(t *testing.T) (*drive.Client, *drive.Program) {
	t.Helper()
	program := &drive.Program{Binary: binary, Data: filepath.Join(t.TempDir(), "data"), Log: t.Output()}
	if err := program.Start(t.Context(), "-now", firstDay+"T09:00:00Z"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(program.Kill)
	c := &drive.Client{Base: program.Base, Role: "owner"}
	if err := found(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	return c, program
}

// patient waits by the machine's clock only: what the stream does comes by itself.
func patient(t *testing.T) func(context.Context, int) error {
	return func(ctx context.Context, tries int) error {
		if tries > 1500 {
			return errTooLong
		}
		return pause(ctx)
	}
}

// swept moves the clock by two minutes, once: by then everything must be there.
func swept(c *drive.Client) func(context.Context, int) error {
	return func(ctx context.Context, tries int) error {
		if tries > 1 {
			return fmt.Errorf("%w within two minutes of the product's clock", errTooLong)
		}
		return advance(ctx, c, "2m")
	}
}

// A whole life with the stream switched off ends in the same state within two minutes of the clock: the sweeper is the
// guarantee, and the stream only makes it quick.
func TestWithoutStream(t *testing.T) {
	for _, w := range []way{whole, refused, parts, mixed} {
		t.Run(fmt.Sprintf("way %d", w), func(t *testing.T) {
			var states [2]map[string]any
			for n, on := range []bool{true, false} {
				c, _ := start(t)
				if err := c.Control(t.Context(), "stream", map[string]bool{"on": on}, nil); err != nil {
					t.Fatal(err)
				}
				l := &life{Client: c, way: w, kept: newLedger(), notYet: patient(t), again: func() bool { return false }}
				if !on {
					l.notYet = swept(c)
				}
				if err := l.live(t.Context()); err != nil {
					t.Fatalf("stream %t: %v", on, err)
				}
				if err := advance(t.Context(), c, "2m"); err != nil {
					t.Fatal(err)
				}
				states[n] = stateOf(t, l)
			}
			compare(t, "", states[0], states[1])
			if t.Failed() {
				return
			}
			if n := len(flat("", states[0])); n < 150 {
				t.Errorf("only %d fields were compared", n)
			} else {
				t.Logf("%d fields are the same", n)
			}
		})
	}
}

func compare(t *testing.T, at string, with, without any) {
	t.Helper()
	a, b := flat(at, with), flat(at, without)
	keys := map[string]bool{}
	for k := range a {
		keys[k] = true
	}
	for k := range b {
		keys[k] = true
	}
	var sorted []string
	for k := range keys {
		sorted = append(sorted, k)
	}
	slices.Sort(sorted)
	for _, k := range sorted {
		if a[k] != b[k] {
			t.Errorf("%s: %.300s with the stream, %.300s without", k, a[k], b[k])
		}
	}
}
