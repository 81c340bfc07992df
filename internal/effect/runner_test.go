package effect

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"onebook/internal/activity"
	"onebook/internal/fault"
	"onebook/internal/id"
	"onebook/internal/issue"
	"onebook/internal/store"
	"onebook/internal/store/storetest"
)

var ctx = context.Background()

const ef = "ef_06dqdpn801k5xgdst4z0"

// world is a table, a clock, and an outside that does what it is told and counts.
type world struct {
	*Runner
	clock *storetest.Clock
	calls atomic.Int64
	keys  sync.Map // what was asked of the outside, by effect: a second call with one key does nothing there

	plan func(e Effect) (Plan, error) // nil: the outside answers at once
	call func(ctx context.Context) error
}

func newWorld(tb testing.TB) *world {
	w := &world{clock: &storetest.Clock{}}
	h := storetest.OpenEmbedded(tb, w.clock.Now)
	w.Runner = &Runner{Table: h.Table, Now: w.clock.Now, Handlers: map[string]Handler{"mail.invoice": w.handle}}
	return w
}

func (w *world) handle(_ context.Context, e Effect) (Plan, error) {
	if w.plan != nil {
		return w.plan(e)
	}
	return Plan{Call: w.outside(e)}, nil
}

func (w *world) outside(e Effect) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		w.calls.Add(1)
		w.keys.Store(e.ID, true)
		if w.call != nil {
			if err := w.call(ctx); err != nil {
				return "", err
			}
		}
		return "msg_1", nil
	}
}

// want puts an effect in line, as part of a deed.
func (w *world) want(tb testing.TB, e Effect) {
	tb.Helper()
	if e.ID == "" {
		e.ID = ef
	}
	e.Kind, e.Title, e.Subject, e.ContactID, e.Area = "mail.invoice", "Mail of invoice 1", "in_1", "ct_06dqdpn801k5xgdst4z0", issue.Billing
	if e.Lane == "" {
		e.Lane = Mail
	}
	op, err := New(e, w.Now())
	if err != nil {
		tb.Fatal(err)
	}
	if err := w.Table.Write(ctx, op); err != nil {
		tb.Fatal(err)
	}
}

func (w *world) state(tb testing.TB) Effect {
	tb.Helper()
	e, err := Get(ctx, w.Table, ef)
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

func (w *world) issue(tb testing.TB) (issue.Issue, bool) {
	tb.Helper()
	i, err := issue.Get(ctx, w.Table, issue.IDOf("mail.invoice.failed", ef))
	if err != nil && !errors.Is(err, fault.NotFound) {
		tb.Fatal(err)
	}
	return i, err == nil
}

func (w *world) run(tb testing.TB) {
	tb.Helper()
	if err := w.Run(ctx, ef); err != nil {
		tb.Fatal(err)
	}
}

// sweep looks at every shard, as each minute does, and answers how many it tried.
func (w *world) sweep(tb testing.TB) int {
	tb.Helper()
	sum := 0
	for s := range Shards {
		n, _, err := w.Sweep(ctx, s)
		if err != nil {
			tb.Fatal(err)
		}
		sum += n
	}
	return sum
}

var busy = fault.Busy.Errorf("the mail service does not answer")

// What was wanted is done once, however often it is looked at.
func TestDoneOnce(t *testing.T) {
	w := newWorld(t)
	w.want(t, Effect{})
	if w.sweep(t) != 1 {
		t.Error("the sweeper did not find it")
	}
	for range 3 {
		w.run(t)
		w.sweep(t)
		w.clock.Move(time.Hour)
	}
	e := w.state(t)
	if w.calls.Load() != 1 || e.State != Done || e.Result != "msg_1" || e.Tries != 1 || e.DoneAt.IsZero() {
		t.Errorf("%d calls, %+v", w.calls.Load(), e)
	}
	if _, found := w.issue(t); found {
		t.Error("a success left an issue")
	}
	if w.clock.Move(365 * 24 * time.Hour); w.sweep(t) != 0 {
		t.Error("something is still due")
	}
}

// Stream and sweeper at one moment, 32 of them: only one makes the call.
func TestLeaseKeepsOthersOut(t *testing.T) {
	w := newWorld(t)
	w.want(t, Effect{})
	inside := make(chan struct{})
	release := make(chan struct{})
	w.call = func(context.Context) error { close(inside); <-release; return nil }
	var wg sync.WaitGroup
	wg.Add(1)
	go func() { defer wg.Done(); w.run(t) }()
	<-inside
	for range 32 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if err := w.Run(ctx, ef); err != nil {
				t.Error(err)
			}
		}()
	}
	w.clock.Move(lease(Mail) - time.Second)
	w.run(t)
	close(release)
	wg.Wait()
	if e := w.state(t); w.calls.Load() != 1 || e.State != Done {
		t.Errorf("%d calls, %+v", w.calls.Load(), e)
	}
}

