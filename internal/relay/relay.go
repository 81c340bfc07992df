// Package relay is the door for what AWS delivers by itself: changes of the table, the clock's tick, reports of the mail
// service. Every handler here may be called twice with the same thing, and ends in changed state or an issue.
package relay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"

	"onebook/internal/effect"
	"onebook/internal/store"
)

// Stream runs the effects that a batch of the table's changes has put in line. Each gets ten seconds at most. It always
// acknowledges: what could not be done now is the sweeper's.
type Stream struct {
	Runner *effect.Runner
	Log    *slog.Logger
}

const perEffect = 10 * time.Second

// Batch is the payload of a stream mapping.
type Batch struct {
	Records []json.RawMessage `json:"Records"`
}

// Answer is what a stream mapping expects; nothing is ever left to it.
type Answer struct {
	BatchItemFailures []struct{} `json:"batchItemFailures"`
}

// Handle runs a batch.
func (s Stream) Handle(ctx context.Context, b Batch) (Answer, error) {
	for _, raw := range b.Records {
		if err := s.one(ctx, raw); err != nil {
			s.Log.ErrorContext(ctx, "effect left to the sweeper", "error", err)
		}
	}
	return Answer{BatchItemFailures: []struct{}{}}, nil
}

func (s Stream) one(ctx context.Context, raw json.RawMessage) (err error) {
	defer recovered(&err)
	c, err := store.DecodeStream(raw)
	if err != nil {
		return err
	}
	if c.New == nil || c.Old != nil || !strings.HasPrefix(c.New.Kind, "effect.") {
		return nil // only what was newly put in line
	}
	e, err := effect.Decode(*c.New)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, perEffect)
	defer cancel()
	return s.Runner.Run(ctx, e.ID)
}

func recovered(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
	}
}

// Sweeper is the guarantee: each minute it runs what is due and asks for what nobody has told.
type Sweeper struct {
	Runner *effect.Runner
	Expire func(ctx context.Context, shard int) (int, error) // offers whose day has passed
	Pull   func(ctx context.Context) error                   // what became of payments
	Log    *slog.Logger
}

// Tick is the payload of the schedule.
type Tick struct {
	AsOf string `json:"asOf"`
}

// Swept is what one tick has done.
type Swept struct {
	Effects int `json:"effects"`
	Expired int `json:"expired"`
}

// Handle does one tick. A failure of one part does not stop the others; the joined error makes the platform try again.
func (s Sweeper) Handle(ctx context.Context, _ Tick) (Swept, error) {
	var out Swept
	var late time.Duration
	var errs []error
	step := func(name string, do func() error) {
		var err error
		func() {
			defer recovered(&err)
			err = do()
		}()
		if err != nil {
			s.Log.ErrorContext(ctx, "sweep", "part", name, "error", err)
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
	}
	step("payments", func() error { return s.Pull(ctx) })
	for shard := range effect.Shards {
		step("estimates", func() error {
			n, err := s.Expire(ctx, shard)
			out.Expired += n
			return err
		})
		step("effects", func() error {
			n, since, err := s.Runner.Sweep(ctx, shard)
			out.Effects += n
			if !since.IsZero() {
				late = max(late, s.Runner.Now().Sub(since))
			}
			return err
		})
	}
	if len(errs) == 0 {
		// Alarms are made of this line: its absence, and how late the oldest effect was.
		s.Log.InfoContext(ctx, "swept", "effects", out.Effects, "expired", out.Expired, "late", int(late.Seconds()))
	}
	return out, errors.Join(errs...)
}
