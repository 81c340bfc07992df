package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"onebook/infra/local/drive"
)

// Options say how hard it is made.
type Options struct {
	Binary string // the local program
	Folder string // its data; made anew
	Lives  int
	Kills  int
	Seed   uint64
	Log    io.Writer // what the program says, and the moments of the kills; nil drops it
}

// Outcome is what was found.
type Outcome struct {
	Lives, Kills int
	Deeds        int // that were answered with 2xx
	Facts        int // that these answers told, all read again
	Mails, PDFs  int
	Seed         uint64
	Took         time.Duration
	Wrong        []string // empty when all is there, once
}

func (o *Outcome) String() string {
	return fmt.Sprintf("seed %d: %d lives over %d kills in %s: %d answered deeds with %d facts, %d mails and %d PDFs read again, %d wrong",
		o.Seed, o.Lives, o.Kills, o.Took.Round(time.Second/10), o.Deeds, o.Facts, o.Mails, o.PDFs, len(o.Wrong))
}

// atOnce is how many lives run at the same time.
const atOnce = 5

// Endure runs the lives under kills and reads everything again. The error is of what could not be done; what was done
// and is not there is in the outcome.
func Endure(ctx context.Context, o Options) (*Outcome, error) {
	began := time.Now()
	if o.Log != nil {
		fmt.Fprintf(o.Log, "seed %d\n", o.Seed)
	}
	program := &drive.Program{Binary: o.Binary, Data: o.Folder, Log: o.Log}
	if err := program.Start(ctx, "-now", firstDay+"T09:00:00Z"); err != nil {
		return nil, err
	}
	defer program.Kill()
	c := &drive.Client{Base: program.Base, Role: "owner", Patience: 2 * time.Minute}
	if err := found(ctx, c); err != nil {
		return nil, err
	}
	lives, kept, err := underKills(ctx, o, program, c)
	if err != nil {
		return nil, err
	}
	// An hour is enough for everything that was cut off to be tried again. Then what is read comes from the disk.
	if err := advance(ctx, c, "1h"); err != nil {
		return nil, err
	}
	program.Kill()
	if err := program.Start(ctx); err != nil {
		return nil, err
	}
	out := &Outcome{Lives: o.Lives, Kills: o.Kills, Deeds: kept.count, Seed: o.Seed}
	if err := reread(ctx, c, lives, kept, out); err != nil {
		return nil, err
	}
	out.Wrong = kept.wrong
	out.Took = time.Since(began)
	return out, program.Stop()
}

// found sets the organisation up.
func found(ctx context.Context, c *drive.Client) error {
	return c.Edit(ctx, "/v1/settings", map[string]any{"name": "Studio Nord", "currency": "EUR", "timeZone": "Europe/Berlin"})
}

func advance(ctx context.Context, c *drive.Client, by string) error {
	return c.Control(ctx, "clock", map[string]string{"advance": by}, nil)
}

// underKills runs the lives while the reaper is about.
func underKills(ctx context.Context, o Options, program *drive.Program, c *drive.Client) ([]*life, *ledger, error) {
	kept, clock := newLedger(), &nudge{client: c}
	chance := rand.New(rand.NewPCG(o.Seed, 1))
	var mu sync.Mutex
	again := func() bool { // a quarter of all deeds are done twice
		mu.Lock()
		defer mu.Unlock()
		return chance.IntN(4) == 0
	}
	var lives []*life
	steps := 0
	for n := range o.Lives {
		l := &life{Client: c, n: n, way: way(n) % ways, kept: kept, notYet: clock.notYet, again: again}
		lives, steps = append(lives, l), steps+l.way.steps()
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var done sync.WaitGroup
	done.Go(func() {
		r := &reaper{program: program, kept: kept, chance: rand.New(rand.NewPCG(o.Seed, 2)), log: o.Log}
		if err := r.reap(ctx, o.Kills, steps); err != nil {
			cancel(err)
		}
	})
	g, living := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for _, l := range lives {
		g.Go(func() error { return l.live(living) })
	}
	err := g.Wait()
	if err != nil {
		cancel(err)
	}
	kept.finish() // what is left of the kills happens to an idle program
	done.Wait()
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	return lives, kept, err
}

// nudge moves the clock on for those who wait: what a kill has cut off is tried again minutes later by the product's
// clock, which would be long by the machine's.
type nudge struct {
	client *drive.Client
	mu     sync.Mutex
}

const (
	looks  = 50 // between two nudges
	nudges = 40 // until it is hopeless
)

func (n *nudge) notYet(ctx context.Context, tries int) error {
	switch {
	case tries > looks*nudges:
		return errTooLong
	case tries%looks == 0:
		n.mu.Lock()
		defer n.mu.Unlock()
		return advance(ctx, n.client, "5m")
	}
	return pause(ctx)
}

// reaper kills the program at random moments and starts it again.
type reaper struct {
	program *drive.Program
	kept    *ledger
	chance  *rand.Rand
	log     io.Writer
}

// within is how long after an answer a kill comes at the latest: longer than a deed takes, with what it sets off.
const within = 80 * time.Millisecond

func (r *reaper) reap(ctx context.Context, kills, steps int) error {
	var at []int
	for range kills {
		at = append(at, r.chance.IntN(steps))
	}
	slices.Sort(at)
	for n := 0; n < kills; n++ {
		deeds := r.kept.wait(ctx, at[n])
		r.sleep(ctx, within)
		r.program.Kill()
		if r.log != nil {
			fmt.Fprintf(r.log, "kill %d of %d, after %d deeds\n", n+1, kills, deeds)
		}
		if n+1 < kills && r.chance.IntN(5) == 0 { // once more, while it starts
			if err := r.program.Launch(); err != nil {
				return err
			}
			r.sleep(ctx, 4*within)
			r.program.Kill()
			n++
			if r.log != nil {
				fmt.Fprintf(r.log, "kill %d of %d, while it starts again\n", n+1, kills)
			}
		}
		if ctx.Err() != nil {
			return nil
		}
		if err := r.program.Start(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (r *reaper) sleep(ctx context.Context, most time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(time.Duration(r.chance.Int64N(int64(most)))):
	}
}