// A failure that may pass is tried again after 30 s, 2 m, 10 m, 1 h, 6 h, 24 h and 24 h, not earlier; its issue says that it
// is retried from the first failure on. After the last one a person is needed.
func TestRetrySchedule(t *testing.T) {
	w := newWorld(t)
	w.want(t, Effect{})
	w.call = func(context.Context) error { return busy }
	w.run(t)
	for n, wait := range []time.Duration{30 * time.Second, 2 * time.Minute, 10 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour, 24 * time.Hour} {
		if got := int(w.calls.Load()); got != n+1 {
			t.Fatalf("after %d waits there were %d calls", n, got)
		}
		i, found := w.issue(t)
		if !found || i.State != issue.Retrying || i.Count != n+1 || !i.NextAt.Equal(w.Now().Add(wait)) {
			t.Fatalf("the issue after failure %d: %+v", n+1, i)
		}
		due := w.Now().Add(wait)
		if e := w.state(t); !e.NextAt.Equal(due) {
			t.Fatalf("due at %s, want %s", e.NextAt, due)
		}
		w.clock.Move(wait - time.Second)
		w.sweep(t)
		w.run(t)
		if got := int(w.calls.Load()); got != n+1 {
			t.Fatalf("failure %d was tried again too early", n+1)
		}
		w.clock.Move(time.Second)
		if n, oldest, err := w.Sweep(ctx, id.Shard("ct_06dqdpn801k5xgdst4z0", Shards)); n != 1 || err != nil || !oldest.Equal(due) {
			t.Fatalf("%d tried, the oldest since %s, %v", n, oldest, err)
		}
	}
	i, _ := w.issue(t)
	if e := w.state(t); e.State != Failed || w.calls.Load() != 8 || i.State != issue.Open || i.Count != 8 {
		t.Errorf("%d calls, %+v, %+v", w.calls.Load(), e, i)
	}
	w.clock.Move(365 * 24 * time.Hour)
	if w.sweep(t) != 0 {
		t.Error("it is still tried")
	}
}

// What succeeds in the end settles its issue by itself, also when a person was asked already.
func TestSuccessSettlesTheIssue(t *testing.T) {
	for _, was := range []error{busy, errors.New("refused")} {
		w := newWorld(t)
		w.want(t, Effect{})
		w.call = func(context.Context) error { return was }
		w.run(t)
		w.call = nil
		if !errors.Is(was, fault.Busy) {
			op, err := Again(ctx, w.Table, ef, w.Now())
			if err != nil {
				t.Fatal(err)
			}
			if err := w.Table.Write(ctx, op, store.Put(store.Item{Key: store.Key{PK: "CLAIM#x", SK: "CLAIM"}})); err != nil {
				t.Fatal(err)
			}
		}
		w.clock.Move(30 * time.Second)
		w.sweep(t)
		if i, _ := w.issue(t); i.State != issue.ResolvedAuto || w.state(t).State != Done {
			t.Errorf("%+v %+v", i, w.state(t))
		}
	}
}

// What will never work is not tried again: a person sees it at once. So is what nobody here knows how to do.
func TestPermanentFailureIsAPersons(t *testing.T) {
	for what, prepare := range map[string]func(w *world){
		"the outside refuses": func(w *world) {
			w.call = func(context.Context) error { return fault.Invalid.Errorf("there is no such address") }
		},
		"the plan cannot be made": func(w *world) {
			w.plan = func(Effect) (Plan, error) { return Plan{}, fault.NotFound.Errorf("there is no such address") }
		},
		"nobody knows how": func(w *world) { w.Handlers = nil },
	} {
		w := newWorld(t)
		w.want(t, Effect{})
		prepare(w)
		w.run(t)
		i, found := w.issue(t)
		if !found || i.State != issue.Open || i.Effect != ef || i.Area != issue.Billing || w.state(t).State != Failed {
			t.Errorf("%s: %+v %+v", what, i, w.state(t))
		}
		w.clock.Move(48 * time.Hour)
		if w.sweep(t) != 0 {
			t.Errorf("%s: it is tried again", what)
		}
	}
}

