package issue

import (
	"context"
	"errors"
	"fmt"
	"math/rand"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"onebook/internal/activity"
	"onebook/internal/fault"
	"onebook/internal/store"
	"onebook/internal/store/storetest"
)

var (
	ctx   = context.Background()
	owner = activity.By{Kind: activity.Member, ID: "mb_1", Name: "Jane", Role: "owner"}
)

type dice struct {
	mu sync.Mutex
	r  *rand.Rand
}

func (d *dice) Read(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.r.Read(p)
}

func newDesk(tb testing.TB) (*Desk, *storetest.Clock) {
	clock := &storetest.Clock{}
	t := storetest.Embedded(tb, clock.Now)
	r := &activity.Records{Table: t, Now: clock.Now, Entropy: &dice{r: rand.New(rand.NewSource(1))}}
	may := func(by activity.By, area string) error {
		if by.Role == "owner" || by.Role == area {
			return nil
		}
		return fault.Denied.Errorf("not yours")
	}
	return &Desk{Table: t, Records: r, Now: clock.Now, May: may}, clock
}

type failer interface {
	Helper()
	Fatal(...any)
}

var deeds int

// write commits operations as the deed that failed would.
func (d *Desk) write(t failer, ops ...store.Op) {
	t.Helper()
	deeds++
	ops = append(ops, store.Put(store.Item{Key: store.Key{PK: "CLAIM#test", SK: fmt.Sprint(deeds)}}))
	if err := d.Table.Write(ctx, ops...); err != nil {
		t.Fatal(err)
	}
}

func (d *Desk) raise(t failer, in Issue) Issue {
	t.Helper()
	op, i, err := Raise(ctx, d.Table, d.Now(), in)
	if err != nil {
		t.Fatal(err)
	}
	d.write(t, op)
	return i
}

