package relay_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"onebook/internal/effect"
	"onebook/internal/relay"
	"onebook/internal/rig"
	"onebook/internal/store"
)

// batch is what the stream delivers of everything that was written so far.
func batch(t *testing.T, r *rig.Rig) relay.Batch {
	t.Helper()
	cs, err := r.Base.Changes(r.Ctx, 0, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	var b relay.Batch
	for _, c := range cs {
		raw, err := store.EncodeStream(c, "eu-central-1")
		if err != nil {
			t.Fatal(err)
		}
		b.Records = append(b.Records, raw)
	}
	return b
}

func logged() (*slog.Logger, *bytes.Buffer) {
	b := &bytes.Buffer{}
	return slog.New(slog.NewTextHandler(b, nil)), b
}

// The stream runs what was newly put in line, once, however often it delivers; a record that cannot be read, or a handler
// that panics, stops nothing and is never given back.
func TestStream(t *testing.T) {
	r := rig.New(t)
	r.Organise()
	c := r.Contact("Ada", "ada@client.example")
	if _, err := r.Billing.Send(r.Ctx, rig.Owner, r.Draft(c.ID, rig.Lines("1.00")).ID); err != nil {
		t.Fatal(err)
	}
	printer := r.Runner.Handlers["pdf.invoice"]
	r.Runner.Handlers["pdf.invoice"] = func(context.Context, effect.Effect) (effect.Plan, error) { panic("a font is missing") }
	b := batch(t, r)
	b.Records = append([]json.RawMessage{[]byte(`{"eventName":7}`), []byte(`{}`)}, b.Records...)
	log, said := logged()
	s := relay.Stream{Runner: r.Runner, Log: log}
	for range 3 {
		got, err := s.Handle(r.Ctx, b)
		raw, merr := json.Marshal(got)
		if err != nil || merr != nil || string(raw) != `{"batchItemFailures":[]}` {
			t.Fatalf("%s %v %v", raw, err, merr)
		}
	}
	if n := len(r.Mail.Sent()); n != 1 {
		t.Errorf("%d letters", n)
	}
	if !strings.Contains(said.String(), "a font is missing") {
		t.Errorf("the log says %s", said)
	}
	r.Runner.Handlers["pdf.invoice"] = printer
	r.Drain()
	if keys, _ := r.Blobs.Objects(); len(keys) != 1 {
		t.Errorf("the sweeper left %v", keys)
	}
}

// A failure of one part of a sweep does not stop the others, and only a sweep without one tells of success.
func TestSweeper(t *testing.T) {
	r := rig.New(t)
	r.Organise()
	c := r.Contact("Ada", "ada@client.example")
	e := r.Offer(c.ID, rig.Lines("1.00"))
	log, said := logged()
	pull := errors.New("the provider is down")
	s := relay.Sweeper{Runner: r.Runner, Expire: r.Selling.Expire, Pull: func(context.Context) error { return pull }, Log: log}
	got, err := s.Handle(r.Ctx, relay.Tick{})
	if !errors.Is(err, pull) || got.Effects != 2 || len(r.Mail.Sent()) != 1 || strings.Contains(said.String(), "msg=swept") {
		t.Errorf("%+v %v, the log says %s", got, err, said)
	}
	s.Pull = func(context.Context) error { panic("nil map") }
	if _, err := s.Handle(r.Ctx, relay.Tick{}); err == nil || !strings.Contains(err.Error(), "nil map") {
		t.Errorf("a panic: %v", err)
	}
	s.Pull = r.Checkout.Pull
	r.Clock.Move(40 * 24 * time.Hour)
	got, err = s.Handle(r.Ctx, relay.Tick{})
	if err != nil || got.Expired != 1 || string(r.GetEstimate(e.ID).State) != "expired" || !strings.Contains(said.String(), "msg=swept") {
		t.Errorf("%+v %v", got, err)
	}
}

// The clock that jumps from due moment to due moment is told the next: an offer's end, an effect's next try, and every minute
// while the outcome of a payment is open.
func TestNextDue(t *testing.T) {
	r := rig.New(t)
	r.Organise()
	next := func() time.Time {
		t.Helper()
		at, err := relay.NextDue(r.Ctx, r.Table, r.Clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	if at := next(); !at.IsZero() {
		t.Errorf("nothing is due, at %v", at)
	}
	c := r.Contact("Ada", "ada@client.example")
	e := r.Offer(c.ID, rig.Lines("1.00"))
	r.Drain()
	if at := next(); !at.Equal(time.Date(2026, 2, 4, 23, 0, 0, 0, time.UTC)) || e.ValidUntil != rig.Day("2026-02-04") {
		t.Errorf("an offer until %s ends at %v", e.ValidUntil, at)
	}
	i := r.Invoice(c.ID, rig.Lines("1.00"))
	r.Drain()
	page := r.Page(i, 0)
	if at := next(); !at.Equal(rig.Begin.Add(time.Minute)) {
		t.Errorf("with an open payment: %v", at)
	}
	r.Bank.Pay(page.URL, rig.Succeed)
	r.Sweep()
	if at := next(); !at.Equal(time.Date(2026, 2, 4, 23, 0, 0, 0, time.UTC)) {
		t.Errorf("afterwards: %v", at)
	}
}