// A plan that cannot be made for now waits like a call that failed.
func TestABusyPlanWaits(t *testing.T) {
	w := newWorld(t)
	w.want(t, Effect{})
	w.plan = func(Effect) (Plan, error) { return Plan{}, busy }
	w.run(t)
	if e := w.state(t); e.State != Pending || e.Tries != 1 || !e.NextAt.Equal(w.Now().Add(30*time.Second)) {
		t.Errorf("%+v", e)
	}
	w.plan = nil
	w.clock.Move(30 * time.Second)
	w.sweep(t)
	if w.state(t).State != Done {
		t.Errorf("%+v", w.state(t))
	}
}

// Whoever dies between the call and its record leaves a lease; when it ends the call is made again, with the same key.
func TestCrashAfterTheCall(t *testing.T) {
	w := newWorld(t)
	w.want(t, Effect{})
	crashed := errors.New("the machine is gone")
	w.plan = func(e Effect) (Plan, error) {
		return Plan{Call: w.outside(e), Done: func(context.Context, string, ...store.Op) error { return crashed }}, nil
	}
	if err := w.Run(ctx, ef); !errors.Is(err, crashed) {
		t.Fatal(err)
	}
	w.plan = nil
	w.clock.Move(lease(Mail) - time.Second)
	if w.sweep(t); w.calls.Load() != 1 || w.state(t).State != Sending {
		t.Fatalf("%d calls within the lease", w.calls.Load())
	}
	w.clock.Move(time.Second)
	w.sweep(t)
	keys := 0
	w.keys.Range(func(any, any) bool { keys++; return true })
	if e := w.state(t); e.State != Done || e.Tries != 2 || w.calls.Load() != 2 || keys != 1 {
		t.Errorf("%+v, %d calls with %d keys", e, w.calls.Load(), keys)
	}
}

// A letter whose sender got no answer is not sent again while a report of it may come; the report ends it. Without one it is
// tried again, and not for ever.
func TestAnUncertainCall(t *testing.T) {
	w := newWorld(t)
	w.want(t, Effect{})
	w.call = func(context.Context) error { return fmt.Errorf("%w: %w", ErrAmbiguous, busy) }
	w.run(t)
	i, _ := w.issue(t)
	if e := w.state(t); e.State != Sending || i.State != issue.Retrying {
		t.Fatalf("%+v %+v", e, i)
	}
	for range 2 {
		if err := w.Confirm(ctx, ef, "msg_7"); err != nil {
			t.Fatal(err)
		}
		if e := w.state(t); e.State != Done || e.Result != "msg_7" {
			t.Fatalf("after the report: %+v", e)
		}
	}
	if i, _ := w.issue(t); i.State != issue.ResolvedAuto {
		t.Errorf("%+v", i)
	}
	w.clock.Move(time.Hour)
	if w.sweep(t); w.calls.Load() != 1 {
		t.Errorf("%d calls", w.calls.Load())
	}

	w = newWorld(t)
	w.want(t, Effect{})
	w.call = func(context.Context) error { return ErrAmbiguous }
	for range 40 {
		w.sweep(t)
		w.clock.Move(lease(Mail))
	}
	if e, calls := w.state(t), w.calls.Load(); e.State != Failed || calls != 8 {
		t.Errorf("%+v after %d calls", e, calls)
	}
	if i, _ := w.issue(t); i.State != issue.Open {
		t.Errorf("%+v", i)
	}
	if err := w.Confirm(ctx, "ef_none", "x"); err != nil {
		t.Errorf("a report of a letter that is none: %v", err)
	}
}

// The report of a letter and the note that no answer came may meet. Whichever is first, the effect is done and no issue stays.
func TestAReportMeetsUncertainty(t *testing.T) {
	settled := func(w *world, when string) {
		t.Helper()
		i, there := w.issue(t)
		if e := w.state(t); e.State != Done || e.Result != "msg_7" || there && i.State != issue.ResolvedAuto {
			t.Errorf("%s: %+v, issue %v %+v", when, e, there, i)
		}
	}
	w := newWorld(t)
	w.want(t, Effect{})
	w.call = func(context.Context) error {
		if err := w.Confirm(ctx, ef, "msg_7"); err != nil {
			t.Error(err)
		}
		return ErrAmbiguous
	}
	w.run(t)
	settled(w, "the report first")

	w = newWorld(t)
	w.want(t, Effect{})
	looked, noted, confirmed := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	var once sync.Once
	w.plan = func(Effect) (Plan, error) {
		return Plan{
			Call: func(context.Context) (string, error) {
				go func() { confirmed <- w.Confirm(ctx, ef, "msg_7") }()
				<-looked
				return "", ErrAmbiguous
			},
			Done: func(ctx context.Context, _ string, ops ...store.Op) error {
				once.Do(func() { close(looked); <-noted })
				return w.Table.Write(ctx, ops...)
			},
		}, nil
	}
	w.run(t)
	close(noted)
	if err := <-confirmed; err != nil {
		t.Error(err)
	}
	settled(w, "the note between the report's look and its word")
}

