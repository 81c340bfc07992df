package faults

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"onebook/internal/fault"
	"onebook/internal/store"
)

const child = "FAULTS_UNDER_KILL"

func TestMain(m *testing.M) {
	if kind := os.Getenv(child); kind != "" {
		var f Faults
		if err := f.Add(Plan{Point: "mail", Kind: Kind(kind)}); err != nil {
			panic(err)
		}
		f.Do(context.Background(), "mail.send", func() error { os.Stdout.WriteString("done"); return nil })
		os.Stdout.WriteString(" alive")
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// A crash ends the process at once, on the side of the deed that was asked for.
func TestCrash(t *testing.T) {
	for kind, want := range map[Kind]string{CrashBefore: "", CrashAfter: "done"} {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), child+"="+string(kind))
		out, err := cmd.Output()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.Success() || string(out) != want {
			t.Errorf("%s: %q, %v", kind, out, err)
		}
	}
}

// Which side of the deed a fault is on decides what may be done again, so it must be the side that was asked for.
func TestKinds(t *testing.T) {
	own := errors.New("own")
	var killed []string
	f := &Faults{}
	did := 0
	f.Kill = func() {
		if did == 0 {
			killed = append(killed, "before")
		} else {
			killed = append(killed, "after")
		}
	}
	cases := []struct {
		kind Kind
		did  int
		is   []error
	}{
		{Error, 0, []error{ErrPlanned}},
		{TimeoutAfter, 1, []error{ErrPlanned, context.DeadlineExceeded}},
		{CrashBefore, 1, []error{own}}, // the test's Kill lets it live on
		{CrashAfter, 1, []error{own}},
		{Delay, 1, []error{own}},
	}
	for _, c := range cases {
		did = 0
		if err := f.Add(Plan{Point: "x", Kind: c.kind, Millis: 1}); err != nil {
			t.Fatal(err)
		}
		err := f.Do(t.Context(), "x.y", func() error { did++; return own })
		for _, want := range c.is {
			if !errors.Is(err, want) {
				t.Errorf("%s: %v", c.kind, err)
			}
		}
		if did != c.did {
			t.Errorf("%s: done %d times", c.kind, did)
		}
	}
	if strings.Join(killed, " ") != "before after" {
		t.Errorf("killed %v", killed)
	}
	if err := f.Add(Plan{Point: "x", Kind: Delay, Millis: 60_000}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
	defer cancel()
	if err := f.Do(ctx, "x", func() error { return nil }); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a delay past the deadline: %v", err)
	}
}

func TestPlans(t *testing.T) {
	f := &Faults{}
	for _, p := range []Plan{{}, {Point: "x"}, {Point: "x", Kind: "explode"}, {Point: "x", Kind: Error, Count: -1}} {
		if err := f.Add(p); !errors.Is(err, fault.Invalid) {
			t.Errorf("%+v: %v", p, err)
		}
	}
	run := func(point string) bool { return f.Do(t.Context(), point, func() error { return nil }) != nil }
	if err := f.Add(Plan{Point: "store.write", Kind: Error, Count: 2, Skip: 1}); err != nil {
		t.Fatal(err)
	}
	got := []bool{run("store.get"), run("store.writer"), run("store.write"), run("store.write"), run("store.write"), run("store.write")}
	want := []bool{false, false, false, true, true, false}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("struck %v, want %v", got, want)
		}
	}
	if plans, hits := f.State(); len(plans) != 0 || hits["store.write"] != 4 {
		t.Errorf("%v %v", plans, hits)
	}
}

// one is a table of one item that counts what reached it.
type one struct{ gets, lists, writes int }

func (o *one) Get(context.Context, store.Key) (store.Item, error) {
	o.gets++
	return store.Item{Version: 1}, nil
}
func (o *one) List(context.Context, store.Query) (store.Page, error) {
	o.lists++
	return store.Page{Cursor: "c"}, nil
}
func (o *one) Write(context.Context, ...store.Op) error { o.writes++; return nil }

