// Package faults lets somebody plan what goes wrong: a named point, a kind, and how often.
//
// A point is a place where the product speaks to the outside: store.get, store.list, store.write, store.commit,
// s3.put, s3.get, mail.send, stripe.…, function.<name>. A plan for "store" is good for every point that begins
// with "store.". Faults strike on the wire or at the table, outside of the adapters, so that it is the adapters'
// own judgement that is tested.
//
// The kinds are those that matter for a deed done once: it failed before ("error"), it was done and the answer was
// lost ("timeout_after"), the program died before or after ("crash_before", "crash_after"), it took long ("delay").
// A crash really ends the process, as kill -9 does.
package faults

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"onebook/internal/fault"
)

// Kind is what goes wrong.
type Kind string

// The kinds of fault.
const (
	Error        Kind = "error"
	TimeoutAfter Kind = "timeout_after"
	CrashBefore  Kind = "crash_before"
	CrashAfter   Kind = "crash_after"
	Delay        Kind = "delay"
)

// DefaultDelay is the length of a delay that names none.
const DefaultDelay = 2 * time.Second

// Plan is one fault to come. Count is how often it strikes (1 when 0); Skip lets that many hits of the point pass
// first; Millis is the length of a delay.
type Plan struct {
	Point  string `json:"point"`
	Kind   Kind   `json:"kind"`
	Count  int    `json:"count"`
	Skip   int    `json:"skip,omitempty"`
	Millis int    `json:"millis,omitempty"`
}

// ErrPlanned is the cause of every failure that was planned.
var ErrPlanned = errors.New("planned fault")

// Faults holds the plans. The zero value has none and costs next to nothing. Kill is replaced in tests only.
type Faults struct {
	Kill func()

	mu    sync.Mutex
	plans []*Plan
	hits  map[string]int
}

// Add plans a fault; fault.Invalid for a plan that cannot strike.
func (f *Faults) Add(p Plan) error {
	var bad fault.Fields
	if p.Point == "" {
		bad.Add("point", "required", "name the point, such as store.write, s3.put, mail.send, stripe or function.invoices")
	}
	if !slices.Contains([]Kind{Error, TimeoutAfter, CrashBefore, CrashAfter, Delay}, p.Kind) {
		bad.Add("kind", "invalid", "the kinds are error, timeout_after, crash_before, crash_after and delay")
	}
	if p.Count < 0 || p.Skip < 0 || p.Millis < 0 {
		bad.Add("count", "invalid", "count, skip and millis are not negative")
	}
	if err := bad.Err(); err != nil {
		return err
	}
	if p.Count == 0 {
		p.Count = 1
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.plans = append(f.plans, &p)
	return nil
}

// Clear forgets all plans and counts.
func (f *Faults) Clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.plans, f.hits = nil, nil
}

// State answers the plans that have not struck out, and how often each point was hit since the last Clear.
func (f *Faults) State() (plans []Plan, hits map[string]int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	plans, hits = []Plan{}, map[string]int{}
	for _, p := range f.plans {
		plans = append(plans, *p)
	}
	for k, v := range f.hits {
		hits[k] = v
	}
	return plans, hits
}

// Do runs deed at a point, with what is planned there. An error that was planned wraps ErrPlanned.
func (f *Faults) Do(ctx context.Context, point string, deed func() error) error {
	p := f.hit(point)
	if p == nil {
		return deed()
	}
	switch p.Kind {
	case CrashBefore:
		f.kill()
	case Error:
		return ErrPlanned
	case Delay:
		d := time.Duration(p.Millis) * time.Millisecond
		if d == 0 {
			d = DefaultDelay
		}
		select {
		case <-time.After(d):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	err := deed()
	switch p.Kind {
	case CrashAfter:
		f.kill()
	case TimeoutAfter:
		return errors.Join(ErrPlanned, context.DeadlineExceeded)
	}
	return err
}

func (f *Faults) hit(point string) *Plan {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.hits == nil {
		f.hits = map[string]int{}
	}
	f.hits[point]++
	for i, p := range f.plans {
		if point != p.Point && !strings.HasPrefix(point, p.Point+".") {
			continue
		}
		if p.Skip > 0 {
			p.Skip--
			continue
		}
		if p.Count--; p.Count == 0 {
			f.plans = slices.Delete(f.plans, i, i+1)
		}
		struck := *p
		return &struck
	}
	return nil
}

func (f *Faults) kill() {
	if f.Kill != nil {
		f.Kill()
		return
	}
	if p, err := os.FindProcess(os.Getpid()); err == nil {
		p.Kill()
	}
	select {} // until the kill arrives
}