// An effect that lost its purpose is not done late: it is dropped, and somebody is told.
func TestTooLateIsDropped(t *testing.T) {
	w := newWorld(t)
	w.want(t, Effect{Until: w.Now().Add(time.Hour)})
	w.call = func(context.Context) error { return busy }
	w.run(t)
	w.clock.Move(time.Hour + time.Second)
	w.sweep(t)
	i, found := w.issue(t)
	if e := w.state(t); e.State != Dropped || w.calls.Load() != 1 || !found || i.State != issue.Open {
		t.Errorf("%+v %+v", e, i)
	}
	// Up to that very moment it is still done.
	w = newWorld(t)
	w.want(t, Effect{Until: w.Now().Add(time.Hour)})
	w.clock.Move(time.Hour)
	if w.sweep(t); w.state(t).State != Done {
		t.Errorf("%+v", w.state(t))
	}
}

// What need not be done any more ends without anybody being bothered.
func TestNotNeededAnyMore(t *testing.T) {
	w := newWorld(t)
	w.want(t, Effect{})
	w.plan = func(Effect) (Plan, error) { return Plan{Skip: "the invoice was voided"}, nil }
	w.run(t)
	_, found := w.issue(t)
	if e := w.state(t); e.State != Dropped || e.Result != "the invoice was voided" || w.calls.Load() != 0 || found {
		t.Errorf("%+v %v", e, found)
	}
}

// A restored record sends nothing until it is told to.
func TestHold(t *testing.T) {
	w := newWorld(t)
	w.want(t, Effect{})
	w.Hold = true
	w.sweep(t)
	w.clock.Move(time.Hour)
	w.sweep(t)
	if e := w.state(t); e.State != Pending || w.calls.Load() != 0 {
		t.Errorf("%+v", e)
	}
	w.Hold = false
	w.sweep(t)
	if w.state(t).State != Done {
		t.Error("it is not done afterwards")
	}
}

// The last look before the call counts: when what must hold does not hold any more, the call is not made.
func TestTheLastLook(t *testing.T) {
	w := newWorld(t)
	w.want(t, Effect{})
	k := store.Key{PK: "C#1", SK: "INV#1"}
	if err := w.Table.Write(ctx, store.Put(store.Item{Key: k})); err != nil {
		t.Fatal(err)
	}
	paid := true
	w.plan = func(e Effect) (Plan, error) {
		version := int64(1)
		if paid { // the invoice moved after it was read
			version = 7
		}
		return Plan{Call: w.outside(e), Checks: []store.Op{store.Check(k, version).Else(fault.Unready.Errorf("paid meanwhile"))}}, nil
	}
	w.run(t)
	_, found := w.issue(t)
	if e := w.state(t); e.State != Pending || w.calls.Load() != 0 || found {
		t.Errorf("%+v %v", e, found)
	}
	paid = false
	w.run(t)
	if w.state(t).State != Done {
		t.Errorf("%+v", w.state(t))
	}
}

// The outcome is committed with whatever it brings about, or not at all; a person who decides on the issue at that moment
// does not make the call happen twice.
func TestOutcomeMeetsADecision(t *testing.T) {
	for _, fails := range []bool{false, true} {
		w := newWorld(t)
		w.want(t, Effect{})
		w.call = func(context.Context) error { return busy }
		w.run(t)
		w.clock.Move(30 * time.Second)
		w.call = nil
		if fails {
			w.call = func(context.Context) error { return errors.New("refused") }
		}
		w.Table = &interrupted{Table: w.Table, at: "ISSUE#" + issue.IDOf("mail.invoice.failed", ef), then: func(t store.Table, it store.Item) error {
			return t.Write(ctx, store.Put(it), store.Put(store.Item{Key: store.Key{PK: "CLAIM#person", SK: "CLAIM"}}))
		}}
		w.run(t)
		i, _ := w.issue(t)
		e := w.state(t)
		if !fails && (e.State != Done || i.State != issue.ResolvedAuto) || fails && (e.State != Failed || i.State != issue.Open) {
			t.Errorf("fails %v: %+v %+v", fails, e, i)
		}
		w.clock.Move(time.Hour)
		if w.sweep(t); w.calls.Load() != 2 {
			t.Errorf("fails %v: %d calls", fails, w.calls.Load())
		}
	}
}