// A fault at the table looks like a table that is busy, and a lost answer leaves the write done.
func TestTable(t *testing.T) {
	f, o := &Faults{}, &one{}
	table := f.Table(o)
	for _, p := range []Plan{{Point: "store.get", Kind: Error}, {Point: "store.list", Kind: Error}, {Point: "store.write", Kind: TimeoutAfter}} {
		if err := f.Add(p); err != nil {
			t.Fatal(err)
		}
	}
	_, e1 := table.Get(t.Context(), store.Key{})
	_, e2 := table.List(t.Context(), store.Query{})
	e3 := table.Write(t.Context())
	for _, err := range []error{e1, e2, e3} {
		if !errors.Is(err, store.ErrBusy) || !errors.Is(err, fault.Busy) {
			t.Errorf("got %v", err)
		}
	}
	if o.gets != 0 || o.lists != 0 || o.writes != 1 {
		t.Errorf("reached %+v", o)
	}
	item, err := table.Get(t.Context(), store.Key{})
	page, err2 := table.List(t.Context(), store.Query{})
	if err != nil || err2 != nil || item.Version != 1 || page.Cursor != "c" || table.Write(t.Context()) != nil {
		t.Errorf("without a plan: %v %v %v %v", item, err, page, err2)
	}
	if err := f.Add(Plan{Point: "store.commit.after", Kind: Error}); err != nil {
		t.Fatal(err)
	}
	if f.Disturb(t.Context(), store.BeforeCommit) != nil || f.Disturb(t.Context(), store.AfterCommit) == nil {
		t.Error("the commit was disturbed on the wrong side")
	}
}

func TestTransport(t *testing.T) {
	reached := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { reached++; io.WriteString(w, "ok") }))
	defer s.Close()
	f := &Faults{}
	client := &http.Client{Transport: f.Transport(nil, Stripe)}
	for i, p := range []Plan{{Point: "stripe", Kind: Error}, {Point: "stripe.post.checkout.sessions.expire", Kind: TimeoutAfter}} {
		if err := f.Add(p); err != nil {
			t.Fatal(err)
		}
		if _, err := client.Post(s.URL+"/v1/checkout/sessions/cs_1a2/expire", "", nil); !errors.Is(err, ErrPlanned) || reached != i {
			t.Errorf("%+v: %v, reached %d", p, err, reached)
		}
	}
	res, err := client.Get(s.URL + "/v1/events")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if _, hits := f.State(); hits["stripe.get.events"] != 1 {
		t.Errorf("hits %v", hits)
	}
}

func TestAroundFunction(t *testing.T) {
	f := &Faults{}
	if err := f.Add(Plan{Point: "function.invoices", Kind: TimeoutAfter}); err != nil {
		t.Fatal(err)
	}
	ran := false
	next := func() (json.RawMessage, error) { ran = true; return json.RawMessage(`1`), nil }
	if out, err := f.Around(t.Context(), "invoices", next); err == nil || out != nil || !ran {
		t.Errorf("%s, %v", out, err)
	}
	if out, err := f.Around(t.Context(), "invoices", next); err != nil || string(out) != "1" {
		t.Errorf("%s, %v", out, err)
	}
}

func TestByHTTP(t *testing.T) {
	f := &Faults{}
	do := func(method, body string) (int, string) {
		w := httptest.NewRecorder()
		f.ServeHTTP(w, httptest.NewRequest(method, "/_local/fault", strings.NewReader(body)))
		return w.Code, w.Body.String()
	}
	for _, c := range []struct {
		method, body string
		status       int
		holds        string
	}{
		{"POST", `{"point":"mail.send","kind":"error","count":3}`, 201, `"count":3`},
		{"POST", `{"point":"mail.send","kind":"boom"}`, 422, "crash_before"},
		{"POST", `{"pint":"mail.send"}`, 400, "crash_after"},
		{"GET", ``, 200, `"mail.send"`},
		{"PUT", ``, 405, "GET"},
		{"DELETE", ``, 200, `"plans":[]`},
	} {
		if status, body := do(c.method, c.body); status != c.status || !strings.Contains(body, c.holds) {
			t.Errorf("%s %s: %d %s", c.method, c.body, status, body)
		}
	}
}
