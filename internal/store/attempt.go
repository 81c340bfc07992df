package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// How long a driver tries. The deadline of the caller's context ends it earlier.
const (
	maxAttempts    = 12
	firstPause     = 25 * time.Millisecond
	longestPause   = time.Second
	recogniseIn    = time.Second // to find out about a lost answer when the caller's own time is up
	maxReplacement = 4           // looks at a key whose expired item others replace or sweep at the same moment
)

// What one attempt may come to, besides nil and an error that is final.
var (
	errContended = errors.New("store: nothing was written")      // a conflict or a throttle: try again
	errLost      = errors.New("store: the answer was lost")      // it may have been written or not
	errAbsent    = errors.New("store: this write was not found") // none of its create-once items is there
)

// refused is the answer that the condition of operation at failed.
type refused struct{ at int }

func (r refused) Error() string { return fmt.Sprintf("store: condition of operation %d failed", r.at) }

// backend is what the drivers do each in their own way.
type backend interface {
	// commit makes one attempt and answers nil, a refused, errContended, errLost, or an error that is final.
	commit(ctx context.Context, w *write) error
	// stampAt answers the stamp of the item at k by a consistent read, "" when there is none.
	stampAt(ctx context.Context, k Key) (string, error)
}

// write is one Write under way. Now is fixed at its beginning, so that every attempt decides alike.
type write struct {
	ops   []Op
	stamp string
	now   time.Time
}

// patience is how a driver waits: at most the doubled pause each time, all of it or by jitter only a part.
type patience struct {
	pause  func(context.Context, time.Duration) error
	jitter func(time.Duration) time.Duration
}

func (p patience) wait(ctx context.Context, attempt int) error {
	d := min(firstPause<<attempt, longestPause)
	if p.jitter != nil {
		d = p.jitter(d)
	}
	return p.pause(ctx, d)
}

// pause waits for d or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func busy(cause error) error { return fmt.Errorf("%w: %w", ErrBusy, cause) }

// run makes attempts until one decides. After a lost answer only the create-once items are believed: a versioned
// item that is no longer as we read it may have been changed by us or by anybody.
func (w *write) run(ctx context.Context, b backend, p patience) error {
	lost := false
	var last error
	for n := 0; n < maxAttempts; n++ {
		if err := ctx.Err(); err != nil && n == 0 {
			return busy(err)
		}
		err := b.commit(ctx, w)
		if err == nil {
			return nil
		}
		lost = lost || errors.Is(err, errLost)
		again := errors.Is(err, errLost) || errors.Is(err, errContended)
		if lost {
			switch found := w.recognise(ctx, b); {
			case found == nil:
				return nil
			case !errors.Is(found, errAbsent):
				err, again = found, true
			}
		}
		if !again {
			return w.meaning(err)
		}
		last = err
		if err := p.wait(ctx, n); err != nil {
			return busy(errors.Join(last, err))
		}
	}
	return busy(last)
}

// recognise answers nil when a create-once item of this write is in the table, errAbsent when none is.
func (w *write) recognise(ctx context.Context, b backend) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recogniseIn)
	defer cancel()
	for i := range w.ops {
		if !w.ops[i].creates() {
			continue
		}
		stamp, err := b.stampAt(ctx, w.ops[i].Item.Key)
		if err != nil {
			return err
		}
		if stamp == w.stamp {
			return nil
		}
	}
	return errAbsent
}

func (w *write) meaning(err error) error {
	var r refused
	if !errors.As(err, &r) {
		return err
	}
	if said := w.ops[r.at].Err; said != nil {
		return said
	}
	return ErrConflict
}

// read makes attempts of a read, which may be repeated at will.
func (p patience) read(ctx context.Context, once func() error) error {
	var last error
	for n := 0; n < maxAttempts; n++ {
		if err := ctx.Err(); err != nil {
			return busy(errors.Join(last, err))
		}
		last = once()
		if !errors.Is(last, errContended) && !errors.Is(last, errLost) {
			return last
		}
		if err := p.wait(ctx, n); err != nil {
			return busy(errors.Join(last, err))
		}
	}
	return busy(last)
}