func (d *Desk) get(t failer, id string) Issue {
	t.Helper()
	i, err := Get(ctx, d.Table, id)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func mail(s State) Issue {
	return Issue{Code: "mail.failed", Subject: "ef_1", Area: Billing, State: s, Title: "Mail failed", Effect: "ef_1"}
}

// The same failure, however often it comes, is one thing on somebody's desk.
func TestFailuresFold(t *testing.T) {
	d, clock := newDesk(t)
	first := clock.Now()
	var last Issue
	for n := range 30 {
		in := mail(Open)
		in.Attempts = []Attempt{{At: clock.Now(), Result: fmt.Sprint("try ", n)}}
		last = d.raise(t, in)
		clock.Move(time.Minute)
	}
	got := d.get(t, last.ID)
	if got.Count != 30 || !got.FirstAt.Equal(first) || !got.LastAt.Equal(first.Add(29*time.Minute)) || len(got.Attempts) != 20 || got.Attempts[19].Result != "try 29" {
		t.Errorf("%+v", got)
	}
	other := mail(Open)
	other.Subject = "ef_2"
	d.raise(t, other)
	list, next, err := d.List(ctx, Open, 10, "")
	if err != nil || len(list) != 2 || next != "" || list[0].Subject != "ef_2" {
		t.Errorf("%d issues are listed: %v", len(list), err)
	}
}

// RETRYING → RESOLVED_AUTO | OPEN → RESOLVED_MANUAL | IGNORED; a new failure reopens what was settled, but not what a person
// chose to leave until its time.
func TestWhatANewFailureDoes(t *testing.T) {
	d, clock := newDesk(t)
	for _, c := range []struct {
		before string
		do     func(t *testing.T, id string)
		in     State
		want   State
	}{
		{"nothing", nil, Retrying, Retrying},
		{"nothing", nil, Open, Open},
		{"it is retried", func(t *testing.T, id string) {}, Open, Open},
		{"it is open", func(t *testing.T, id string) { d.raise(t, mail(Open)) }, Retrying, Open},
		{"it succeeded", func(t *testing.T, id string) { d.settle(t) }, Retrying, Retrying},
		{"a person settled it", func(t *testing.T, id string) { must(t, d.Resolve(ctx, owner, id, Decision{Reason: "called"})) }, Open, Open},
		{"a person leaves it", func(t *testing.T, id string) { must(t, d.Ignore(ctx, owner, id, Decision{Reason: "known"})) }, Open, Ignored},
		{"a person leaves it until tomorrow", func(t *testing.T, id string) {
			must(t, d.Ignore(ctx, owner, id, Decision{Reason: "known", Until: clock.Now().Add(24 * time.Hour)}))
		}, Open, Ignored},
		{"a person left it until yesterday", func(t *testing.T, id string) {
			must(t, d.Ignore(ctx, owner, id, Decision{Reason: "known", Until: clock.Now().Add(time.Hour)}))
			clock.Move(time.Hour)
		}, Open, Open},
		{"a person asked for another try", func(t *testing.T, id string) {
			must(t, d.Retry(ctx, owner, id, "", func(context.Context, Issue) ([]store.Op, error) { return nil, nil }))
		}, Open, Open},
	} {
		d, clock = newDesk(t)
		if c.do != nil {
			i := d.raise(t, mail(Retrying))
			c.do(t, i.ID)
		}
		got := d.raise(t, mail(c.in))
		if stored := d.get(t, got.ID); stored.State != c.want || got.State != c.want {
			t.Errorf("%s, then %s: %s, want %s", c.before, c.in, stored.State, c.want)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (d *Desk) settle(t failer) bool {
	t.Helper()
	op, ok, err := Settled(ctx, d.Table, d.Now(), "mail.failed", "ef_1", "it succeeded")
	if err != nil {
		t.Fatal(err)
	}
	if ok {
		d.write(t, op)
	}
	return ok
}

// What has failed and then succeeded is off the desk without anybody's doing.
func TestSuccessSettles(t *testing.T) {
	d, _ := newDesk(t)
	if d.settle(t) {
		t.Error("settled what never failed")
	}
	for _, s := range []State{Retrying, Open} {
		i := d.raise(t, mail(s))
		if !d.settle(t) {
			t.Errorf("%s was not settled", s)
		}
		got := d.get(t, i.ID)
		if got.State != ResolvedAuto || !got.NextAt.IsZero() || got.Attempts[len(got.Attempts)-1].Result != "it succeeded" || got.Actions() != nil {
			t.Errorf("%+v", got)
		}
		if d.settle(t) {
			t.Error("settled twice")
		}
	}
}

// Who overrides says why, and the history keeps it; what is settled cannot be settled again.
func TestDecisionsAreKept(t *testing.T) {
	d, clock := newDesk(t)
	i := d.raise(t, mail(Open))
	for what, err := range map[string]error{
		"no reason":      d.Resolve(ctx, owner, i.ID, Decision{}),
		"blanks":         d.Ignore(ctx, owner, i.ID, Decision{Reason: " \n"}),
		"a moment past":  d.Ignore(ctx, owner, i.ID, Decision{Reason: "x", Until: clock.Now()}),
		"to nobody":      d.Assign(ctx, owner, i.ID, Decision{}),
		"endless reason": d.Resolve(ctx, owner, i.ID, Decision{Reason: string(make([]byte, 2000))}),
	} {
		if !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := d.Resolve(ctx, owner, "is_none", Decision{Reason: "x"}); !errors.Is(err, fault.NotFound) {
		t.Errorf("an issue that is none: %v", err)
	}
	must(t, d.Assign(ctx, owner, i.ID, Decision{Member: "mb_2"}))
	must(t, d.Resolve(ctx, owner, i.ID, Decision{Reason: "paid in cash"}))
	got := d.get(t, i.ID)
	if got.State != ResolvedManual || got.Assignee != "mb_2" || got.Reason != "paid in cash" {
		t.Errorf("%+v", got)
	}
	for what, err := range map[string]error{
		"resolve": d.Resolve(ctx, owner, i.ID, Decision{Reason: "x"}), "ignore": d.Ignore(ctx, owner, i.ID, Decision{Reason: "x"}),
		"retry": d.Retry(ctx, owner, i.ID, "", nil), "assign": d.Assign(ctx, owner, i.ID, Decision{Member: "mb_3"}),
	} {
		if !errors.Is(err, fault.Unready) {
			t.Errorf("%s of a settled issue: %v", what, err)
		}
	}
	es, _, err := d.Records.Timeline(ctx, activity.OrgChain(clock.Now()), 0, "")
	if err != nil || len(es) != 2 || es[0].Kind != "issue.resolved" || es[0].Reason != "paid in cash" || es[0].Subject != i.ID || es[0].By.ID != "mb_1" {
		t.Errorf("%+v %v", es, err)
	}
}

// An issue is settled by who may settle its area, and by nobody where that is not known.
func TestAreasAreKeptApart(t *testing.T) {
	d, _ := newDesk(t)
	i := d.raise(t, mail(Open))
	billing, booking := owner, owner
	billing.Role, booking.Role = Billing, Booking
	none := *d
	none.May = nil
	for what, err := range map[string]error{
		"booking settles": d.Resolve(ctx, booking, i.ID, Decision{Reason: "x"}), "booking leaves": d.Ignore(ctx, booking, i.ID, Decision{Reason: "x"}),
		"booking assigns": d.Assign(ctx, booking, i.ID, Decision{Member: "x"}), "booking retries": d.Retry(ctx, booking, i.ID, "", nil),
		"nobody decides": none.Resolve(ctx, owner, i.ID, Decision{Reason: "x"}),
	} {
		if !errors.Is(err, fault.Denied) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if got := d.get(t, i.ID); got.State != Open {
		t.Errorf("it is %s", got.State)
	}
	must(t, d.Resolve(ctx, billing, i.ID, Decision{Reason: "x"}))
}

// A retry puts the effect back in line in the same transaction, or changes nothing at all.
func TestRetryIsAllOrNothing(t *testing.T) {
	d, _ := newDesk(t)
	i := d.raise(t, mail(Open))
	line := store.Key{PK: "EFFECT#ef_1", SK: "EFFECT"}
	refused := fault.Unready.Errorf("it has succeeded meanwhile")
	if err := d.Retry(ctx, owner, i.ID, "", func(context.Context, Issue) ([]store.Op, error) { return nil, refused }); !errors.Is(err, fault.Unready) {
		t.Error(err)
	}
	if got := d.get(t, i.ID); got.State != Open {
		t.Errorf("a refused retry left it %s", got.State)
	}
	must(t, d.Retry(ctx, owner, i.ID, "", func(context.Context, Issue) ([]store.Op, error) {
		return []store.Op{store.Put(store.Item{Key: line})}, nil
	}))
	if got := d.get(t, i.ID); got.State != Retrying || got.NextAt.IsZero() {
		t.Errorf("%+v", got)
	}
	if _, err := d.Table.Get(ctx, line); err != nil {
		t.Error(err)
	}
	bare := mail(Open)
	bare.Subject, bare.Effect = "py_1", ""
	j := d.raise(t, bare)
	if err := d.Retry(ctx, owner, j.ID, "", nil); !errors.Is(err, fault.Unready) || slices.Contains(j.Actions(), "retry") {
		t.Errorf("nothing can be retried here: %v %v", err, j.Actions())
	}
}

// 32 people and programs at one issue: every failure is counted, and one decision wins.
func TestDecisionsAtOneMoment(t *testing.T) {
	d, _ := newDesk(t)
	i := d.raise(t, mail(Open))
	var wg sync.WaitGroup
	errs := make([]error, 32)
	for n := range errs {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for {
				errs[n] = d.Resolve(ctx, owner, i.ID, Decision{Reason: fmt.Sprint("by ", n)})
				if !errors.Is(errs[n], fault.Busy) {
					return
				}
			}
		}()
	}
	wg.Wait()
	won := 0
	for n, err := range errs {
		if err == nil {
			won++
			if got := d.get(t, i.ID); got.Reason != fmt.Sprint("by ", n) {
				t.Errorf("the reason kept is %q", got.Reason)
			}
		} else if !errors.Is(err, fault.Unready) {
			t.Error(err)
		}
	}
	if won != 1 {
		t.Errorf("%d people settled it", won)
	}
}

// Whatever happens to issues, each stands in exactly the list of its state, newest first, and is listed once.
func TestEachIssueStandsInOneList(t *testing.T) {
	d, clock := newDesk(t)
	states := []State{Retrying, Open, ResolvedAuto, ResolvedManual, Ignored}
	want := map[string]State{}
	rapid.Check(t, func(rt *rapid.T) {
		clock.Move(time.Minute)
		in := Issue{
			Code: "x", Subject: fmt.Sprint("s", rapid.IntRange(0, 7).Draw(rt, "subject")), Area: Admin,
			State: rapid.SampledFrom([]State{Retrying, Open}).Draw(rt, "state"), Title: "x",
		}
		i := d.raise(rt, in)
		want[i.ID] = i.State
		switch rapid.IntRange(0, 3).Draw(rt, "then") {
		case 0:
			if err := d.Ignore(ctx, owner, i.ID, Decision{Reason: "x", Until: clock.Now().Add(3 * time.Minute)}); err != nil {
				rt.Fatal(err)
			}
			want[i.ID] = Ignored
		case 1:
			if err := d.Resolve(ctx, owner, i.ID, Decision{Reason: "x"}); err != nil {
				rt.Fatal(err)
			}
			want[i.ID] = ResolvedManual
		case 2:
			op, ok, err := Settled(ctx, d.Table, clock.Now(), in.Code, in.Subject, "done")
			if err != nil || !ok {
				rt.Fatal(ok, err)
			}
			d.write(rt, op)
			want[i.ID] = ResolvedAuto
		}
		seen := 0
		for _, s := range states {
			var last time.Time
			for cursor := ""; ; {
				list, next, err := d.List(ctx, s, 2, cursor)
				if err != nil {
					rt.Fatal(err)
				}
				for _, x := range list {
					seen++
					if want[x.ID] != s || x.State != s {
						rt.Fatalf("%s is listed as %s and is %s", x.ID, s, want[x.ID])
					}
					if !last.IsZero() && x.LastAt.After(last) {
						rt.Fatalf("%s is not in order", x.ID)
					}
					last = x.LastAt
				}
				if cursor = next; cursor == "" {
					break
				}
			}
		}
		if seen != len(want) {
			rt.Fatalf("%d of %d issues are listed", seen, len(want))
		}
	})
}