// interrupted is a table in which somebody changes an item right after it was read, once.
type interrupted struct {
	store.Table
	at   string
	then func(store.Table, store.Item) error
}

func (t *interrupted) Get(ctx context.Context, k store.Key) (store.Item, error) {
	it, err := t.Table.Get(ctx, k)
	if err == nil && k.PK == t.at && t.then != nil {
		then := t.then
		t.then = nil
		err = then(t.Table, it)
	}
	return it, err
}

// What the deed's own deadline cut off is still written down: the call was made.
func TestAnEndedDeadlineLosesNoOutcome(t *testing.T) {
	w := newWorld(t)
	w.want(t, Effect{})
	short, cancel := context.WithCancel(ctx)
	w.call = func(context.Context) error { cancel(); return nil }
	if err := w.Run(short, ef); err != nil {
		t.Fatal(err)
	}
	if e := w.state(t); e.State != Done {
		t.Errorf("%+v", e)
	}
}

// Every lane keeps a call within a lease, also one that is new.
func TestEveryLaneHasALease(t *testing.T) {
	for _, lane := range []string{Mail, PDF, Stripe, "calendar"} {
		w := newWorld(t)
		w.want(t, Effect{Lane: lane})
		w.call = func(ctx context.Context) error {
			if _, limited := ctx.Deadline(); !limited {
				return errors.New("endless")
			}
			if e := w.state(t); !e.LeaseUntil.After(w.Now()) {
				return errors.New("no lease")
			}
			return nil
		}
		if w.run(t); w.state(t).State != Done {
			t.Errorf("%s: %+v", lane, w.state(t))
		}
	}
}

// A person's retry begins the schedule anew and only for what has not been done.
func TestAgain(t *testing.T) {
	w := newWorld(t)
	w.want(t, Effect{Until: w.Now().Add(time.Minute)})
	w.call = func(context.Context) error { return errors.New("refused") }
	w.run(t)
	w.clock.Move(time.Hour)
	op, err := Again(ctx, w.Table, ef, w.Now())
	if err != nil {
		t.Fatal(err)
	}
	claim := store.Put(store.Item{Key: store.Key{PK: "CLAIM#again", SK: "CLAIM"}})
	if err := w.Table.Write(ctx, op, claim); err != nil {
		t.Fatal(err)
	}
	if e := w.state(t); e.State != Pending || e.Tries != 0 || !e.DoneAt.IsZero() {
		t.Errorf("%+v", e)
	}
	// The same operation again meets an effect that has moved: the deed that carries it decides anew.
	claim.Item.PK = "CLAIM#again2"
	if err := w.Table.Write(ctx, op, claim); !errors.Is(err, activity.ErrContended) {
		t.Errorf("%v", err)
	}
	w.call = nil
	w.sweep(t)
	if w.state(t).State != Done {
		t.Errorf("%+v", w.state(t))
	}
	if _, err := Again(ctx, w.Table, ef, w.Now()); !errors.Is(err, fault.Unready) {
		t.Errorf("what is done is done again: %v", err)
	}
	if _, err := Again(ctx, w.Table, "ef_none", w.Now()); !errors.Is(err, fault.NotFound) {
		t.Errorf("%v", err)
	}
}

// One that fails does not stop the others, and all of a shard are tried however many they are.
func TestSweepGoesOn(t *testing.T) {
	w := newWorld(t)
	for n := range 40 {
		w.want(t, Effect{ID: fmt.Sprintf("ef_%020d", n)})
	}
	w.plan = func(e Effect) (Plan, error) {
		if e.ID == fmt.Sprintf("ef_%020d", 7) {
			return Plan{Call: w.outside(e), Done: func(context.Context, string, ...store.Op) error { return errors.New("the table is down") }}, nil
		}
		return Plan{Call: w.outside(e)}, nil
	}
	var errs []error
	sum := 0
	for s := range Shards {
		n, _, err := w.Sweep(ctx, s)
		sum += n
		errs = append(errs, err)
	}
	if sum != 40 || w.calls.Load() != 40 || errors.Join(errs...) == nil {
		t.Errorf("%d tried, %d calls, %v", sum, w.calls.Load(), errors.Join(errs...))
	}
}
